//! Ways to have sandboxes, each before the same stores.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use local::{Api, Name, Settings, System, testing};
use tokio::time::{sleep, timeout};

use super::Arguments;
use crate::http::Target;
use crate::{stage, storm};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Arm {
    /// There is no sandbox when the first bid comes.
    Cold,
    /// There are as many as the same bids have needed before.
    Warm,
    /// Some are kept ready.
    Provisioned,
    /// There is none when the first bid comes, and each takes several bids at once.
    Concurrent,
}

impl Arm {
    pub(super) const ALL: [Self; 4] = [Self::Cold, Self::Warm, Self::Provisioned, Self::Concurrent];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Cold => "cold",
            Self::Warm => "warm",
            Self::Provisioned => "provisioned",
            Self::Concurrent => "concurrent",
        }
    }

    fn change(self, arguments: &Arguments, reports: &std::path::Path, settings: &mut Settings) {
        settings.api = Api::Lambda;
        let mut set = |name, value: String| settings.environment.push((name, value));
        set("SANDBOX_REPORTS", reports.display().to_string());
        set("SANDBOX_MAX", arguments.sandboxes.to_string());
        set("SANDBOX_QUEUE_MAX", arguments.queue.to_string());
        match self {
            Self::Cold | Self::Warm => {}
            Self::Provisioned => set("SANDBOX_PROVISIONED", arguments.provisioned.to_string()),
            Self::Concurrent => set("SANDBOX_CONCURRENCY", arguments.concurrency.to_string()),
        }
    }
}

const READY_DEADLINE: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(5);

/// What answers in one of the ways.
pub(super) struct Front {
    pub(super) arm: Arm,
    reports: PathBuf,
    provisioned: usize,
    /// None: it is part of the system that has the stores.
    own: Option<System>,
}

/// The stores, with the front of cold sandboxes.
pub(super) async fn stores(arguments: &Arguments, reports: PathBuf) -> Result<(System, Front)> {
    let mut settings = Settings::temporary(&Name::ALL)?;
    Arm::Cold.change(arguments, &reports, &mut settings);
    Ok((System::start(settings).await?, Front { arm: Arm::Cold, reports, provisioned: 0, own: None }))
}

impl Front {
    /// One more before the same stores.
    pub(super) async fn beside(stores: &System, arm: Arm, arguments: &Arguments, reports: PathBuf) -> Result<Self> {
        let mut settings = stage::beside(stores)?;
        arm.change(arguments, &reports, &mut settings);
        let provisioned = if arm == Arm::Provisioned { arguments.provisioned } else { 0 };
        Ok(Self { arm, reports, provisioned, own: Some(System::start(settings).await?) })
    }

    pub(super) fn target(&self, stores: &System) -> Target {
        Target::plain(self.system(stores).addresses().api)
    }

    fn system<'a>(&'a self, stores: &'a System) -> &'a System {
        self.own.as_ref().unwrap_or(stores)
    }

    /// Leaves as many sandboxes as there should be when the first bid comes.
    pub(super) async fn prepare(&self, stores: &System) -> Result<()> {
        let system = self.system(stores);
        if self.arm == Arm::Warm {
            return Ok(());
        }
        storm::kill_sandboxes(system).await?;
        let are_ready = async {
            // Those that are ready are frozen.
            while testing::sandboxes(system, "place-bid").iter().filter(|(_, state)| *state == 'T').count()
                < self.provisioned
            {
                sleep(POLL).await;
            }
        };
        timeout(READY_DEADLINE, are_ready).await.context("provisioned sandboxes are not ready")
    }

    /// Ends it, so that its reports are whole. The one of the stores starts again: the checker asks it where items stand.
    pub(super) async fn end(self, stores: &System) -> Result<(Arm, PathBuf)> {
        match self.own {
            Some(system) => system.stop().await?,
            None => {
                let api = stores.find(Name::Api.as_str())?;
                api.stop().await?;
                api.start().await?;
            }
        }
        Ok((self.arm, self.reports))
    }
}
