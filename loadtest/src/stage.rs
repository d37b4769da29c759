//! Where an experiment takes place: a system of its own, which is recorded and checked in the end, or a server somewhere.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use local::{Addresses, Name, Settings, System};
use tokio::sync::mpsc;

use crate::clock::Clock;
use crate::http::Target;
use crate::load::Items;
use crate::options::Options;
use crate::record::{Folder, Request, Sight};
use crate::recording::{self, Facts, Recording};
use crate::result::{Check, Report};
use crate::verify::{self, Verdict};

/// A longer rest is given up.
const REST_MAX: Duration = Duration::from_secs(20);

/// After so many bids as an experiment places: for all of them to be archived.
const DRAIN_DEADLINE: Duration = Duration::from_secs(300);

pub struct Stage {
    pub clock: Clock,
    pub target: Target,
    pub threads: u32,
    /// Those that have watched, and are in the record.
    pub viewers: u32,
    own: Option<Own>,
    /// The names of items that nobody has bid on.
    prefix: String,
    items: u32,
}

struct Own {
    system: Arc<System>,
    recording: Option<Recording>,
}

impl Stage {
    pub async fn set(options: &Options, experiment: &str) -> Result<Self> {
        let Some(url) = &options.target else {
            eprintln!("starting a system");
            let mut settings = Settings::temporary(&Name::ALL)?;
            settings.api = options.api;
            return Self::own(options, experiment, System::start(settings).await?);
        };
        let (clock, target) = (Clock::start(), Target::resolve(url).await?);
        // Nobody has bid on an item with the time in its name.
        let prefix = format!("load-{}-", clock.started_at());
        Ok(Self { clock, target, threads: options.threads.max(1), viewers: 0, own: None, prefix, items: 0 })
    }

    pub fn own(options: &Options, experiment: &str, system: System) -> Result<Self> {
        let clock = Clock::start();
        let folder = options.out.join(format!("{experiment}.record"));
        let recording = match options.no_check {
            true => None,
            false => Some(Recording::start(Folder::create_empty(&folder)?, &system, clock)?),
        };
        let target = Target::plain(system.addresses().api);
        let own = Some(Own { system: Arc::new(system), recording });
        // Those that the checker looks for.
        let Items { prefix, .. } = Items::lots(0);
        Ok(Self { clock, target, threads: options.threads.max(1), viewers: 0, own, prefix, items: 0 })
    }

    /// Some that nobody has bid on.
    pub fn fresh_items(&mut self, count: u32) -> Items {
        let first = self.items;
        self.items += count;
        Items { prefix: self.prefix.clone(), first, count }
    }

    pub fn system(&self) -> Option<&Arc<System>> {
        self.own.as_ref().map(|own| &own.system)
    }

    /// Until what was accepted is archived, which takes a part of the machine from whoever comes next.
    pub async fn rest(&self) {
        if let Some(system) = self.system() {
            recording::until_drained(system, REST_MAX).await;
        }
    }

    pub fn record(&self) -> Option<mpsc::Sender<Request>> {
        Some(self.own.as_ref()?.recording.as_ref()?.requests())
    }

    pub fn frames(&self) -> Option<mpsc::Sender<Sight>> {
        Some(self.own.as_ref()?.recording.as_ref()?.frames())
    }

    /// Waits until everything is archived, stops the system, and says what the checker says.
    pub async fn strike(self, report: &mut Report) -> Result<()> {
        report.check = self.check(report).await?;
        let stage = match &report.check {
            Check::Kept { requests, archived } => {
                format!(
                    "The checker held {requests} requests against {archived} archived bids: every promise was kept."
                )
            }
            Check::Broken { cases, record } => format!("Promises were broken, {cases} times: see {record}."),
            Check::Not(reason) => format!("Nothing was checked: {reason}."),
        };
        report.findings.push(stage);
        Ok(())
    }

    async fn check(self, report: &Report) -> Result<Check> {
        let Some(Own { system, recording }) = self.own else {
            let reason = "what the target has archived cannot be looked at from outside, nor who else uses its machine";
            return Ok(Check::Not(reason.to_owned()));
        };
        let Some(recording) = recording else {
            system.stop().await?;
            return Ok(Check::Not("--no-check".to_owned()));
        };
        eprintln!("waiting until all is archived, and checking it");
        let folder = recording.folder().clone();
        let facts = Facts {
            seed: report.seed,
            command: report.command.clone(),
            load_us: self.clock.now(),
            unsent: report.trials.iter().map(|trial| trial.unsent).sum(),
            items: self.items,
            viewers: self.viewers,
            drain_deadline: DRAIN_DEADLINE,
        };
        recording.finish(&system, None, facts).await?;
        system.stop().await?;
        check_of(&folder, &verify::verify(&folder).context("the checker")?)
    }
}

/// One more way of answering before the same stores.
pub fn beside(stores: &System) -> Result<Settings> {
    let mut settings = Settings::temporary(&[Name::Api])?;
    settings.addresses = Addresses { api: settings.addresses.api, ..stores.addresses().clone() };
    Ok(settings)
}

/// What an experiment says of its record, which is kept only if something is wrong.
pub fn check_of(folder: &Folder, verdict: &Verdict) -> Result<Check> {
    let cases = verdict.cases_but_availability();
    if cases == 0 {
        folder.remove()?;
        return Ok(Check::Kept { requests: verdict.requests.requests, archived: verdict.archived });
    }
    eprintln!("{verdict}");
    Ok(Check::Broken { cases, record: folder.to_string() })
}
