//! Frames that one system call writes to many viewers.

use auction::Position;
use bytes::Bytes;

use crate::frame::Frame;
use crate::limits::BATCH_BYTES_MAX;
use crate::ring::{Read, Ring};

#[derive(Default)]
pub(super) struct Batch {
    first: u64,
    frames: Vec<Frame>,
    bytes: Vec<u8>,
    /// Where each frame ends in the bytes.
    ends: Vec<usize>,
}

/// How much of a batch a viewer has taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    Frames(usize),
    Bytes(usize),
}

/// What follows from it.
pub(super) struct Rest {
    /// The viewer's next frame.
    pub(super) next: u64,
    /// The end of the frame before, if only its beginning was taken.
    pub(super) of_frame: Option<Bytes>,
    /// The last that it has seen, or will when it has the rest. `None`: nothing of this.
    pub(super) last: Option<Position>,
}

impl Batch {
    /// As many frames from a number on as fit.
    pub(super) fn fill(&mut self, ring: &Ring, from: u64, before: u64) -> Read {
        let Self { first, frames, bytes, ends } = self;
        *first = from;
        frames.clear();
        bytes.clear();
        ends.clear();
        ring.read(from, before, |frame| {
            let fits = bytes.is_empty() || bytes.len() + frame.bytes().len() <= BATCH_BYTES_MAX;
            if fits {
                bytes.extend_from_slice(frame.bytes());
                ends.push(bytes.len());
                frames.push(frame.clone());
            }
            fits
        })
    }

    /// The number of the frame after it.
    pub(super) fn end(&self) -> u64 {
        self.first + self.frames.len() as u64
    }

    pub(super) fn frames(&self) -> &[Frame] {
        &self.frames
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(super) fn rest(&self, taken: Taken) -> Rest {
        let (whole, of_frame) = match taken {
            Taken::Frames(count) => (count, None),
            Taken::Bytes(count) => {
                let whole = self.ends.partition_point(|end| *end <= count);
                let start = whole.checked_sub(1).map_or(0, |before| self.ends[before]);
                match count > start {
                    true => (whole + 1, Some(Bytes::copy_from_slice(&self.bytes[count..self.ends[whole]]))),
                    false => (whole, None),
                }
            }
        };
        let last = whole.checked_sub(1).map(|last| self.frames[last].position());
        Rest { next: self.first + whole as u64, of_frame, last }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_that_was_begun_is_finished_before_the_next() {
        let ring = Ring::new(1, 8);
        let at = |seq| Position { epoch: 1, seq };
        (0..3).for_each(|seq| ring.push(Frame::text(at(seq), "abc")));
        let mut batch = Batch::default();
        assert_eq!(batch.fill(&ring, 1, u64::MAX), Read::Until(3));
        assert_eq!(batch.bytes(), b"\x81\x03abc\x81\x03abc");
        let rest = |taken| {
            let Rest { next, of_frame, last } = batch.rest(taken);
            (next, of_frame.map(|bytes| bytes.to_vec()), last.map(|last| last.seq))
        };
        assert_eq!(rest(Taken::Bytes(0)), (1, None, None));
        assert_eq!(rest(Taken::Bytes(1)), (2, Some(b"\x03abc".to_vec()), Some(1)));
        assert_eq!(rest(Taken::Bytes(5)), (2, None, Some(1)));
        assert_eq!(rest(Taken::Bytes(9)), (3, Some(b"c".to_vec()), Some(2)));
        assert_eq!(rest(Taken::Bytes(10)), (3, None, Some(2)));
        assert_eq!(rest(Taken::Frames(1)), (2, None, Some(1)));
    }
}
