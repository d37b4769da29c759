//! What a storm may be told.

use std::path::PathBuf;

use anyhow::{Result, ensure};
use local::{Api, Archive, Fsync};

use crate::load::{Items, Load, Mix, Rate};
use crate::storm::{self, Fault, Planned, schedule};

#[derive(Clone, Debug, clap::Args)]
pub struct Arguments {
    /// How long there is load, in seconds
    #[arg(long, default_value_t = 120)]
    pub seconds: u64,
    /// The same seed has the same bidders, viewers and faults
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Bids a second, over all items
    #[arg(long, default_value_t = 1_000.0)]
    pub rate: f64,
    #[arg(long, default_value_t = 20)]
    pub items: u32,
    #[arg(long, default_value_t = 200)]
    pub viewers: u32,
    /// Lanes of faults: all, or a list of messenger, archive, relay, judge, power, queue; `none` for a calm run
    #[arg(long, value_delimiter = ',', default_value = "all")]
    pub faults: Vec<String>,
    /// Who brings bids to PostgreSQL
    #[arg(long, value_enum, default_value_t = Archive::Nats)]
    pub archive: Archive,
    /// What answers HTTP
    #[arg(long, value_enum, default_value_t = Api::Lambda)]
    pub api: Api,
    /// When Redis waits for the disk
    #[arg(long, value_enum, default_value_t = Fsync::Everysec)]
    pub fsync: Fsync,
    /// Every Nth message of the queue fails, and the others come twice and in the wrong order
    #[arg(long)]
    pub queue_faults: Option<u32>,
    /// Only bids that should be accepted, in place of a mixture
    #[arg(long)]
    pub rising: bool,
    /// Where the record goes
    #[arg(long, default_value = ".local/soak")]
    pub out: PathBuf,
}

impl Arguments {
    pub(super) fn load(&self) -> Load {
        Load {
            rate: Rate::Constant(self.rate),
            burst: 0,
            items: Items::lots(self.items),
            mix: if self.rising { Mix::RISING } else { Mix::STORM },
            begins: 0,
            lasts: self.seconds * 1_000_000,
            seed: self.seed,
        }
    }

    /// What happens in each lane.
    pub(super) fn planned(&self) -> Result<Vec<Vec<Planned>>> {
        let wanted = |name: &str| self.faults.iter().any(|fault| fault == name || fault == "all");
        let mut lanes = storm::lanes(self.archive == Archive::Sqs, self.api == Api::Lambda);
        let names: Vec<&str> = lanes.iter().map(|lane| lane.name).chain(["all", "none", "power", "queue"]).collect();
        for fault in &self.faults {
            ensure!(names.contains(&fault.as_str()), "there is no lane {fault}; there are {}", names.join(", "));
        }
        for lane in &mut lanes {
            // Of the judge's lane, and asked for apart: it loses bids.
            lane.faults.retain(|fault| wanted(if *fault == Fault::PowerLost { "power" } else { lane.name }));
        }
        let ends = self.load().lasts;
        Ok((0..).zip(&lanes).map(|(number, lane)| schedule(lane, number, self.seed, ends)).collect())
    }

    /// What runs the same again.
    pub(super) fn command(&self) -> String {
        let Self { seconds, seed, rate, items, viewers, faults, .. } = self;
        let faults = faults.join(",");
        let mut command = format!(
            "loadtest soak --seconds {seconds} --seed {seed} --rate {rate} --items {items} --viewers {viewers} \
             --faults {faults} --archive {} --api {} --fsync {}",
            value(&self.archive),
            value(&self.api),
            value(&self.fsync),
        );
        if let Some(every) = self.queue_faults {
            command.push_str(&format!(" --queue-faults {every}"));
        }
        if self.rising {
            command.push_str(" --rising");
        }
        command
    }
}

/// As it is written in a command.
fn value(value: &impl clap::ValueEnum) -> String {
    value.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}
