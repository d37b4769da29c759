//! The live viewers of one item in one shard.

use std::sync::Arc;

use auction::Position;

use crate::item::Shared;

pub(super) struct Audience {
    pub(super) shared: Arc<Shared>,
    /// Keys of connections.
    pub(super) members: Vec<u32>,
    /// The number of the next frame for all who are not behind.
    pub(super) head: u64,
    /// Where those stand.
    pub(super) position: Position,
    /// Members that may be behind.
    pub(super) behind: Vec<u32>,
}

impl Audience {
    pub(super) fn new(shared: Arc<Shared>, head: u64, position: Position) -> Self {
        Self { shared, members: Vec::new(), head, position, behind: Vec::new() }
    }

    pub(super) fn join(&mut self, connection: u32) -> u32 {
        self.members.push(connection);
        u32::try_from(self.members.len() - 1).expect("fewer members than connections, whose keys have 32 bits")
    }

    /// Who takes the place of the one that leaves.
    pub(super) fn leave(&mut self, member: u32) -> Option<u32> {
        self.members.swap_remove(member as usize);
        self.members.get(member as usize).copied()
    }
}
