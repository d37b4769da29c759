//! Faults, one after the other in several lanes at once, as a seed has it.

mod fault;
mod inflict;
mod proxy;
mod schedule;

pub use self::fault::{Fault, Peer};
pub use self::inflict::{Storm, kill_sandboxes};
pub use self::proxy::Proxy;
pub use self::schedule::{Lane, Planned, lanes, schedule};
