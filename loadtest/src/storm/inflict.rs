//! Breaks things, and repairs them.

use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use local::{Name, System, testing};
use rustix::process::{Pid, Signal, kill_process};
use sqlx::{Connection, PgConnection};
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

use super::fault::{Fault, Peer};
use super::proxy::Proxy;
use super::schedule::Planned;
use crate::clock::Clock;
use crate::record::{FaultRecord, Loss};

/// How long bids may take to be open again after a repair.
const RECOVERY_DEADLINE: Duration = Duration::from_secs(90);
const POLL: Duration = Duration::from_millis(20);
/// For Redis to have written what it has answered.
const WRITE_PATIENCE: Duration = Duration::from_secs(3);
/// For bids to be under way in sandboxes that wait for a NATS that hangs: less than a bid waits for it.
const MID_PUBLISH: Duration = Duration::from_millis(3);

/// The system and the cables of its relay.
pub struct Storm {
    pub system: Arc<System>,
    pub nats: Proxy,
    pub redis: Proxy,
    pub clock: Clock,
    /// Whether Redis waits for the disk before it answers, and so loses nothing with its power.
    pub loses_nothing: bool,
}

impl Storm {
    /// Goes through what is planned for one lane, each when it is due.
    pub async fn run(&self, planned: &[Planned], faults: &mpsc::Sender<FaultRecord>) -> Result<()> {
        for Planned { from, lasts_ms, fault } in planned {
            self.clock.sleep_until(*from).await;
            let record = self.inflict(*fault, Duration::from_millis(*lasts_ms)).await;
            let record = record.with_context(|| format!("{fault}, planned for {} s", *from as f64 / 1e6))?;
            let _ = faults.send(record).await;
        }
        Ok(())
    }

    async fn inflict(&self, fault: Fault, lasts: Duration) -> Result<FaultRecord> {
        let from = self.clock.now();
        let (mut loses, mut effect) = (None, String::new());
        match fault {
            Fault::Killed(name) => {
                if name == Name::Redis {
                    self.redis_has_written().await?;
                }
                self.while_killed(name, lasts, || Ok(())).await?;
            }
            Fault::Frozen(name) => {
                let server = self.system.find(name.as_str())?;
                server.pause()?;
                sleep(lasts).await;
                server.resume()?;
            }
            Fault::StoreWiped => {
                let store = self.system.find(Name::Nats.as_str())?.working_folder().join("jetstream");
                let wipe = || fs::remove_dir_all(&store).with_context(|| format!("cannot delete {}", store.display()));
                self.while_killed(Name::Nats, lasts, wipe).await?;
            }
            Fault::ReadOnly => {
                self.owner("ALTER DATABASE bidding SET default_transaction_read_only = on").await?;
                // It holds for new sessions.
                self.while_killed(Name::Postgres, Duration::ZERO, || Ok(())).await?;
                sleep(lasts).await;
                self.owner("BEGIN READ WRITE; ALTER DATABASE bidding RESET default_transaction_read_only; COMMIT")
                    .await?;
            }
            Fault::Cut { from, silent } => self.cut(from, silent, lasts).await,
            Fault::PowerLost => (loses, effect) = self.lose_power(lasts).await?,
            Fault::SandboxesKilled => effect = effect_of(kill_sandboxes(&self.system).await?),
            Fault::KilledWhilePublishing => {
                let nats = self.system.find(Name::Nats.as_str())?;
                nats.pause()?;
                sleep(MID_PUBLISH).await;
                let killed = kill_sandboxes(&self.system).await;
                nats.resume()?;
                effect = effect_of(killed?);
            }
        }
        let until = self.clock.now();
        let bids_fail_until = if fault.fails_bids() { Some(self.until_bids_are_open().await?) } else { None };
        Ok(FaultRecord { fault: fault.to_string(), from, until, bids_fail_until, loses, effect })
    }

    async fn while_killed(&self, name: Name, lasts: Duration, meanwhile: impl FnOnce() -> Result<()>) -> Result<()> {
        let server = self.system.find(name.as_str())?;
        server.kill().await?;
        meanwhile()?;
        sleep(lasts).await;
        server.start().await
    }

    async fn cut(&self, from: Peer, silent: bool, lasts: Duration) {
        let cables: &[&Proxy] = match from {
            Peer::Nats => &[&self.nats],
            Peer::Redis => &[&self.redis],
            Peer::Both => &[&self.nats, &self.redis],
        };
        cables.iter().for_each(|cable| cable.cut(silent));
        sleep(lasts).await;
        cables.iter().for_each(|cable| cable.mend());
    }

    /// Takes back what Redis has written and may not have been on the disk yet.
    async fn lose_power(&self, lasts: Duration) -> Result<(Option<Loss>, String)> {
        if self.loses_nothing {
            self.while_killed(Name::Redis, lasts, || Ok(())).await?;
            return Ok((None, "nothing was lost: it waits for its disk".to_owned()));
        }
        let folder = self.system.find(Name::Redis.as_str())?.working_folder().join("appendonlydir");
        let since = self.redis_has_written().await?;
        let (file, kept) = append_only_file(&folder)?;
        // It waits for the disk once a second; more than that may be lost only if the disk is slow.
        sleep(lasts.min(Duration::from_secs(1))).await;
        let (mut until, mut lost) = (since, 0);
        let take_back = || {
            until = self.clock.now();
            let (now, length) = append_only_file(&folder)?;
            if now == file && length > kept {
                OpenOptions::new().write(true).open(&file)?.set_len(kept)?;
                lost = length - kept;
            }
            Ok(())
        };
        self.while_killed(Name::Redis, Duration::ZERO, take_back).await?;
        Ok((Some(Loss { since, until }), format!("{lost} bytes of its append-only file lost")))
    }

    /// While an fsync is under way Redis answers and writes later, so a kill would lose what was answered. Returns a time
    /// when it had written all that it had answered until then.
    async fn redis_has_written(&self) -> Result<u64> {
        let client = redis::Client::open(self.system.redis_url())?;
        let mut connection = client.get_multiplexed_async_connection().await?;
        let begun_at = self.clock.now();
        let written = async {
            loop {
                // What is answered between this question and its answer may be written after it.
                let asked_at = self.clock.now();
                let info: String = redis::cmd("INFO").arg("persistence").query_async(&mut connection).await?;
                let has = |line: &str| info.lines().any(|found| found == line);
                if has("aof_pending_bio_fsync:0") && has("aof_buffer_length:0") {
                    return anyhow::Ok(asked_at);
                }
                sleep(POLL).await;
            }
        };
        // A disk that is never done loses what it loses.
        timeout(WRITE_PATIENCE, written).await.unwrap_or(Ok(begun_at))
    }

    async fn owner(&self, statement: &'static str) -> Result<()> {
        let mut connection = PgConnection::connect(&self.system.postgres_url()).await?;
        sqlx::raw_sql(statement).execute(&mut connection).await?;
        Ok(connection.close().await?)
    }

    async fn until_bids_are_open(&self) -> Result<u64> {
        let url = format!("{}/ready", self.system.api_url());
        let client = reqwest::Client::builder().timeout(Duration::from_secs(2)).build()?;
        let open = async {
            loop {
                match client.get(&url).send().await {
                    Ok(answer) if answer.status().is_success() => return self.clock.now(),
                    Ok(_) | Err(_) => sleep(POLL).await,
                }
            }
        };
        match timeout(RECOVERY_DEADLINE, open).await {
            Ok(time) => Ok(time),
            Err(_) => bail!("bids are not open {} s after the repair", RECOVERY_DEADLINE.as_secs()),
        }
    }
}

/// Kills every sandbox of `place-bid`: how many. Returns when Lambda knows of it; until then it may give events to the dead.
pub async fn kill_sandboxes(system: &System) -> Result<usize> {
    // Another lane may have killed them all, with the process they belong to.
    let is_up = || system.find(Name::Api.as_str()).is_ok_and(|api| api.pid().is_some());
    let running = || match is_up() {
        true => testing::sandboxes(system, "place-bid").into_iter().map(|(pid, _)| pid).collect(),
        false => Vec::new(),
    };
    let killed = running();
    for pid in &killed {
        let pid = i32::try_from(*pid).ok().and_then(Pid::from_raw).context("not a process id")?;
        // It may have ended by itself.
        let _ = kill_process(pid, Signal::KILL);
    }
    let buried = async {
        while running().iter().any(|pid| killed.contains(pid)) {
            sleep(POLL).await;
        }
    };
    timeout(RECOVERY_DEADLINE, buried).await.context("dead sandboxes are still there")?;
    Ok(killed.len())
}

fn effect_of(killed: usize) -> String {
    format!("{killed} killed")
}

/// The file that Redis appends to now, and how long it is.
fn append_only_file(folder: &Path) -> Result<(PathBuf, u64)> {
    let files = fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let paths = files.filter_map(|file| Some(file.ok()?.path()));
    let newest = paths.max_by_key(|path| rewrites_before(path));
    let newest = newest.filter(|path| rewrites_before(path).is_some());
    let newest = newest.context("Redis has no append-only file")?;
    let length = newest.metadata()?.len();
    Ok((newest, length))
}

/// Its number: Redis begins a new file with each rewrite, `appendonly.aof.12.incr.aof` with the twelfth.
fn rewrites_before(file: &Path) -> Option<u64> {
    file.to_str()?.strip_suffix(".incr.aof")?.rsplit('.').next()?.parse().ok()
}
