//! So many viewers, and some bids, one after the other.

use std::collections::HashMap;
use std::fmt;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::sync::watch;
use tokio::time::timeout;
use uuid::Uuid;

use super::Arguments;
use super::part::Order;
use super::parts::Watching;
use super::taps::{Frame, listen, look_on};
use crate::load::{Arrival, Crowd, Intent};
use crate::machine::{MachineLoad, Taken, Watch, process_time};
use crate::record::{Outcome, Request};
use crate::result::Distribution;
use crate::shown::or_unknown;
use crate::stage::Stage;
use crate::tally;
use crate::verify::Latency;

pub(super) struct Step {
    pub(super) viewers: u32,
    /// That watched, beside this one: none if it could open all sockets itself.
    pub(super) processes: usize,
    pub(super) accepted: u64,
    /// Frames of bids, of viewers times bids.
    pub(super) delivered: u64,
    /// From just before the bid was sent, and from when Redis accepted it, until a viewer had read the frame.
    pub(super) from_sent: Distribution,
    pub(super) from_accepted: Distribution,
    /// From the sending of a bid until the last viewer had it, in ms: of each bid.
    pub(super) last_ms: Vec<f64>,
    /// Half and 99 of 100 of the deliveries, if nothing is done but to send.
    pub(super) floor_ms: Option<[f64; 2]>,
    /// Of the relay; none if it is not ours.
    pub(super) relay: Option<Relay>,
    /// Of this program, for a frame.
    pub(super) own_us_per_frame: f64,
    pub(super) machine: MachineLoad,
}

pub(super) struct Relay {
    pub(super) memory_mib: f64,
    pub(super) kib_per_viewer: f64,
    pub(super) cpu_us_per_frame: f64,
}

const CONNECT_DEADLINE: Duration = Duration::from_secs(180);
const SEEN_DEADLINE: Duration = Duration::from_secs(30);
const TRIES: u32 = 1;

impl Step {
    pub(super) async fn run(
        arguments: &Arguments,
        count: u32,
        relay_url: &str,
        files: u64,
        stage: &mut Stage,
    ) -> Result<Self> {
        let pid = stage.system().and_then(|system| system.server("bidding-broadcast").pid());
        let taken = || pid.and_then(Taken::by);
        let empty = taken();
        let (items, first, seed) = (stage.fresh_items(1), stage.viewers, arguments.options.seed);
        let order =
            Order { first, count, items: items.clone(), seed, relay_url: relay_url.to_owned(), clock: stage.clock };
        stage.viewers += count;
        let (sights, connected, frames) = look_on(stage.frames());
        eprintln!("{count} viewers are connecting");
        let mut watching = Watching::start(order, files, sights).await?;
        wait_for(connected, count).await?;
        let (full, machine, used_before) = (taken(), Watch::start(), process_time() + watching.cpu());
        let (bids, requests) = listen(stage.record());
        let (sent, tally) = tally::start(Some(bids), 0, u64::MAX);
        let crowd = Crowd::new(items, TRIES, stage.target.clone(), stage.clock, sent);
        crowd.bring(evenly(stage.clock.now(), arguments)).await?;
        // A bid without an answer may have been accepted, too.
        crowd.learn_prices().await?;
        watching.see(crowd.seq(0), SEEN_DEADLINE).await?;
        drop(crowd);
        tally.await?;
        let requests = requests.await?;
        let (done, (machine, _)) = (taken(), machine.stop());
        let own = (process_time() + watching.cpu()).saturating_sub(used_before);
        let processes = watching.processes();
        watching.stop().await?;
        let mut step = Self::of(count, &requests, &frames.await?, stage.clock.started_at());
        step.processes = processes;
        step.machine = machine;
        step.own_us_per_frame = own.as_secs_f64() * 1e6 / step.delivered.max(1) as f64;
        step.relay = empty.zip(full).zip(done).map(|((empty, full), done)| Relay {
            memory_mib: done.memory_kib as f64 / 1_024.0,
            kib_per_viewer: full.memory_kib.saturating_sub(empty.memory_kib) as f64 / f64::from(count),
            cpu_us_per_frame: (done.cpu_ms - full.cpu_ms) as f64 * 1_000.0 / step.delivered.max(1) as f64,
        });
        Ok(step)
    }

    fn of(viewers: u32, requests: &[Request], frames: &[Frame], started_at: u64) -> Self {
        let accepted_ids = requests.iter().filter_map(|request| match request.outcome {
            Outcome::Accepted { event, .. } => Some((event, request.sent)),
            _ => None,
        });
        let sent: HashMap<Uuid, u64> = accepted_ids.collect();
        let (mut from_sent, mut from_accepted) = (Latency::histogram(3), Latency::histogram(3));
        let mut last: HashMap<Uuid, u64> = HashMap::new();
        let mut delivered = 0;
        for Frame { at, event, accepted_at } in frames {
            let Some(sent) = sent.get(event) else { continue };
            delivered += 1;
            let after = at.saturating_sub(*sent);
            from_sent.saturating_record(after.max(1));
            from_accepted.saturating_record((started_at + at).saturating_sub(*accepted_at).max(1));
            let last = last.entry(*event).or_default();
            *last = after.max(*last);
        }
        Self {
            viewers,
            processes: 0,
            accepted: sent.len() as u64,
            delivered,
            from_sent: Distribution::of(&from_sent),
            from_accepted: Distribution::of(&from_accepted),
            last_ms: last.into_values().map(|us| us as f64 / 1_000.0).collect(),
            floor_ms: None,
            relay: None,
            own_us_per_frame: 0.0,
            machine: MachineLoad::default(),
        }
    }

    pub(super) fn expected(&self) -> u64 {
        self.accepted * u64::from(self.viewers)
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { viewers, delivered, .. } = self;
        let [p50, p99] = [0.5, 0.99].map(|quantile| or_unknown(self.from_sent.at(quantile), "ms"));
        write!(f, "{viewers} viewers: {delivered} of {} frames, p50 {p50}, p99 {p99} from the sending", self.expected())
    }
}

/// Rising bids with the same time between them.
fn evenly(begins: u64, arguments: &Arguments) -> impl Iterator<Item = Arrival> + Send + use<> {
    let interval = arguments.interval * 1_000;
    let arrival = move |number: u64| Arrival {
        due: begins + interval * (number + 1),
        number,
        item: 0,
        user: 0,
        intent: Intent::Bid { keyed: true },
        // Above the one before, even where its answer is not there yet.
        dice: number,
    };
    (0..u64::from(arguments.bids)).map(arrival)
}

async fn wait_for(mut connected: watch::Receiver<u32>, count: u32) -> Result<()> {
    let all = connected.wait_for(|connected| *connected >= count);
    let in_time = timeout(CONNECT_DEADLINE, all).await.map(|all| all.is_ok());
    let so_many = in_time == Ok(true);
    let connected = *connected.borrow();
    so_many.then_some(()).with_context(|| format!("{connected} of {count} viewers were connected in time"))
}
