//! nats-server: ours, or one on `PATH` that is new enough.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::{on_path, python};

/// Older ones lose JetStream data in ways that are fixed here.
const OLDEST: [u32; 3] = [2, 12, 7];

pub(super) fn find(root: &Path) -> Option<PathBuf> {
    python::NATS_SERVER.find(root).or_else(|| on_path("nats-server").filter(|program| is_new_enough(program)))
}

fn is_new_enough(program: &Path) -> bool {
    let output = Command::new(program).arg("--version").output();
    let words = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    version(&words).is_some_and(|version| version >= OLDEST)
}

/// Of "nats-server: v2.15.1"; a pre-release counts as its release.
fn version(words: &str) -> Option<[u32; 3]> {
    let text = words.trim().rsplit_once('v')?.1;
    let mut numbers = text.split(['.', '-']).map(str::parse);
    Some([numbers.next()?.ok()?, numbers.next()?.ok()?, numbers.next()?.ok()?])
}

#[cfg(test)]
mod tests {
    use super::{OLDEST, version};

    #[test]
    fn versions_compare_as_numbers() {
        assert_eq!(version("nats-server: v2.15.1\n"), Some([2, 15, 1]));
        assert!(version("nats-server: v2.9.25").unwrap() < OLDEST);
        assert!(version("nats-server: v2.12.7").unwrap() >= OLDEST);
        assert_eq!(version("something else"), None);
    }
}
