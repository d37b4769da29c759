//! Load, viewers and faults at once, then the repair of all, then the drain.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::http::Target;
use crate::load::{Arrivals, Crowd, Load};
use crate::recording::{Audience, Facts, Recording};
use crate::storm::{Planned, Storm};
use crate::tally::{self, Tally};
use crate::viewers::Viewers;

/// After so many a bidder gives up: in all about ten seconds.
const TRIES: u32 = 10;
const DRAIN_DEADLINE: Duration = Duration::from_secs(60);

/// What goes on at once.
pub(crate) struct Rage {
    pub(crate) command: String,
    pub(crate) load: Load,
    pub(crate) viewers: u32,
    /// Whether the viewers behave like people, or just watch.
    pub(crate) restless: bool,
    /// What happens in each lane.
    pub(crate) lanes: Vec<Vec<Planned>>,
}

impl Rage {
    pub(crate) async fn run(self, recording: Recording, storm: &Arc<Storm>) -> Result<Tally> {
        let (clock, system, load) = (storm.clock, &storm.system, &self.load);
        let (goal, watched) = watch::channel(None);
        let crowd = Viewers {
            first: 0,
            count: self.viewers,
            items: load.items.clone(),
            seed: load.seed,
            restless: self.restless,
            relay: Target::plain(system.addresses().relay),
            clock,
        };
        let viewers = crowd.watch(&recording.frames(), &watched);
        let mut raging = JoinSet::new();
        for planned in self.lanes {
            let (storm, faults) = (Arc::clone(storm), recording.faults());
            raging.spawn(async move { storm.run(&planned, &faults).await });
        }
        let (sent, tally) = tally::start(Some(recording.requests()), 0, u64::MAX);
        let target = Target::plain(system.addresses().api);
        let unsent = Crowd::new(load.items.clone(), TRIES, target, clock, sent).bring(Arrivals::new(load)).await?;
        for lane in raging.join_all().await {
            lane?;
        }
        let tally = tally.await?;
        let facts = Facts {
            seed: load.seed,
            command: self.command,
            load_us: load.lasts,
            unsent,
            items: load.items.count,
            viewers: self.viewers,
            drain_deadline: DRAIN_DEADLINE,
        };
        recording.finish(system, Some(Audience { viewers, goal }), facts).await?;
        Ok(tally)
    }
}
