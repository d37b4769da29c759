//! The limit on open files, which is the limit on viewers.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::limits::{FILES_RESERVED, HANDSHAKES_MAX};

/// Raises the soft limit, often 1024, to the hard one. Without success the relay serves fewer viewers.
pub fn raise_limit() {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }) {
        tracing::warn!(%error, "cannot raise the limit on open files");
    }
}

/// How many viewers the limit leaves room for, beside everything else that needs a file.
pub(crate) fn viewers_possible() -> usize {
    let files = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    let files = usize::try_from(files).unwrap_or(usize::MAX);
    files.saturating_sub(handshakes_max() + FILES_RESERVED).max(1)
}

/// How many connections may be on their way to becoming viewers: few where files are few.
pub(crate) fn handshakes_max() -> usize {
    let files = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    usize::try_from(files / 8).unwrap_or(usize::MAX).clamp(1, HANDSHAKES_MAX)
}
