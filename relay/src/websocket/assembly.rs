//! A message that comes in fragments, and the control frames between them.

use tokio_tungstenite::tungstenite::protocol::frame::{
    FrameHeader,
    coding::{Control, Data, OpCode},
};

use super::{Heard, Rules, close_code, deflate};
use crate::closing::Closing;

#[derive(Default)]
pub(super) struct Assembly {
    kind: Option<Data>,
    is_deflated: bool,
    bytes: Vec<u8>,
}

impl Assembly {
    pub(super) fn is_begun(&self) -> bool {
        self.kind.is_some()
    }

    /// Whether a frame may come here, before its payload is there.
    pub(super) fn admit(&self, header: &FrameHeader, length: usize, rules: Rules) -> Result<(), Closing> {
        match header.opcode {
            OpCode::Control(_) => Ok(()),
            OpCode::Data(Data::Continue) if !self.is_begun() => Err(Closing::Malformed),
            OpCode::Data(Data::Continue) if self.bytes.len() + length > rules.message_max => Err(Closing::TooBig),
            OpCode::Data(Data::Continue) => Ok(()),
            OpCode::Data(_) if self.is_begun() => Err(Closing::Malformed),
            OpCode::Data(_) => Ok(()),
        }
    }

    pub(super) fn take(
        &mut self,
        header: &FrameHeader,
        payload: &[u8],
        rules: Rules,
        on: &mut impl FnMut(Heard<'_>) -> bool,
    ) -> Result<bool, Closing> {
        match header.opcode {
            OpCode::Control(Control::Ping) => Ok(on(Heard::Ping(payload))),
            OpCode::Control(Control::Pong) => Ok(on(Heard::Pong)),
            OpCode::Control(Control::Close) => Ok(on(Heard::Close(close_code(payload)?))),
            OpCode::Control(Control::Reserved(_)) | OpCode::Data(Data::Reserved(_)) => Err(Closing::Malformed),
            OpCode::Data(Data::Continue) => {
                self.bytes.extend_from_slice(payload);
                match self.kind.take_if(|_| header.is_final) {
                    Some(kind) => {
                        let inflated = self.is_deflated.then_some(rules.message_max);
                        whole(kind, &std::mem::take(&mut self.bytes), inflated, on)
                    }
                    None => Ok(true),
                }
            }
            OpCode::Data(kind) if header.is_final => whole(kind, payload, header.rsv1.then_some(rules.message_max), on),
            OpCode::Data(kind) => {
                self.kind = Some(kind);
                self.is_deflated = header.rsv1;
                self.bytes.extend_from_slice(payload);
                Ok(true)
            }
        }
    }
}

/// `inflated_max`: of one that is compressed, how many bytes it may have in the end.
fn whole(
    kind: Data,
    payload: &[u8],
    inflated_max: Option<usize>,
    on: &mut impl FnMut(Heard<'_>) -> bool,
) -> Result<bool, Closing> {
    let inflated = inflated_max.map(|max| deflate::inflate(payload, max)).transpose()?;
    let payload = inflated.as_deref().unwrap_or(payload);
    match kind {
        Data::Text => Ok(on(Heard::Text(str::from_utf8(payload).map_err(|_| Closing::NotUtf8)?))),
        _ => Ok(on(Heard::Binary(payload))),
    }
}
