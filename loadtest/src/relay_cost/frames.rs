//! Counts the messages in what a server sends, by the headers of its WebSocket frames (RFC 6455 section 5.2). Nothing is
//! copied but the payload of pings.

/// Longer ones are not allowed in a frame that controls.
const CONTROL_PAYLOAD_MAX: u64 = 125;

/// A header is 2 bytes, and up to 8 more where the length is long. Servers do not mask.
const HEADER_BYTES_MAX: usize = 10;

/// What tells messages apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Counting {
    /// Each message is one message of WebSocket.
    Frames,
    /// A protocol inside, whose messages have so many bytes each and may share frames.
    Bytes(u64),
}

/// Where a connection is in its stream of bytes.
#[derive(Debug)]
pub(super) struct FrameCounter {
    counting: Counting,
    header: [u8; HEADER_BYTES_MAX],
    header_bytes: usize,
    payload_left: u64,
    /// The payload of the ping that is being read.
    ping: Vec<u8>,
    /// Payload that is not a whole message yet, where bytes are counted.
    uncounted_bytes: u64,
}

/// What was in some bytes.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Seen {
    /// Messages that ended there.
    pub(super) messages: u32,
    /// What pings that ended there want echoed.
    pub(super) pings: Vec<Vec<u8>>,
    /// The server says good-bye.
    pub(super) is_closing: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Data,
    Ping,
    Close,
    Other,
}

impl FrameCounter {
    pub(super) fn new(counting: Counting) -> Self {
        let header = [0; HEADER_BYTES_MAX];
        Self { counting, header, header_bytes: 0, payload_left: 0, ping: Vec::new(), uncounted_bytes: 0 }
    }

    /// Takes what was read, wherever it was cut.
    pub(super) fn feed(&mut self, mut bytes: &[u8]) -> Seen {
        let mut seen = Seen::default();
        while !bytes.is_empty() {
            if self.payload_left == 0 {
                bytes = self.read_header(bytes);
                if self.header_bytes < self.header_length() {
                    break;
                }
                self.payload_left = self.payload_length();
            }
            let taken = usize::try_from(self.payload_left).unwrap_or(usize::MAX).min(bytes.len());
            self.read_payload(&bytes[..taken], &mut seen);
            bytes = &bytes[taken..];
        }
        seen
    }

    /// Returns what comes after the header, or nothing when it is not whole yet.
    fn read_header<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let mut rest = bytes;
        while self.header_bytes < self.header_length()
            && let Some((first, others)) = rest.split_first()
        {
            self.header[self.header_bytes] = *first;
            self.header_bytes += 1;
            rest = others;
        }
        rest
    }

    /// As far as it is known: the second byte tells.
    fn header_length(&self) -> usize {
        match (self.header_bytes, self.header[1]) {
            (0 | 1, _) => 2,
            (_, 126) => 4,
            (_, 127) => 10,
            (_, _) => 2,
        }
    }

    fn payload_length(&self) -> u64 {
        let extended = &self.header[2..self.header_length()];
        match extended.is_empty() {
            true => u64::from(self.header[1]),
            false => extended.iter().fold(0, |length, byte| length << 8 | u64::from(*byte)),
        }
    }

    fn read_payload(&mut self, payload: &[u8], seen: &mut Seen) {
        self.payload_left -= payload.len() as u64;
        match (self.kind(), self.counting) {
            (Kind::Data, Counting::Bytes(message_bytes)) => {
                self.uncounted_bytes += payload.len() as u64;
                seen.messages += (self.uncounted_bytes / message_bytes) as u32;
                self.uncounted_bytes %= message_bytes;
            }
            (Kind::Ping, _) if self.payload_length() <= CONTROL_PAYLOAD_MAX => self.ping.extend_from_slice(payload),
            (_, _) => {}
        }
        if self.payload_left == 0 {
            self.end_frame(seen);
        }
    }

    fn end_frame(&mut self, seen: &mut Seen) {
        let is_final = self.header[0] & 0x80 != 0;
        match self.kind() {
            Kind::Data => seen.messages += u32::from(is_final && self.counting == Counting::Frames),
            Kind::Ping => seen.pings.push(std::mem::take(&mut self.ping)),
            Kind::Close => seen.is_closing = true,
            Kind::Other => {}
        }
        self.header_bytes = 0;
    }

    fn kind(&self) -> Kind {
        match self.header[0] & 0x0f {
            0..=2 => Kind::Data,
            8 => Kind::Close,
            9 => Kind::Ping,
            _ => Kind::Other,
        }
    }
}

/// A frame from a client. Its mask is zero, which is one like any other, and leaves the payload as it is.
pub(super) fn from_client(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x80 | opcode];
    match payload.len() {
        length @ 0..=125 => frame.push(0x80 | length as u8),
        length @ 126..=0xffff => {
            frame.push(0x80 | 126);
            frame.extend((length as u16).to_be_bytes());
        }
        length => {
            frame.push(0x80 | 127);
            frame.extend((length as u64).to_be_bytes());
        }
    }
    frame.extend([0; 4]);
    frame.extend(payload);
    frame
}

pub(super) const TEXT: u8 = 1;
pub(super) const PING: u8 = 9;
pub(super) const PONG: u8 = 10;

/// A text frame from a server.
pub(super) fn from_server(payload: &[u8]) -> Vec<u8> {
    let masked = from_client(TEXT, payload);
    let header = masked.len() - payload.len() - 4;
    let mut frame = masked[..header].to_vec();
    frame[1] &= 0x7f;
    frame.extend(payload);
    frame
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whatever the pieces, the sum is the same.
    #[track_caller]
    fn check(counting: Counting, stream: &[u8], messages: u32, pings: &[&[u8]], is_closing: bool) {
        for piece in 1..=stream.len() {
            let mut counter = FrameCounter::new(counting);
            let mut sum = Seen::default();
            for bytes in stream.chunks(piece) {
                let seen = counter.feed(bytes);
                sum.messages += seen.messages;
                sum.pings.extend(seen.pings);
                sum.is_closing |= seen.is_closing;
            }
            assert_eq!((sum.messages, sum.is_closing), (messages, is_closing), "pieces of {piece} bytes");
            assert_eq!(sum.pings, pings, "pieces of {piece} bytes");
        }
    }

    #[test]
    fn frames_of_all_lengths_are_counted_wherever_they_are_cut() {
        let lengths = [0, 1, 125, 126, 127, 250, 65_535, 65_536];
        for length in lengths {
            let frame = from_server(&vec![b'x'; length]);
            let mut counter = FrameCounter::new(Counting::Frames);
            assert_eq!(counter.feed(&frame[..frame.len() - 1]).messages, 0, "{length}");
            assert_eq!(counter.feed(&frame[frame.len() - 1..]).messages, 1, "{length}");
        }
        let stream: Vec<u8> = lengths[..6].iter().flat_map(|length| from_server(&vec![b'x'; *length])).collect();
        check(Counting::Frames, &stream, 6, &[], false);
    }

    #[test]
    fn frames_that_control_are_no_messages_and_pings_are_handed_out() {
        let ping: &[u8] = &[0x89, 3, b'a', b'b', b'c'];
        let stream = [&from_server(b"one"), ping, &[0x8a, 0], &[0x89, 0], &from_server(b"two")].concat();
        check(Counting::Frames, &stream, 2, &[b"abc", b""], false);
        check(Counting::Frames, &[0x88, 2, 3, 232], 0, &[], true);
    }

    #[test]
    fn a_message_in_fragments_is_one_message() {
        let stream = [0x01, 1, b'a', 0x89, 0, 0x00, 1, b'b', 0x80, 1, b'c'];
        check(Counting::Frames, &stream, 1, &[b""], false);
    }

    #[test]
    fn messages_that_share_frames_are_counted_by_their_bytes() {
        let stream = [from_server(b"MSGMS"), from_server(b"G"), from_server(b"MSGMSGMSG")].concat();
        check(Counting::Bytes(3), &stream, 5, &[], false);
    }

    #[test]
    fn a_client_masks_with_zeroes() {
        assert_eq!(from_client(PONG, b"hi"), [0x8a, 0x82, 0, 0, 0, 0, b'h', b'i']);
        assert_eq!(from_client(TEXT, &[b'x'; 200])[..4], [0x81, 0xfe, 0, 200]);
        assert_eq!(from_server(b"hi"), [0x81, 2, b'h', b'i']);
    }
}
