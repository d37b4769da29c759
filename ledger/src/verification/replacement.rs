//! Putting an item back to what PostgreSQL knows of it, or into a new epoch.

use std::sync::LazyLock;

use auction::{AuctionEvent, ItemId, ItemState};

use super::Verification;
use crate::{LedgerError, keys, record, state};

static REPLACE_STATE: LazyLock<redis::Script> =
    LazyLock::new(|| redis::Script::new(include_str!("../replace_state.lua")));

/// An item's state as it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    text: String,
    /// `None`: it cannot be read.
    pub state: Option<ItemState>,
}

impl Found {
    pub(super) fn new(text: String) -> Self {
        let state = state::parse(&text).ok();
        Self { text, state }
    }
}

/// A state to put in the place of another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replacement {
    pub item: ItemId,
    /// What must stand there, so that nothing that came later is overwritten. `None`: nothing.
    pub expected: Option<Found>,
    pub state: ItemState,
    /// The whole log from now on; `None` leaves it as it is.
    pub log: Option<Vec<AuctionEvent>>,
}

impl Verification {
    /// The states of some items, in their order.
    pub async fn states(&self, items: &[ItemId]) -> Result<Vec<Option<Found>>, LedgerError> {
        if items.is_empty() {
            return Ok(Vec::new());
        }
        let mut commands = redis::pipe();
        for item in items {
            commands.get(keys::state(item));
        }
        let texts: Vec<Option<String>> = self.query(&commands).await?;
        Ok(texts.into_iter().map(|text| text.map(Found::new)).collect())
    }

    /// Replaces states, and answers how many had changed meanwhile and were left alone.
    pub async fn replace(&self, replacements: &[Replacement]) -> Result<usize, LedgerError> {
        if replacements.is_empty() {
            return Ok(0);
        }
        let mut commands = redis::pipe();
        commands.load_script(&REPLACE_STATE).ignore();
        for replacement in replacements {
            let Replacement { item, expected, state, log } = replacement;
            let mut call = REPLACE_STATE.key(keys::state(item));
            call.key(keys::log(item)).key(keys::current_bid(item));
            call.arg(expected.as_ref().map_or("", |found| &found.text)).arg(state::write(state));
            call.arg(state.current_bid().to_string()).arg(u8::from(log.is_some()));
            for event in log.iter().flatten() {
                call.arg(format!("{}-0", event.position.seq)).arg(record::write(event));
            }
            commands.invoke_script(&call);
        }
        let found: Vec<Option<String>> = self.query(&commands).await?;
        Ok(found.iter().flatten().count())
    }
}
