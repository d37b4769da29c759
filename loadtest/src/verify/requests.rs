//! What the bidders were told.

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

use super::findings::{Findings, Rule};
use super::history::{History, Unanswered};
use super::promises::{Promise, Promises};
use super::verdict::Latency;
use super::windows::Windows;
use crate::record::{Expected, Outcome, Request};

#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct RequestCounts {
    pub requests: u64,
    pub accepted: u64,
    pub replayed: u64,
    pub refused: u64,
    pub rejected: u64,
    pub unknown: u64,
    /// Of the unknown ones, those that turned out to be archived.
    pub unknown_archived: u64,
}

/// The status of a key that belongs to another bid.
const KEY_REUSED: u16 = 422;

pub(super) struct Requests<'a> {
    windows: &'a Windows,
    promises: Promises,
    pub(super) counts: Counts,
}

pub(super) struct Counts {
    pub(super) requests: RequestCounts,
    /// From when it was due, in microseconds: while all was well, and while bids could fail.
    pub(super) calm: Histogram<u64>,
    pub(super) failing: Histogram<u64>,
}

impl<'a> Requests<'a> {
    pub(super) fn new(windows: &'a Windows) -> Self {
        let (calm, failing) = (Latency::histogram(3), Latency::histogram(3));
        let counts = Counts { requests: RequestCounts::default(), calm, failing };
        Self { windows, promises: Promises::default(), counts }
    }

    /// The first pass: what was accepted, or may have been, is entered into the history.
    pub(super) fn enter(&mut self, request: &Request, history: &mut History, findings: &mut Findings) {
        // What must be told that it is no bid cannot have become one.
        let may_be_accepted = request.expected == Expected::Judgement || self.forgot(request);
        let counts = &mut self.counts.requests;
        counts.requests += 1;
        let Request { item, user, amount, sent, answered, .. } = request;
        match &request.outcome {
            Outcome::Accepted { event, replayed, .. } => {
                counts.accepted += u64::from(!replayed);
                counts.replayed += u64::from(*replayed);
                if let Some(event) = history.by_id_mut(item, *event) {
                    event.first_sent = event.first_sent.min(*sent);
                    event.first_answered = event.first_answered.min(*answered);
                }
                self.check_key(request, history, findings);
            }
            Outcome::Unknown(_) => {
                counts.unknown += 1;
                let key = self.promises.key(request);
                if let Some(event) = history.by_amount_mut(item, user, *amount).filter(|_| may_be_accepted) {
                    counts.unknown_archived += 1;
                    event.first_sent = event.first_sent.min(*sent);
                    event.unanswered.add(key, *answered);
                }
            }
            Outcome::Refused { .. } => counts.refused += 1,
            Outcome::Rejected(_) => counts.rejected += 1,
        }
        let latencies = if self.windows.may_fail(request) { &mut self.counts.failing } else { &mut self.counts.calm };
        latencies.saturating_record(request.latency().max(1));
    }

    /// Whether Redis may have lost the record of what was accepted under the key.
    fn forgot(&self, request: &Request) -> bool {
        let promise = self.promises.of(request);
        promise.is_some_and(|promise| promise.is_second || self.windows.may_lose(promise.sent, promise.answered))
    }

    fn check_key(&mut self, request: &Request, history: &History, findings: &mut Findings) {
        let Outcome::Accepted { event, body, replayed, .. } = request.outcome else { return };
        let Some(key) = self.promises.key(request) else { return };
        let (sent, answered, is_given) = (request.sent, request.answered, !replayed);
        let promise = Promise { event, sent, answered, body: Some(body), is_given: false, is_second: false };
        let first = self.promises.enter(key, promise);
        // What was restored without its key has kept the price, so that only a higher bid could be accepted under it.
        let is_higher = request.expected != Expected::Judgement;
        let may_be_lost = |promise: &Promise| {
            let is_gone = is_higher || !history.has(promise.event);
            is_gone && self.windows.may_lose(promise.sent, promise.answered)
        };
        let is_kept = first.event == event && first.body == promise.body && !(first.is_given && is_given);
        if is_kept {
            first.is_given |= is_given;
        } else if first.event != event && (may_be_lost(first) || may_be_lost(&promise)) {
            // Redis forgot the one, and accepted the other.
            *first = Promise { is_given, is_second: true, ..promise };
        } else {
            findings.violation(Rule::Idempotency, || format!("after {first:?}: {}", shown(request)));
        }
    }

    /// Between the passes: a bid whose answer was lost is promised to whoever asked for it, if that was one key.
    pub(super) fn resolve(&mut self, history: &mut History) {
        for (_, events) in history.all_mut() {
            for event in events.iter() {
                let Unanswered::Under(key, answered) = event.unanswered else { continue };
                if event.first_answered == u64::MAX {
                    let (event, sent) = (event.id, event.first_sent);
                    self.promises
                        .enter(key, Promise { event, sent, answered, body: None, is_given: false, is_second: false });
                }
            }
        }
    }

    /// The second pass: every answer is held against the whole history.
    pub(super) fn judge(&self, request: &Request, history: &History, findings: &mut Findings) {
        match (&request.outcome, request.expected) {
            (Outcome::Unknown(reason), _) => {
                if !self.windows.may_fail(request) {
                    findings.violation(Rule::Availability, || format!("{reason}: {}", shown(request)));
                }
            }
            (Outcome::Rejected(status), Expected::Status(expected)) if *status == expected => {}
            // Redis has lost the key with the bid, and by now it belongs to another amount.
            (Outcome::Rejected(KEY_REUSED), Expected::Judgement) if self.forgot(request) => {}
            (Outcome::Rejected(_), _) => {
                findings.violation(Rule::Input, || format!("expected {:?}: {}", request.expected, shown(request)));
            }
            // Unless Redis has lost the key with the bid.
            (_, Expected::Status(status)) if status != KEY_REUSED || !self.forgot(request) => {
                findings.violation(Rule::Input, || format!("expected {status}: {}", shown(request)));
            }
            (Outcome::Accepted { .. }, _) => self.check_accepted(request, history, findings),
            (Outcome::Refused { .. }, _) => self.check_refused(request, history, findings),
        }
    }

    fn check_accepted(&self, request: &Request, history: &History, findings: &mut Findings) {
        let Outcome::Accepted { event: id, position, .. } = request.outcome else { return };
        match history.by_seq(&request.item, position.seq).filter(|event| event.id == id) {
            Some(event) => {
                let archived = (event.position, &*event.user, event.amount);
                if archived != (position, &request.user[..], request.amount) {
                    findings.violation(Rule::Archive, || format!("archived as {archived:?}: {}", shown(request)));
                }
            }
            None if self.windows.may_lose(request.sent, request.answered) => findings.lost(id, || shown(request)),
            None => findings.violation(Rule::Archive, || format!("not archived: {}", shown(request))),
        }
    }

    /// The price that it was refused for must have been the price at some moment between the question and the answer.
    fn check_refused(&self, request: &Request, history: &History, findings: &mut Findings) {
        let Outcome::Refused { position, price } = request.outcome else { return };
        let (sent, answered) = (request.sent, request.answered);
        if let Some(promise) = self.promises.of(request).filter(|_| !self.forgot(request)) {
            findings.violation(Rule::Idempotency, || format!("was accepted, {promise:?}: {}", shown(request)));
        }
        if request.amount > price {
            return findings.violation(Rule::Order, || format!("not too low: {}", shown(request)));
        }
        let was_so = match history.by_seq(&request.item, position.seq) {
            Some(event) => {
                // The epoch may be a later one: it begins without an event.
                let is_there = event.amount == price && event.position <= position;
                is_there && event.first_sent <= answered && event.later_answered >= sent
            }
            None if position.seq == 0 => {
                let first = history.events(&request.item).first();
                price == 0 && first.is_none_or(|first| first.first_answered.min(first.later_answered) >= sent)
            }
            None => false,
        };
        if !was_so && !self.windows.may_lose(sent, answered) {
            findings.violation(Rule::Order, || format!("never stood so in this time: {}", shown(request)));
        }
    }
}

fn shown(request: &Request) -> String {
    serde_json::to_string(request).unwrap_or_else(|error| error.to_string())
}
