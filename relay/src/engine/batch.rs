//! Frames that one system call writes to many viewers.

use auction::Position;
use bytes::Bytes;

use crate::frame::Frame;
use crate::limits::BATCH_BYTES_MAX;
use crate::ring::{Read, Ring};
use crate::websocket::deflate::Deflater;

#[derive(Default)]
pub(super) struct Batch {
    first: u64,
    frames: Vec<Frame>,
    plain: Joined,
    /// For those who have agreed on it.
    deflated: Joined,
}

/// Frames one behind the other.
#[derive(Default)]
struct Joined {
    bytes: Vec<u8>,
    /// Where each frame ends in the bytes.
    ends: Vec<usize>,
}

/// How much of a batch a viewer has taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    Frames(usize),
    Bytes(usize),
    Deflated(usize),
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
    /// As many frames from a number on as fit; also compressed, if anybody wants that.
    pub(super) fn fill(&mut self, ring: &Ring, from: u64, before: u64, deflater: Option<&mut Deflater>) -> Read {
        let Self { first, frames, plain, deflated } = self;
        *first = from;
        frames.clear();
        plain.clear();
        deflated.clear();
        let read = ring.read(from, before, |frame| {
            let fits = plain.bytes.is_empty() || plain.bytes.len() + frame.bytes().len() <= BATCH_BYTES_MAX;
            if fits {
                plain.bytes.extend_from_slice(frame.bytes());
                plain.ends.push(plain.bytes.len());
                frames.push(frame.clone());
            }
            fits
        });
        if let Some(deflater) = deflater {
            for frame in frames {
                deflater.append(&frame.payload(), &mut deflated.bytes);
                deflated.ends.push(deflated.bytes.len());
            }
        }
        read
    }

    /// The number of the frame after it.
    pub(super) fn end(&self) -> u64 {
        self.first + self.frames.len() as u64
    }

    pub(super) fn frames(&self) -> &[Frame] {
        &self.frames
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.plain.bytes
    }

    pub(super) fn deflated(&self) -> &[u8] {
        &self.deflated.bytes
    }

    pub(super) fn rest(&self, taken: Taken) -> Rest {
        let (whole, of_frame) = match taken {
            Taken::Frames(count) => (count, None),
            Taken::Bytes(count) => self.plain.rest(count),
            Taken::Deflated(count) => self.deflated.rest(count),
        };
        let last = whole.checked_sub(1).map(|last| self.frames[last].position());
        Rest { next: self.first + whole as u64, of_frame, last }
    }
}

impl Joined {
    fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }

    /// How many frames are begun in the first bytes, and the rest of the last of them.
    fn rest(&self, count: usize) -> (usize, Option<Bytes>) {
        let whole = self.ends.partition_point(|end| *end <= count);
        let start = whole.checked_sub(1).map_or(0, |before| self.ends[before]);
        match count > start {
            true => (whole + 1, Some(Bytes::copy_from_slice(&self.bytes[count..self.ends[whole]]))),
            false => (whole, None),
        }
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
        assert_eq!(batch.fill(&ring, 1, u64::MAX, Some(&mut Deflater::new())), Read::Until(3));
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
        let length = batch.deflated().len();
        assert_eq!(rest(Taken::Deflated(length)), (3, None, Some(2)));
        assert_eq!(rest(Taken::Deflated(length / 2)), (2, None, Some(1)), "both are equally long");
    }
}
