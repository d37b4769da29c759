//! Every item that Redis knows, page by page.

use auction::ItemId;

use super::{Found, Verification};
use crate::{LedgerError, keys};

/// Keys that Redis looks at for one page.
const PAGE_KEYS: usize = 1_000;

/// How far a reader has come. A new one stands at the start.
#[derive(Clone, Debug, Default)]
pub struct ItemCursor {
    /// `None` after the last page.
    next: Option<u64>,
    has_begun: bool,
}

impl ItemCursor {
    pub fn is_at_end(&self) -> bool {
        self.has_begun && self.next.is_none()
    }
}

impl Verification {
    /// The next page of items with their states. An item may come twice; none that stays is left out.
    pub async fn items(&self, cursor: &mut ItemCursor) -> Result<Vec<(ItemId, Found)>, LedgerError> {
        let mut scan = redis::cmd("SCAN");
        scan.arg(cursor.next.unwrap_or(0)).arg("MATCH").arg(keys::STATES).arg("COUNT").arg(PAGE_KEYS);
        let ((next, found),): ((u64, Vec<String>),) = self.query(redis::pipe().add_command(scan)).await?;
        (cursor.has_begun, cursor.next) = (true, (next != 0).then_some(next));
        let items: Vec<ItemId> = found.iter().filter_map(|key| keys::item_of_state(key)).collect();
        let states = self.states(&items).await?;
        Ok(items.into_iter().zip(states).filter_map(|(item, found)| Some((item, found?))).collect())
    }
}
