//! Whether the order of an item's events is one that its bidders could see: what was answered before another bid was sent
//! stands before it.

use super::findings::{Findings, Rule};
use super::history::History;

impl History {
    /// Also says of each event when a later one was first answered, and finds what nobody has sent.
    pub(super) fn check_order(&mut self, findings: &mut Findings) {
        for (item, events) in self.all_mut() {
            let mut later_answered = u64::MAX;
            for event in events.iter_mut().rev() {
                event.later_answered = later_answered;
                later_answered = later_answered.min(event.first_answered);
                let (place, at) = (event.position, event.first_sent);
                if at == u64::MAX {
                    findings.violation(Rule::Archive, || {
                        format!(
                            "{item} at {place:?} is archived, and no request for it was accepted or without an answer"
                        )
                    });
                } else if event.later_answered < at {
                    findings.violation(Rule::Order, || {
                        format!(
                            "{item} at {place:?} was sent at {at}, and a later one was answered at {}",
                            event.later_answered
                        )
                    });
                }
            }
        }
    }
}
