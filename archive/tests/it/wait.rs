//! Waiting for a condition, with a deadline instead of a time.

use std::time::{Duration, Instant};

/// Longer than the 30 s after which JetStream delivers again what was not acknowledged.
pub(crate) const DEADLINE: Duration = Duration::from_secs(90);
const POLL: Duration = Duration::from_millis(20);

/// Asks until the answer is the expected one.
pub(crate) async fn until_equal<T: PartialEq + std::fmt::Debug>(what: &str, expected: T, ask: impl AsyncFn() -> T) {
    until_equal_within(DEADLINE, what, expected, ask).await;
}

/// For what would come by itself after a longer time.
pub(crate) async fn until_equal_within<T: PartialEq + std::fmt::Debug>(
    deadline: Duration,
    what: &str,
    expected: T,
    ask: impl AsyncFn() -> T,
) {
    let started = Instant::now();
    loop {
        let found = ask().await;
        if found == expected {
            return;
        }
        assert!(started.elapsed() < deadline, "{what}: expected {expected:?}, still {found:?}");
        tokio::time::sleep(POLL).await;
    }
}

/// Tries until it succeeds.
pub(crate) async fn until_ok<T, E: std::fmt::Debug>(what: &str, attempt: impl AsyncFn() -> Result<T, E>) -> T {
    let started = Instant::now();
    loop {
        match attempt().await {
            Ok(value) => return value,
            Err(error) => assert!(started.elapsed() < DEADLINE, "{what}: still {error:?}"),
        }
        tokio::time::sleep(POLL).await;
    }
}
