//! Randomness that a seed repeats.

use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;

/// Each part of a run draws from a stream of its own, so that how often one draws does not change what another gets.
#[derive(Clone, Copy, Debug)]
pub enum Stream {
    Bids,
    Storm(u8),
    Viewer(u32),
    User(u32),
    /// The order of trials, and draws with replacement.
    Trials,
}

pub fn random(seed: u64, stream: Stream) -> ChaCha8Rng {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    random.set_stream(match stream {
        Stream::Bids => 0,
        Stream::Storm(lane) => 1 + u64::from(lane),
        Stream::Trials => 500,
        Stream::Viewer(viewer) => 1_000 + u64::from(viewer),
        Stream::User(user) => (1 << 40) + u64::from(user),
    });
    random
}
