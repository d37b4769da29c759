//! permessage-deflate, for clients that ask for it.

use std::io::Read;

use flate2::read::DeflateDecoder;
use flate2::{Compress, Compression, FlushCompress};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::stage::{DEADLINE, Stage};

/// A client that reads frames as they are.
struct Raw(TcpStream);

impl Raw {
    /// Also returns the head of the answer.
    async fn open(stage: &Stage, path: &str, extensions: &str) -> (Self, String) {
        let mut stream = TcpStream::connect(stage.relay.address).await.unwrap();
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Extensions: {extensions}\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(timeout(DEADLINE, stream.read_u8()).await.unwrap().unwrap());
        }
        (Self(stream), String::from_utf8(head).unwrap().to_lowercase())
    }

    /// The next text, and whether it was compressed.
    async fn text(&mut self) -> (String, bool) {
        let frame = async {
            let first = self.0.read_u8().await.unwrap();
            let length = match self.0.read_u8().await.unwrap() {
                126 => usize::from(self.0.read_u16().await.unwrap()),
                length => usize::from(length),
            };
            let mut payload = vec![0; length];
            self.0.read_exact(&mut payload).await.unwrap();
            (first, payload)
        };
        let (first, payload) = timeout(DEADLINE, frame).await.expect("no frame came");
        assert_eq!(first & 0x8f, 0x81, "a whole text");
        match first & 0x40 {
            0 => (String::from_utf8(payload).unwrap(), false),
            _ => (inflate(&payload), true),
        }
    }

    async fn say_deflated(&mut self, text: &str) {
        let mut payload = Vec::with_capacity(1024);
        Compress::new(Compression::best(), false)
            .compress_vec(text.as_bytes(), &mut payload, FlushCompress::Sync)
            .unwrap();
        payload.truncate(payload.len() - 4);
        let mut frame = vec![0xc1, 0x80 | u8::try_from(payload.len()).unwrap(), 0, 0, 0, 0];
        frame.extend(payload);
        self.0.write_all(&frame).await.unwrap();
    }
}

/// Each message stands for itself.
fn inflate(payload: &[u8]) -> String {
    let mut text = String::new();
    // An empty last block, in place of the tail that is not sent.
    let whole = [payload, &[0, 0, 0xff, 0xff, 3, 0]].concat();
    DeflateDecoder::new(&whole[..]).read_to_string(&mut text).unwrap();
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_for_it_gets_smaller_frames_that_say_the_same() {
    let stage = Stage::start_with(|config| config.compression = true).await;
    let (mut one, head) = Raw::open(&stage, "/ws/items/lot1", "permessage-deflate; client_max_window_bits").await;
    assert!(head.contains("permessage-deflate; server_no_context_takeover; client_no_context_takeover"), "{head}");
    let mut plain = stage.viewer("lot1").await;
    one.text().await;
    for amount in 1..4 {
        let bid = stage.bid("lot1", amount).await;
        assert_eq!(one.text().await, (bid.clone(), true));
        assert_eq!(plain.frame().await, bid);
    }
    // What it says may be compressed, too.
    let (mut many, _) = Raw::open(&stage, "/ws", "permessage-deflate").await;
    many.say_deflated(r#"{"type":"subscribe","itemId":"lot1","since":0,"epoch":1}"#).await;
    assert!(many.text().await.0.contains(r#""type":"connected""#));
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_gets_it_who_asks_for_what_cannot_be_promised_or_where_it_is_off() {
    let stage = Stage::start().await;
    let (_, head) = Raw::open(&stage, "/ws/items/lot1", "permessage-deflate").await;
    assert!(!head.contains("extensions"), "{head}");
    let stage = Stage::start_with(|config| config.compression = true).await;
    let (mut viewer, head) = Raw::open(&stage, "/ws/items/lot1", "permessage-deflate; server_max_window_bits=9").await;
    assert!(!head.contains("extensions"), "{head}");
    viewer.text().await;
    let bid = stage.bid("lot1", 1).await;
    assert_eq!(viewer.text().await, (bid, false));
}
