//! A text frame as it goes over the wire, and the snapshots that the relay writes itself. Events are forwarded as they
//! were published.

mod snapshot;

use auction::Position;
use bytes::{BufMut, Bytes, BytesMut};
use tokio_tungstenite::tungstenite::protocol::frame::{
    FrameHeader,
    coding::{Data, OpCode},
};

pub(crate) use self::snapshot::{Scene, connected, live, stale, state, subscribers};

/// Header and payload, made once: a server masks nothing (RFC 6455 5.1), so that all viewers get the same bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    /// Where a viewer stands that has seen it.
    position: Position,
    bytes: Bytes,
}

impl Frame {
    pub(crate) fn text(position: Position, payload: &str) -> Self {
        let header = FrameHeader { opcode: OpCode::Data(Data::Text), ..FrameHeader::default() };
        let length = payload.len() as u64;
        let mut bytes = BytesMut::with_capacity(header.len(length) + payload.len()).writer();
        header.format(length, &mut bytes).expect("memory takes everything");
        let mut bytes = bytes.into_inner();
        bytes.put(payload.as_bytes());
        Self { position, bytes: bytes.freeze() }
    }

    pub(crate) fn position(&self) -> Position {
        self.position
    }

    pub(crate) fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// Without the header.
    pub(crate) fn payload(&self) -> Bytes {
        let header = match self.bytes[1] {
            0..126 => 2,
            126 => 4,
            _ => 10,
        };
        self.bytes.slice(header..)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_payload_stands_behind_a_header_of_any_size() {
        for length in [0, 1, 125, 126, 127, 65_535, 65_536] {
            let text = "x".repeat(length);
            let frame = Frame::text(Position { epoch: 1, seq: 2 }, &text);
            assert_eq!(frame.payload(), text);
            assert_eq!(frame.bytes()[0], 0x81, "final, and a text");
        }
    }
}
