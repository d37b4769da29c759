//! Viewers that do not speak the protocol.

use tokio::io::AsyncWriteExt;
use tokio::net::TcpSocket;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

use crate::client::Client;
use crate::stage::{DEADLINE, Stage};

/// A frame with the mask zero, so that the payload stands as it is.
fn frame(first_byte: u8, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(payload.len()).unwrap();
    let mut bytes = vec![first_byte];
    match length {
        0..126 => bytes.push(0x80 | length as u8),
        _ => {
            bytes.push(0x80 | 126);
            bytes.extend(length.to_be_bytes());
        }
    }
    bytes.extend([0; 4]);
    bytes.extend(payload);
    bytes
}

const TEXT: u8 = 0x81;

#[tokio::test(flavor = "multi_thread")]
async fn each_kind_of_bad_frame_closes_its_sender_with_its_code_and_nobody_else() {
    let stage = Stage::start().await;
    let mut bystander = stage.viewer("lot1").await;
    let text_of = |count: usize| frame(TEXT, &vec![b'x'; count]);
    let fragments = [frame(0x01, &[b'x'; 3000]), frame(0x80, &[b'x'; 3000])].concat();
    let cases: Vec<(&str, Vec<u8>, u16)> = vec![
        ("unmasked", vec![TEXT, 2, b'h', b'i'], 1002),
        ("a reserved bit", frame(TEXT | 0x40, b"hi"), 1002),
        ("an unknown opcode", frame(0x83, b"hi"), 1002),
        ("an unknown control opcode", frame(0x8b, b"hi"), 1002),
        ("a long ping", frame(0x89, &[0; 126]), 1002),
        ("a fragmented ping", frame(0x09, b"hi"), 1002),
        ("a continuation of nothing", frame(0x80, b"hi"), 1002),
        ("a close frame of one byte", frame(0x88, &[3]), 1002),
        ("noise", b"GET / HTTP/1.1\r\n\r\n".to_vec(), 1002),
        ("not UTF-8", frame(TEXT, &[0xff, 0xfe]), 1007),
        ("too big", text_of(4097), 1009),
        ("much too big", text_of(65_535).repeat(12), 1009),
        ("a huge length", [&[TEXT, 0xff][..], &u64::MAX.to_be_bytes(), &[0; 4]].concat(), 1009),
        ("too big in fragments", fragments, 1009),
        ("a flood", frame(TEXT, b"hi").repeat(2_000), 1008),
        ("a flood of fragments", [frame(0x01, b""), frame(0x00, b"").repeat(100_000)].concat(), 1008),
    ];
    for (amount, (what, bytes, code)) in (1..).zip(cases) {
        let close = stage.viewer("lot1").await.send_raw(&bytes).await;
        assert_eq!(u16::from(close.code), code, "{what}: {}", close.reason);
        let bid = stage.bid("lot1", amount).await;
        assert_eq!(bystander.frame().await, bid);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_viewer_says_within_the_limits_is_ignored() {
    let stage = Stage::start().await;
    let mut viewer = stage.viewer("lot1").await;
    viewer.say(Message::Text("x".repeat(4096).into())).await;
    viewer.say(Message::Binary(vec![0; 4096].into())).await;
    viewer.say(Message::Text("".into())).await;
    viewer.say(Message::Pong("unasked".into())).await;
    viewer.say(Message::Ping("there?".into())).await;
    assert_eq!(viewer.receive().await, Message::Pong("there?".into()));
    let bid = stage.bid("lot1", 1).await;
    assert_eq!(viewer.frame().await, bid);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_follows_the_close_frame_of_one_who_floods_with_pings() {
    let stage = Stage::start().await;
    let viewer = stage.viewer("lot1").await;
    let bytes = viewer.send_raw_until_the_end(&frame(0x89, b"there?").repeat(2_000)).await;
    let (mut rest, mut opcodes) = (&bytes[..], Vec::new());
    while let [first, length, ..] = *rest {
        assert!(length < 126, "pongs and a close frame are short");
        opcodes.push(first & 0x0f);
        rest = &rest[2 + usize::from(length)..];
    }
    assert_eq!(opcodes.iter().position(|opcode| *opcode == 0x8), Some(opcodes.len() - 1), "{opcodes:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_that_ask_and_never_read_are_cut_off_and_do_not_keep_viewers_out() {
    let stage = Stage::start_with(|config| config.handshakes_max = 4).await;
    let mut never_reading = Vec::new();
    for _ in 0..4 {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4096).unwrap();
        let mut stream = socket.connect(stage.relay.address).await.unwrap();
        let requests = b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n".repeat(100);
        // The first of them are there before the viewer comes.
        stream.write_all(&requests).await.unwrap();
        // Ends only because the relay ends the connection.
        never_reading.push(tokio::spawn(async move { while stream.write_all(&requests).await.is_ok() {} }));
    }
    let joining = Client::connect(stage.relay.address, "lot1");
    let mut viewer = timeout(DEADLINE, joining).await.expect("the viewer is kept out");
    for client in never_reading {
        timeout(DEADLINE, client).await.expect("a client is not cut off").unwrap();
    }
    let bid = stage.bid("lot1", 1).await;
    assert_eq!(viewer.frame().await, bid);
}
