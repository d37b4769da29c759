//! An event with its encoding, which every viewer gets to the letter.

use auction::{AuctionEvent, ItemId};
use bytes::Bytes;

use crate::frame::Frame;
use crate::limits::EVENT_BYTES_MAX;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Published {
    pub(crate) event: AuctionEvent,
    pub(crate) frame: Frame,
}

impl Published {
    /// What came from NATS; `None` if it is no event of the item.
    pub(crate) fn read(item: &ItemId, payload: Bytes) -> Option<Self> {
        if payload.len() > EVENT_BYTES_MAX {
            return None;
        }
        let event = AuctionEvent::from_json(&payload).ok()?;
        let frame = Frame::text(event.position, str::from_utf8(&payload).ok()?);
        (event.item_id == *item).then_some(Self { event, frame })
    }

    /// What came from the log, which keeps another form: encoded as it was when it was published.
    pub(crate) fn encode(event: AuctionEvent) -> Self {
        let frame = Frame::text(event.position, &event.to_json());
        Self { event, frame }
    }
}
