//! What a client says, read from its bytes (RFC 6455), and the frames that answer it.
//!
//! Nothing is allocated for a client that sends whole frames: they are read where they came in.

mod assembly;
pub(crate) mod deflate;

use std::io::Cursor;

use bytes::{BufMut, Bytes, BytesMut};
use tokio_tungstenite::tungstenite::protocol::frame::{
    Frame, FrameHeader,
    coding::{CloseCode, Control, Data, OpCode},
};

use self::assembly::Assembly;
use crate::closing::Closing;

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Heard<'a> {
    Text(&'a str),
    Binary(&'a [u8]),
    Ping(&'a [u8]),
    Pong,
    /// With the code that it is answered with.
    Close(Option<u16>),
}

/// What holds for a connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    /// How many bytes a message may have.
    pub(crate) message_max: usize,
    /// Whether compressed messages were agreed on.
    pub(crate) inflates: bool,
}

/// What was begun and is not whole yet: half a frame, or a message in fragments. Most clients never have any.
#[derive(Default)]
pub(crate) struct Hearing(Option<Box<Begun>>);

#[derive(Default)]
struct Begun {
    /// The beginning of a frame.
    bytes: Vec<u8>,
    message: Assembly,
}

impl Hearing {
    /// Reads bytes. Stops when `on` returns false.
    pub(crate) fn hear(
        &mut self,
        bytes: &[u8],
        rules: Rules,
        mut on: impl FnMut(Heard<'_>) -> bool,
    ) -> Result<(), Closing> {
        let mut begun = self.0.take().unwrap_or_default();
        let mut joined = std::mem::take(&mut begun.bytes);
        if !joined.is_empty() {
            joined.extend_from_slice(bytes);
        }
        let all = if joined.is_empty() { bytes } else { &joined };
        let mut rest = all;
        let mut payload = Vec::new();
        while let Some((header, start, end)) = whole_frame(rest, rules)? {
            begun.message.admit(&header, end - start, rules)?;
            let Some(masked) = rest.get(start..end) else { break };
            unmask(masked, header.mask.ok_or(Closing::Malformed)?, &mut payload);
            if !begun.message.take(&header, &payload, rules, &mut on)? {
                return Ok(());
            }
            rest = &rest[end..];
        }
        let read = all.len() - rest.len();
        match joined.is_empty() {
            true => begun.bytes.extend_from_slice(rest),
            false => {
                joined.drain(..read);
                begun.bytes = joined;
            }
        }
        if !begun.bytes.is_empty() || begun.message.is_begun() {
            self.0 = Some(begun);
        }
        Ok(())
    }
}

/// The header of the next frame, and where its payload starts and ends. Its beginning is judged before the rest is there.
fn whole_frame(bytes: &[u8], rules: Rules) -> Result<Option<(FrameHeader, usize, usize)>, Closing> {
    let mut cursor = Cursor::new(bytes);
    let Some((header, length)) = FrameHeader::parse(&mut cursor).map_err(|_| Closing::Malformed)? else {
        return Ok(None);
    };
    let start = usize::try_from(cursor.position()).map_err(|_| Closing::TooBig)?;
    let is_control = matches!(header.opcode, OpCode::Control(_));
    // The first frame of a message says whether it is compressed (RFC 7692 6).
    let may_be_deflated = rules.inflates && !is_control && header.opcode != OpCode::Data(Data::Continue);
    if header.mask.is_none() || header.rsv1 && !may_be_deflated || header.rsv2 || header.rsv3 {
        return Err(Closing::Malformed);
    }
    let length = usize::try_from(length).map_err(|_| Closing::TooBig)?;
    match is_control {
        true if length > 125 || !header.is_final => Err(Closing::Malformed),
        false if length > rules.message_max => Err(Closing::TooBig),
        _ => Ok(Some((header, start, start + length))),
    }
}

fn unmask(masked: &[u8], mask: [u8; 4], payload: &mut Vec<u8>) {
    payload.clear();
    payload.extend_from_slice(masked);
    for chunk in payload.chunks_mut(4) {
        chunk.iter_mut().zip(mask).for_each(|(byte, mask)| *byte ^= mask);
    }
}

pub(crate) fn ping() -> Bytes {
    encode(Frame::ping(Bytes::new()))
}

pub(crate) fn pong(payload: &[u8]) -> Bytes {
    encode(Frame::pong(payload.to_vec()))
}

pub(crate) fn close(why: Closing, retry_after_ms: u32) -> Bytes {
    encode(Frame::close(Some(why.frame(retry_after_ms))))
}

/// A close frame is answered with one of the same code (RFC 6455 5.5.1).
pub(crate) fn close_answer(code: Option<u16>) -> Bytes {
    let payload = code.map(|code| code.to_be_bytes().to_vec()).unwrap_or_default();
    encode(Frame::from_payload(
        FrameHeader { opcode: OpCode::Control(Control::Close), ..FrameHeader::default() },
        payload.into(),
    ))
}

pub(crate) fn message(kind: Data, payload: &[u8]) -> Bytes {
    encode(Frame::message(payload.to_vec(), OpCode::Data(kind), true))
}

fn encode(frame: Frame) -> Bytes {
    let mut bytes = BytesMut::with_capacity(frame.len()).writer();
    frame.format(&mut bytes).expect("memory takes everything");
    bytes.into_inner().freeze()
}

/// The code of a close frame's payload, `None` if it has none.
fn close_code(payload: &[u8]) -> Result<Option<u16>, Closing> {
    match payload {
        [] => Ok(None),
        [high, low, reason @ ..] => {
            let code = u16::from_be_bytes([*high, *low]);
            match CloseCode::from(code).is_allowed() {
                true if str::from_utf8(reason).is_ok() => Ok(Some(code)),
                true => Err(Closing::NotUtf8),
                false => Err(Closing::Malformed),
            }
        }
        _ => Err(Closing::Malformed),
    }
}

#[cfg(test)]
mod tests;
