//! permessage-deflate (RFC 7692) without context takeover: nothing is kept between messages, so that one compressed form
//! serves all viewers, and a connection costs no memory for it.

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};
use tokio_tungstenite::tungstenite::protocol::frame::{
    FrameHeader,
    coding::{Data, OpCode},
};

use crate::closing::Closing;

/// Every compressed message would end with it, so it is not sent (7.2.1).
const TAIL: [u8; 4] = [0x00, 0x00, 0xff, 0xff];

pub(crate) const EXTENSION: &str = "permessage-deflate";
/// The answer to an offer that is taken.
pub(crate) const ACCEPTED: &str = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";

/// Whether one offer of a client, as `permessage-deflate; client_max_window_bits`, can be taken.
pub(crate) fn is_acceptable(offer: &str) -> bool {
    let mut parts = offer.split(';').map(str::trim);
    // A smaller window of ours cannot be promised.
    parts.next().is_some_and(|name| name.eq_ignore_ascii_case(EXTENSION))
        && parts.all(|parameter| {
            let name = parameter.split('=').next().unwrap_or_default().trim();
            ["server_no_context_takeover", "client_no_context_takeover", "client_max_window_bits"].contains(&name)
        })
}

pub(crate) struct Deflater {
    compress: Compress,
    payload: Vec<u8>,
}

impl Deflater {
    pub(crate) fn new() -> Self {
        Self { compress: Compress::new(Compression::default(), false), payload: Vec::new() }
    }

    /// Appends a text as a whole frame.
    pub(crate) fn append(&mut self, text: &[u8], into: &mut Vec<u8>) {
        self.compress.reset();
        self.payload.clear();
        // Deflate adds five bytes to each 16 KiB at the worst.
        self.payload.reserve(text.len() + text.len() / 1024 + 64);
        let status = self.compress.compress_vec(text, &mut self.payload, FlushCompress::Sync);
        assert!(status.is_ok() && self.compress.total_in() == text.len() as u64, "there is room for all");
        let payload = self.payload.strip_suffix(&TAIL).unwrap_or(&self.payload);
        let header = FrameHeader { opcode: OpCode::Data(Data::Text), rsv1: true, ..FrameHeader::default() };
        header.format(payload.len() as u64, into).expect("memory takes everything");
        into.extend_from_slice(payload);
    }
}

/// A message that has this many bytes at most.
pub(super) fn inflate(message: &[u8], message_max: usize) -> Result<Vec<u8>, Closing> {
    let input = [message, &TAIL].concat();
    let (mut inflater, mut output) = (Decompress::new(false), Vec::new());
    loop {
        let before = (inflater.total_in(), output.len());
        output.reserve((before.1 * 2).max(1024).min(message_max + 1));
        let read = usize::try_from(before.0).map_err(|_| Closing::TooBig)?;
        let status = inflater.decompress_vec(&input[read..], &mut output, FlushDecompress::Sync);
        let status = status.map_err(|_| Closing::Malformed)?;
        if output.len() > message_max {
            return Err(Closing::TooBig);
        }
        if status == Status::StreamEnd || before == (inflater.total_in(), output.len()) {
            return Ok(output);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deflated(text: &[u8]) -> Vec<u8> {
        let mut frame = Vec::new();
        Deflater::new().append(text, &mut frame);
        let header = if frame[1] < 126 {
            2
        } else if frame[1] == 126 {
            4
        } else {
            10
        };
        assert_eq!(frame[0], 0xc1);
        frame.split_off(header)
    }

    #[test]
    fn what_is_deflated_is_inflated_and_bounded() {
        let mut random = 1_u32;
        let mut noise = |length: usize| -> Vec<u8> {
            (0..length)
                .map(|_| {
                    random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    random.to_be_bytes()[0]
                })
                .collect()
        };
        for text in [vec![], b"hello".to_vec(), vec![b'x'; 100_000], noise(70_000), noise(1)] {
            let bytes = deflated(&text);
            assert!(inflate(&bytes, text.len()) == Ok(text.clone()), "{} bytes", text.len());
            assert!(text.is_empty() || inflate(&bytes, text.len() - 1) == Err(Closing::TooBig), "{} bytes", text.len());
        }
        assert_eq!(inflate(&[0xff; 20], 100), Err(Closing::Malformed));
    }

    #[test]
    fn a_deflater_keeps_nothing_of_the_message_before() {
        let mut deflater = Deflater::new();
        let [mut first, mut second] = [Vec::new(), Vec::new()];
        deflater.append(b"the same text, the same bytes", &mut first);
        deflater.append(b"the same text, the same bytes", &mut second);
        assert_eq!(first, second);
    }

    #[test]
    fn offers_are_taken_whose_parameters_can_be_kept() {
        for (offer, taken) in [
            ("permessage-deflate", true),
            ("permessage-deflate; client_max_window_bits", true),
            (" Permessage-Deflate ; client_max_window_bits=12; server_no_context_takeover", true),
            ("permessage-deflate; server_max_window_bits=10", false),
            ("permessage-deflate; unheard_of", false),
            ("x-webkit-deflate-frame", false),
            ("", false),
        ] {
            assert_eq!(is_acceptable(offer), taken, "{offer}");
        }
    }
}
