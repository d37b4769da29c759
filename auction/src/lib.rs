//! The rules and the messages of an auction.
//!
//! Nothing here does I/O, reads a clock or an environment variable: time and ids enter as values. Every other package
//! depends on this one, and this one on none of them.

pub mod amount;
pub mod bid;
pub mod event;
pub mod ids;
pub mod rule;
pub mod timestamp;

pub use amount::{Amount, AmountError};
pub use bid::{Bid, BidRequest};
pub use event::{AuctionEvent, BidPlaced, Happening, Position};
pub use ids::{IdError, IdempotencyKey, ItemId, UserId};
pub use rule::{ItemState, Leader, Refusal, Verdict};
pub use timestamp::Timestamp;
