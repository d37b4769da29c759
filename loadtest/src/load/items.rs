//! The names of the items of a load.

use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Items {
    pub prefix: String,
    /// The number of the first.
    pub first: u32,
    pub count: u32,
}

impl Items {
    /// `lot0`, `lot1`, …: those that the checker looks for.
    pub fn lots(count: u32) -> Self {
        Self { prefix: LOT.to_owned(), first: 0, count }
    }

    pub fn name(&self, item: u32) -> String {
        format!("{}{}", self.prefix, self.first + item)
    }
}

const LOT: &str = "lot";

/// The name of an item of our own systems.
pub fn item(number: u32) -> String {
    format!("{LOT}{number}")
}
