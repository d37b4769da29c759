//! The last frames of an item, for all of its live viewers together: each knows how far it has come.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use auction::Position;

use crate::frame::Frame;

pub(crate) struct Ring {
    frames: Mutex<Frames>,
    frames_max: usize,
    shards: Box<[Progress]>,
}

#[derive(Default)]
struct Frames {
    /// The number of the first.
    start: u64,
    kept: VecDeque<Frame>,
}

/// How far a shard has come with the item.
#[derive(Default)]
struct Progress {
    /// Viewers there, also those that are not live yet.
    viewers: AtomicUsize,
    /// Whether the shard is told that there is something new, and has not looked since.
    is_told: AtomicBool,
    /// The next frame of whoever is furthest behind.
    slowest: AtomicU64,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Read {
    /// Up to before this number.
    Until(u64),
    /// What comes next is not kept any more.
    TooLate,
}

impl Ring {
    pub(crate) fn new(shards: usize, frames_max: usize) -> Self {
        let shards = (0..shards).map(|_| Progress { slowest: AtomicU64::new(u64::MAX), ..Progress::default() });
        Self { frames: Mutex::default(), frames_max, shards: shards.collect() }
    }

    pub(crate) fn push(&self, frame: Frame) {
        let mut frames = self.lock();
        if frames.kept.len() == self.frames_max {
            frames.kept.pop_front();
            frames.start += 1;
        }
        frames.kept.push_back(frame);
    }

    /// The number of the next frame.
    pub(crate) fn end(&self) -> u64 {
        self.lock().end()
    }

    /// The number of the first frame that is kept.
    pub(crate) fn start(&self) -> u64 {
        self.lock().start
    }

    /// The number of the next frame, and where a viewer stands that has seen all before.
    pub(crate) fn here(&self) -> (u64, Option<Position>) {
        let frames = self.lock();
        (frames.end(), frames.kept.back().map(Frame::position))
    }

    /// Reads from a number on, before another, as long as `take` wants more.
    pub(crate) fn read(&self, from: u64, before: u64, mut take: impl FnMut(&Frame) -> bool) -> Read {
        let frames = self.lock();
        let Some(skipped) = from.checked_sub(frames.start) else { return Read::TooLate };
        let before = before.min(frames.end());
        let mut next = from;
        for frame in frames.kept.iter().skip(usize::try_from(skipped).unwrap_or(usize::MAX)) {
            if next >= before || !take(frame) {
                break;
            }
            next += 1;
        }
        Read::Until(next)
    }

    /// Whether so many frames can come without anybody losing one that it has not read.
    pub(crate) fn has_room_for(&self, frames: usize) -> bool {
        let end = self.end();
        let slowest = self.shards.iter().map(|shard| shard.slowest.load(Ordering::Relaxed)).min().unwrap_or(end);
        end.saturating_sub(slowest) + frames as u64 <= self.frames_max as u64
    }

    /// The shards that have viewers of the item and must be told that there is something new.
    pub(crate) fn to_tell(&self) -> impl Iterator<Item = usize> {
        let concerned =
            |shard: &Progress| shard.viewers.load(Ordering::SeqCst) > 0 && !shard.is_told.swap(true, Ordering::SeqCst);
        self.shards.iter().enumerate().filter(move |(_, shard)| concerned(shard)).map(|(index, _)| index)
    }

    /// A shard looks now: what comes later, it must be told of.
    pub(crate) fn looks(&self, shard: usize) {
        self.shards[shard].is_told.store(false, Ordering::SeqCst);
    }

    pub(crate) fn has_come_to(&self, shard: usize, slowest: u64) {
        self.shards[shard].slowest.store(slowest, Ordering::Relaxed);
    }

    pub(crate) fn viewers(&self, shard: usize) -> usize {
        self.shards[shard].viewers.load(Ordering::SeqCst)
    }

    pub(crate) fn viewer_comes(&self, shard: usize) {
        self.shards[shard].viewers.fetch_add(1, Ordering::SeqCst);
    }

    pub(crate) fn viewer_goes(&self, shard: usize) {
        self.shards[shard].viewers.fetch_sub(1, Ordering::SeqCst);
    }

    fn lock(&self) -> MutexGuard<'_, Frames> {
        self.frames.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Frames {
    fn end(&self) -> u64 {
        self.start + self.kept.len() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn push(ring: &Ring, seqs: std::ops::Range<u64>) {
        seqs.for_each(|seq| ring.push(Frame::text(Position { epoch: 1, seq }, "")));
    }

    fn seqs(ring: &Ring, from: u64, before: u64, count: usize) -> (Read, Vec<u64>) {
        let mut seqs = Vec::new();
        let read = ring.read(from, before, |frame| {
            let takes = seqs.len() < count;
            seqs.extend(takes.then_some(frame.position().seq));
            takes
        });
        (read, seqs)
    }

    #[test]
    fn the_last_frames_are_kept_and_earlier_ones_are_known_to_be_gone() {
        let ring = Ring::new(1, 4);
        assert_eq!(seqs(&ring, 0, u64::MAX, 9), (Read::Until(0), vec![]));
        push(&ring, 0..6);
        assert_eq!(ring.end(), 6);
        assert_eq!(seqs(&ring, 2, u64::MAX, 9), (Read::Until(6), vec![2, 3, 4, 5]));
        assert_eq!(seqs(&ring, 3, 5, 9), (Read::Until(5), vec![3, 4]));
        assert_eq!(seqs(&ring, 3, u64::MAX, 1), (Read::Until(4), vec![3]));
        assert_eq!(seqs(&ring, 6, u64::MAX, 9), (Read::Until(6), vec![]));
        assert_eq!(seqs(&ring, 1, u64::MAX, 9), (Read::TooLate, vec![]));
    }

    #[test]
    fn there_is_room_as_long_as_the_slowest_loses_nothing() {
        let ring = Ring::new(2, 4);
        push(&ring, 0..3);
        assert!(ring.has_room_for(4), "nobody watches");
        ring.has_come_to(0, 3);
        ring.has_come_to(1, 1);
        assert!(ring.has_room_for(2) && !ring.has_room_for(3));
    }

    #[test]
    fn a_shard_is_told_once_until_it_looks_and_only_if_it_has_viewers() {
        let ring = Ring::new(2, 4);
        let told = || ring.to_tell().collect::<Vec<_>>();
        assert_eq!(told(), [0; 0]);
        ring.viewer_comes(1);
        assert_eq!((told(), told()), (vec![1], vec![]));
        ring.looks(1);
        assert_eq!(told(), [1]);
    }
}
