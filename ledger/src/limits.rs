//! How long Redis may take. Together they keep every call below a second.

use std::time::Duration;

/// Loopback and one availability zone connect in a few milliseconds.
pub(crate) const CONNECTION_TIMEOUT: Duration = Duration::from_millis(250);
/// The script takes microseconds; a reply this late means that Redis hangs.
pub(crate) const RESPONSE_TIMEOUT: Duration = Duration::from_millis(300);
/// Bounds a call with its reconnection. The client's own defaults block one for 9.45 s while Redis is away.
pub(crate) const CALL_DEADLINE: Duration = Duration::from_millis(800);
/// One more attempt to connect after a broken connection, so that the first call after a restart succeeds.
pub(crate) const RECONNECTION_RETRIES: usize = 1;
pub(crate) const RECONNECTION_DELAY: Duration = Duration::from_millis(50);
/// Commands that may wait in one connection. The client's default of 50 stalls bursts.
pub(crate) const PIPELINE_LENGTH_MAX: usize = 1024;
/// Bids in one call: the bids on all other items wait meanwhile.
pub(crate) const BATCH_LENGTH_MAX: usize = 64;
/// Bounds one step of looking through Redis, which is a page of items with the ends of their logs.
pub(crate) const VERIFICATION_DEADLINE: Duration = Duration::from_secs(5);
