//! A viewer that comes in, whatever reads for it: fed with what the server sends, it says when it is in.

use anyhow::{Result, ensure};

use super::{ACCEPT, Door, Greeting};
use crate::relay_cost::frames::{FrameCounter, TEXT, from_client};

/// A response's head, or a greeting.
const BYTES_MAX: usize = 16 * 1024;

#[derive(Debug)]
pub(in crate::relay_cost) struct Entry<'a> {
    door: &'a Door,
    stage: Stage,
    /// What belongs to the stage and is not whole yet.
    bytes: Vec<u8>,
    counter: FrameCounter,
    /// That are whole.
    messages: u32,
}

#[derive(Debug, PartialEq, Eq)]
enum Stage {
    Handshake,
    Greeting,
    In,
}

impl<'a> Entry<'a> {
    pub(in crate::relay_cost) fn new(door: &'a Door) -> Self {
        Self {
            door,
            stage: Stage::Handshake,
            bytes: Vec::new(),
            counter: FrameCounter::new(door.counting),
            messages: 0,
        }
    }

    /// Returns what the viewer has to say now.
    pub(in crate::relay_cost) fn feed(&mut self, bytes: &[u8]) -> Result<Option<Vec<u8>>> {
        self.bytes.extend_from_slice(bytes);
        let is_long = self.bytes.len() > BYTES_MAX;
        ensure!(!is_long, "too long: {}", String::from_utf8_lossy(&self.bytes[..200]));
        let mut hello = None;
        if self.stage == Stage::Handshake
            && let Some(end) = self.bytes.windows(4).position(|window| window == b"\r\n\r\n")
        {
            let rest = self.bytes.split_off(end + 4);
            self.accepted(&String::from_utf8_lossy(&self.bytes))?;
            (self.bytes, self.stage) = (rest, Stage::Greeting);
            if let Greeting::Answer { hello: words, .. } = &self.door.greeting {
                hello = Some(from_client(TEXT, words.as_bytes()));
            }
        }
        if self.stage == Stage::Greeting && self.is_greeted() {
            self.stage = Stage::In;
        }
        Ok(hello)
    }

    fn accepted(&self, head: &str) -> Result<()> {
        ensure!(head.starts_with("HTTP/1.1 101 ") && head.contains(ACCEPT), "no handshake, but: {head}");
        let is_compressed = head.contains("permessage-deflate");
        ensure!(is_compressed != self.door.extensions.is_empty(), "not the extensions that were asked for: {head}");
        Ok(())
    }

    fn is_greeted(&mut self) -> bool {
        if let Greeting::Answer { end, .. } = &self.door.greeting {
            return self.bytes.ends_with(end.as_bytes());
        }
        self.messages += self.counter.feed(&std::mem::take(&mut self.bytes)).messages;
        matches!(self.door.greeting, Greeting::None) || self.messages > 0
    }

    pub(in crate::relay_cost) fn is_in(&self) -> bool {
        self.stage == Stage::In
    }

    /// What came and was of no use yet.
    pub(in crate::relay_cost) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// And how many messages it has counted.
    pub(in crate::relay_cost) fn into_counter(self) -> (FrameCounter, u32) {
        (self.counter, self.messages)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::relay_cost::frames::{Counting, from_server};

    /// Wherever the answer is cut, the viewer is in at its end and not before.
    #[track_caller]
    fn check(greeting: Greeting, answer: &[u8], said: Option<&str>, messages: u32) {
        let mut door = Door::plain("127.0.0.1:1".parse().unwrap(), "/");
        (door.greeting, door.counting) = (greeting, Counting::Frames);
        for cut in 1..answer.len() {
            let mut entry = Entry::new(&door);
            let mut words = entry.feed(&answer[..cut]).unwrap();
            assert!(!entry.is_in(), "after {cut} bytes");
            words = words.or(entry.feed(&answer[cut..]).unwrap());
            assert!(entry.is_in());
            assert_eq!(words, said.map(|said| from_client(TEXT, said.as_bytes())));
            assert_eq!(entry.into_counter().1, messages);
        }
    }

    fn response() -> Vec<u8> {
        format!("HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: {ACCEPT}\r\n\r\n").into_bytes()
    }

    #[test]
    fn a_viewer_is_in_when_the_server_has_said_all_that_it_says_first() {
        check(Greeting::None, &response(), None, 0);
        check(Greeting::Message, &[response(), from_server(b"hello")].concat(), None, 1);
        let answer = Greeting::Answer { hello: "SUB".to_owned(), end: "PONG\r\n" };
        check(answer, &[response(), b"..PONG\r\n".to_vec()].concat(), Some("SUB"), 0);
    }

    #[test]
    fn what_is_no_handshake_is_an_error() {
        let mut door = Door::plain("127.0.0.1:1".parse().unwrap(), "/");
        let is_error = |door: &Door, answer: &[u8]| Entry::new(door).feed(answer).is_err();
        assert!(is_error(&door, b"HTTP/1.1 503 Service Unavailable\r\n\r\n"));
        assert!(is_error(&door, &[b'x'; BYTES_MAX + 1]));
        assert!(!is_error(&door, &response()));
        door.extensions = "Sec-WebSocket-Extensions: permessage-deflate\r\n";
        assert!(is_error(&door, &response()), "it does not compress");
    }
}
