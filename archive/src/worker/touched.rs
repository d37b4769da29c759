//! The items that were archived of lately, whose logs may be too long.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
};

use auction::ItemId;

use crate::limits;

/// Cloning it shares it.
#[derive(Clone, Default)]
pub(super) struct Touched(Arc<Mutex<HashSet<ItemId>>>);

impl Touched {
    pub(super) fn note<'a>(&self, items: impl Iterator<Item = &'a ItemId>) {
        let mut touched = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for item in items {
            // One that is forgotten is noted with its next bid.
            if !touched.contains(item) && touched.len() < limits::TOUCHED_ITEMS_MAX {
                touched.insert(item.clone());
            }
        }
    }

    pub(super) fn take(&self) -> Vec<ItemId> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner)).into_iter().collect()
    }
}
