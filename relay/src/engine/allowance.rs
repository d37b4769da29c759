//! How much a client may still say.

use super::wheel::Tick;
use crate::limits::{BYTES_PER_PING_MAX, COMMANDS_INTERVAL, COMMANDS_MAX, MESSAGES_PER_PING_MAX};

pub(super) struct Allowance {
    messages: u32,
    bytes: usize,
    commands: u16,
    /// Since when the commands are counted.
    commands_since: Tick,
}

impl Allowance {
    pub(super) fn new(now: Tick) -> Self {
        let commands = COMMANDS_MAX;
        Self { messages: MESSAGES_PER_PING_MAX, bytes: BYTES_PER_PING_MAX, commands, commands_since: now }
    }

    /// With each ping.
    pub(super) fn renew(&mut self) {
        self.messages = MESSAGES_PER_PING_MAX;
        self.bytes = BYTES_PER_PING_MAX;
    }

    /// False: that is too much. Counting messages does not bound fragments, which are none until the last of them.
    pub(super) fn bytes(&mut self, count: usize) -> bool {
        let left = self.bytes.checked_sub(count);
        self.bytes = left.unwrap_or(0);
        left.is_some()
    }

    pub(super) fn message(&mut self) -> bool {
        let left = self.messages.checked_sub(1);
        self.messages = left.unwrap_or(0);
        left.is_some()
    }

    pub(super) fn command(&mut self, now: Tick) -> bool {
        if now >= self.commands_since.after(COMMANDS_INTERVAL) {
            (self.commands, self.commands_since) = (COMMANDS_MAX, now);
        }
        let left = self.commands.checked_sub(1);
        self.commands = left.unwrap_or(0);
        left.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_used_up_comes_back_with_time() {
        let now = Tick::default();
        let mut allowance = Allowance::new(now);
        assert!(allowance.bytes(BYTES_PER_PING_MAX) && !allowance.bytes(1));
        assert!((0..MESSAGES_PER_PING_MAX).all(|_| allowance.message()) && !allowance.message());
        allowance.renew();
        assert!(allowance.bytes(1) && allowance.message());
        assert!((0..COMMANDS_MAX).all(|_| allowance.command(now)) && !allowance.command(now));
        assert!(allowance.command(now.after(COMMANDS_INTERVAL)));
    }
}
