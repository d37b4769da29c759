//! A connection whose handshake is done, on its way to its shard.

use std::sync::Arc;

use super::outlet::Outlet;
use crate::item::{ItemHandle, Since};
use crate::places::Place;

pub(crate) struct Newcomer {
    pub(crate) outlet: Outlet,
    /// What the client has sent behind its request.
    pub(crate) first_bytes: Vec<u8>,
    pub(crate) purpose: Purpose,
    /// Given back when the connection ends.
    pub(crate) place: Place,
}

pub(crate) enum Purpose {
    /// Watches one item.
    Item(Arc<ItemHandle>, Option<Since>),
    /// Watches the items that it asks for.
    Many,
    /// Says everything back: for the conformance tests.
    Echo,
}
