//! Every bound of the relay, with its reason.

use std::time::Duration;

// Viewers and their sockets.

/// Viewers at most, where the limit on open files does not say less.
pub(crate) const CONNECTIONS_MAX: usize = 100_000;
/// Connections that have not become viewers: handshakes, `/health`, `/metrics`, and those told to come back later.
pub(crate) const HANDSHAKES_MAX: usize = 1024;
/// Open files kept for the listener, Redis, NATS, the runtime and the log.
pub(crate) const FILES_RESERVED: usize = 64;
/// Connections the kernel completes before they are accepted: a crowd that comes back at once. Capped by somaxconn.
pub(crate) const LISTEN_BACKLOG: u32 = 8192;
/// The kernel's send buffer of a viewer, which it doubles. By default a viewer that stops reading takes 4 MB.
pub(crate) const SEND_BUFFER_BYTES: u32 = 32 * 1024;
/// From the first byte to a whole request head, and from there to the upgrade. A browser needs one round trip.
pub(crate) const HANDSHAKE_DEADLINE: Duration = Duration::from_secs(5);
/// All requests of a connection that is no viewer's, and all answers: who never reads must not shut others out. It is an
/// end for honest clients too, which get their last answer and connect again.
pub(crate) const HTTP_CONNECTION_DEADLINE: Duration = Duration::from_secs(10);
/// A request's head. Cookies of neighbours on the same domain are the largest part of a real one.
pub(crate) const REQUEST_HEAD_BYTES_MAX: usize = 16 * 1024;
/// A viewer has nothing to say to the relay; the original's clients send short texts at most.
pub(crate) const MESSAGE_BYTES_MAX: usize = 4 * 1024;
/// What a viewer may send between two pings; a client that answers pings sends one.
pub(crate) const MESSAGES_PER_PING_MAX: u32 = 1000;
/// And how many bytes: some hundred answers to pings are 10 KB. Counting messages does not bound fragments, which are
/// none until the last of them.
pub(crate) const BYTES_PER_PING_MAX: usize = 64 * 1024;
/// What is read at once. A thread has one such buffer for all of its viewers.
pub(crate) const READ_BUFFER_BYTES: usize = 16 * 1024;
/// Written in one system call: more than any viewer's send buffer takes.
pub(crate) const BATCH_BYTES_MAX: usize = 128 * 1024;
/// The last frames of an item, which its viewers share: a stall of 4 s at 256 bids a second. `RELAY_RING_FRAMES`
pub(crate) const RING_FRAMES: usize = 1024;
/// Frames that wait for the viewers of a connection alone: what those that come back have missed.
pub(crate) const REPLAY_FRAMES_MAX: usize = 1024;
/// For a viewer of Server-Sent Events, on their way to its task.
pub(crate) const STREAM_FRAMES_MAX: usize = 64;
/// Answers to commands that wait for a client that does not read.
pub(crate) const ANSWERS_MAX: usize = 256;
/// Answers to pings that wait for a client that does not read.
pub(crate) const PONGS_MAX: usize = 16;
/// In a row, before a shard looks at its connections again.
pub(crate) const COMMANDS_PER_TURN_MAX: usize = 1024;
/// And connections, before it looks at its commands.
pub(crate) const EVENTS_PER_TURN_MAX: usize = 1024;
/// Viewers of an item that stay in one shard; what is beyond goes to the others. Measured on two cores with `relay-cost`:
/// spread over two, the last of 200 viewers has a message after 1.9 ms instead of 2.6, of 500 after 3.9 instead of 5.8, of
/// 1,000 after 8.0 instead of 13.2. `RELAY_SPREAD_ABOVE`
pub(crate) const SPREAD_ABOVE: usize = 100;
/// Shards at most, if the machine has more processors. `RELAY_SHARDS`
pub(crate) const SHARDS_MAX: usize = 16;
/// Items that a connection may watch.
pub(crate) const SUBSCRIPTIONS_MAX: usize = 100;
/// Commands of a connection in each interval.
pub(crate) const COMMANDS_MAX: u16 = 50;
pub(crate) const COMMANDS_INTERVAL: Duration = Duration::from_secs(1);
/// How long a connection may be there for several items and watch none.
pub(crate) const IDLE_MAX: Duration = Duration::from_secs(60);
/// A message of the conformance tests, whose largest has 16 MiB.
pub(crate) const ECHO_BYTES_MAX: usize = 16 * 1024 * 1024;
/// A viewer that has taken nothing for so long is not waited for.
pub(crate) const STUCK_AFTER: Duration = Duration::from_secs(1);
/// Without any progress of a write: the viewer stopped reading.
pub(crate) const WRITE_DEADLINE: Duration = Duration::from_secs(10);
/// Below the 30 s and 60 s after which proxies cut silent connections. Jittered, so that pings spread out.
pub(crate) const PING_INTERVAL: Duration = Duration::from_secs(25);
/// Two pings without any answer.
pub(crate) const SILENCE_MAX: Duration = Duration::from_secs(60);
/// For the close frame to leave, and again for the viewer to hang up.
pub(crate) const CLOSE_DEADLINE: Duration = Duration::from_secs(2);
/// What a viewer may still have on its way when it is closed. Unread bytes would turn the end of the connection into a
/// reset, which discards the close frame before the viewer reads it.
pub(crate) const DISCARDED_BYTES_MAX: usize = 1024 * 1024;
/// After an accept failed for want of files or memory: others must close theirs first.
pub(crate) const ACCEPT_RETRY_DELAY: Duration = Duration::from_millis(100);
/// What a refused viewer is told to wait.
pub(crate) const RETRY_AFTER_S: u64 = 5;
/// How long it takes to tell all viewers to come back, when the relay stops. `RELAY_DRAIN_S`
pub(crate) const DRAIN: Duration = Duration::from_secs(2);
/// Viewers that should come back in a second: handshakes are what a relay can do least of.
pub(crate) const RETURNS_PER_SECOND: u32 = 2000;
/// Few viewers come back within this time.
pub(crate) const RETURN_SPREAD_MIN: Duration = Duration::from_secs(1);
/// After that, for the last of them to hang up.
pub(crate) const SHUTDOWN_DEADLINE: Duration = Duration::from_secs(10);

// Items.

/// How long a new viewer waits for the first snapshot of its item: longer than two attempts to read it.
pub(crate) const SNAPSHOT_WAIT_MAX: Duration = Duration::from_secs(2);
/// Between two frames that tell all viewers of an item how many they are. `RELAY_SUBSCRIBERS_S`
pub(crate) const SUBSCRIBERS_INTERVAL: Duration = Duration::from_secs(5);
/// How long an item stays subscribed without a viewer: a page that is reloaded costs no new subscription.
pub(crate) const ITEM_LINGER: Duration = Duration::from_secs(10);
/// One attempt to open an item, queueing for Redis included.
pub(crate) const OPEN_DEADLINE: Duration = Duration::from_millis(1500);
/// Between two attempts to open an item.
pub(crate) const OPEN_RETRY_DELAY: Duration = Duration::from_millis(200);

// The order of events.

/// How long a gap may close by itself. Handlers that publish side by side overtake each other by a few milliseconds.
pub(crate) const GAP_HOLD: Duration = Duration::from_millis(25);
/// Events of an item that came too early. More of them are let go and found in the log.
pub(crate) const HELD_EVENTS_MAX: usize = 256;
/// Events read from the log in one call: about 50 KB.
pub(crate) const LOG_PAGE_EVENTS: usize = 256;
/// What a page can set free at once. Before a page is read, the slowest viewer should be able to miss none of it.
pub(crate) const BURST_FRAMES_MAX: usize = LOG_PAGE_EVENTS + HELD_EVENTS_MAX;
const _: () = assert!(BURST_FRAMES_MAX <= RING_FRAMES / 2, "viewers would miss frames for the relay's own haste");
/// How long one page waits for the slowest viewer. Who has not read by then may get a snapshot.
pub(crate) const PAGE_PATIENCE: Duration = Duration::from_secs(1);
/// Between two looks at the slowest.
pub(crate) const PAGE_RECHECK: Duration = Duration::from_millis(2);
/// Before a failed reading is repeated; doubles with each failure.
pub(crate) const READ_RETRY_DELAY: Duration = Duration::from_millis(50);
pub(crate) const READ_RETRY_DELAY_MAX: Duration = Duration::from_secs(1);
/// Readings of all items side by side: after an interruption every item wants one.
pub(crate) const READS_MAX: usize = 64;
/// Between two looks at the marks of the shards: how long a lost last event stays unseen. One call of 128 short commands,
/// and then at most one reading of each item whose shard moved.
pub(crate) const MARKS_READ_INTERVAL: Duration = Duration::from_millis(250);

/// How long neither NATS nor Redis may tell anything before viewers are told that what they see may be old.
pub(crate) const STALE_AFTER: Duration = Duration::from_millis(250);
/// And before they are closed and told to come back: another relay may be better off.
pub(crate) const STALE_MAX: Duration = Duration::from_secs(30);
/// The last events of an item, for viewers that come back at once: about 40 KB. More are read from the log.
pub(crate) const RECENT_FRAMES_MAX: usize = 128;
/// How long a viewer that comes back may be shown nothing of what it missed.
pub(crate) const RESUME_PATIENCE: Duration = Duration::from_secs(5);
/// Between two looks at whether its queue has room again.
pub(crate) const RESUME_RECHECK: Duration = Duration::from_millis(20);

// NATS.

/// Messages of one item that are shown together.
pub(crate) const MESSAGES_TOGETHER_MAX: usize = 256;
/// Messages of one item that its task has not taken yet. More are dropped by the client, and found in the log.
pub(crate) const SUBSCRIPTION_MESSAGES_MAX: usize = 4096;
/// Subscriptions asked for and not sent yet: what can pile up while NATS is away.
pub(crate) const NATS_COMMANDS_MAX: usize = 4096;
/// A connection that hangs is given up after two or three of these.
pub(crate) const NATS_PING_INTERVAL: Duration = Duration::from_secs(2);
pub(crate) const NATS_CONNECTION_TIMEOUT: Duration = Duration::from_secs(2);
/// Between two attempts to connect.
pub(crate) const NATS_RECONNECT_DELAY: Duration = Duration::from_millis(250);
/// For a subscription to be known to the server. After that it counts as made late: the log is read once more.
pub(crate) const SUBSCRIBE_TIMEOUT: Duration = Duration::from_millis(500);
/// For an answer while Redis gives none: a connection that hangs tells nothing.
pub(crate) const NATS_ANSWER_MAX: Duration = Duration::from_millis(250);
/// For subscriptions where no viewer waits for them.
pub(crate) const CONFIRMATION_TIMEOUT: Duration = Duration::from_secs(5);
/// An event as JSON is about 300 bytes; what is much larger is none.
pub(crate) const EVENT_BYTES_MAX: usize = 16 * 1024;
