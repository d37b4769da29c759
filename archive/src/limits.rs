//! Every bound of this package, with its reason.

use std::time::Duration;

/// Events in one transaction. PostgreSQL stores the most rows a second at a few hundred; more only delays the acks.
pub const BATCH_LENGTH_MAX: usize = 500;
/// From when a batch has come that is not full to the next one: a transaction costs PostgreSQL a millisecond, however few
/// events it has.
pub(crate) const BATCH_INTERVAL: Duration = Duration::from_millis(20);
/// Bytes of one event. Ours have fewer than 600; a batch of the largest still fits into memory many times over.
pub(crate) const EVENT_BYTES_MAX: usize = 16 * 1024;

/// One writer uses one connection; the rest is room for the verifier, the trimmer and for connections that are being closed.
pub(crate) const SINK_CONNECTIONS_MAX: u32 = 4;
pub(crate) const SINK_ACQUIRE_TIMEOUT: Duration = Duration::from_secs(3);
/// A batch takes about ten milliseconds. A lock is held for no longer than another writer's batch.
pub(crate) const SINK_STATEMENT_TIMEOUT: Duration = Duration::from_secs(5);
pub(crate) const SINK_LOCK_TIMEOUT: Duration = Duration::from_secs(3);
/// A transaction whose writer hangs lets go of its rows.
pub(crate) const IDLE_IN_TRANSACTION_TIMEOUT: Duration = Duration::from_secs(10);
/// Bounds one attempt to store a batch, also when PostgreSQL hangs and its own timeouts do not run.
pub(crate) const STORE_DEADLINE: Duration = Duration::from_secs(8);

/// Bounds the question whether PostgreSQL answers, once there is a connection. The answer costs it nothing.
pub(crate) const CHECK_DEADLINE: Duration = Duration::from_secs(2);

/// Readers are requests that a person waits for.
pub(crate) const ARCHIVE_CONNECTIONS_MAX: u32 = 8;
pub(crate) const ARCHIVE_ACQUIRE_TIMEOUT: Duration = Duration::from_secs(2);
pub(crate) const ARCHIVE_STATEMENT_TIMEOUT: Duration = Duration::from_secs(2);
/// Bounds one read, also when PostgreSQL hangs.
pub(crate) const ARCHIVE_DEADLINE: Duration = Duration::from_secs(3);
/// Bids in one page, whatever the caller asks for.
pub const PAGE_LENGTH_MAX: u32 = 1_000;

/// The first and the longest pause between two attempts.
pub(crate) const PAUSE_MIN: Duration = Duration::from_millis(50);
pub(crate) const PAUSE_MAX: Duration = Duration::from_secs(2);

/// How long bids may stay closed after a restart of Redis, unnoticed.
pub(crate) const GATE_CHECK_INTERVAL: Duration = Duration::from_millis(250);

pub(crate) const NATS_CONNECTION_TIMEOUT: Duration = Duration::from_secs(2);
pub(crate) const NATS_REQUEST_TIMEOUT: Duration = Duration::from_secs(2);
/// How long JetStream keeps what it has told. The outbox holds what is not archived, so this is for replay only.
pub(crate) const STREAM_AGE_MAX: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// After this long without an ack JetStream delivers again: more than three attempts to store a batch.
pub(crate) const ACK_WAIT: Duration = Duration::from_secs(30);
/// Messages asked for at a time, so that the next batch is here when this one is stored.
pub(crate) const PULL_LENGTH: usize = 2 * BATCH_LENGTH_MAX;
/// Messages delivered and not yet acknowledged, over all workers: enough for three.
pub(crate) const ACKS_PENDING_MAX: i64 = 3_000;
pub(crate) const PULL_EXPIRY: Duration = Duration::from_secs(30);
/// JetStream says this often that it is there; two missed ones mean that it is not.
pub(crate) const PULL_HEARTBEAT: Duration = Duration::from_secs(2);
/// Between the end of a delivery and the next start, so that one that always ends does not spin.
pub(crate) const STREAM_RESTART_PAUSE: Duration = Duration::from_millis(250);
/// Acks are sent, not confirmed: they wait only while the connection is down and its buffer full.
pub(crate) const ACK_DEADLINE: Duration = Duration::from_secs(2);

/// Confirmed outbox entries that wait for Redis. What is forgotten above this stays in the outbox, which is harmless.
pub(crate) const UNDELETED_MAX: usize = 50_000;
/// Entries deleted in one call, so that it stays far below the deadline of a call.
pub(crate) const DELETION_LENGTH_MAX: usize = 1_000;
pub(crate) const DELETION_RETRY_INTERVAL: Duration = Duration::from_millis(500);

/// How long an event may wait in the outbox for JetStream to bring it. It takes milliseconds as a rule.
pub const OVERDUE_AGE: Duration = Duration::from_secs(5);
pub(crate) const RECONCILIATION_INTERVAL: Duration = Duration::from_secs(2);
/// Overdue entries of each of the 64 outboxes in one page: a few megabytes in all.
pub(crate) const OVERDUE_PER_SHARD_MAX: usize = 250;

/// How long NATS may take to tell what a Redis that lost its tail may have lost. Bids are closed meanwhile.
pub(crate) const DRAIN_PATIENCE: Duration = Duration::from_secs(3);
/// Where a queue archives and NATS cannot tell: for what the queue still has, which nobody can ask for. Messages take less
/// than a second as a rule, and a minute if the function has failed on them.
pub(crate) const QUEUE_PATIENCE: Duration = Duration::from_secs(3);
/// How much earlier than the last write to the archive an event may have been accepted that only the queue has: one that
/// its function has failed on twice, beside others that went through.
pub(crate) const QUEUE_LATENESS: Duration = Duration::from_secs(150);
/// How often the stream is looked after where nobody consumes it.
pub(crate) const STREAM_CHECK_INTERVAL: Duration = Duration::from_secs(5);
/// Items that are compared with Redis in one step.
pub(crate) const RESTORED_ITEMS_MAX: i64 = 500;
/// Events that a restored log starts with: a viewer who missed more gets a new snapshot.
pub(crate) const RESTORED_LOG_LENGTH: i64 = 256;

/// How long a log that is too long may stay so.
pub(crate) const TRIMMING_INTERVAL: Duration = Duration::from_secs(2);
/// A log is trimmed when it has this many events more than it keeps, so that one look at PostgreSQL serves many.
pub(crate) const TRIMMING_EXCESS_MIN: usize = 100;
/// Logs whose lengths are asked for in one call.
pub(crate) const TRIMMED_ITEMS_MAX: usize = 1_000;
/// Items that were archived of and whose logs were not looked at yet.
pub(crate) const TOUCHED_ITEMS_MAX: usize = 100_000;

/// How long a request for `/metrics` may keep the worker from ending.
pub(crate) const HTTP_SHUTDOWN_GRACE: Duration = Duration::from_secs(2);
