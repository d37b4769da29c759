//! One load on threads of its own, so that nothing else makes it late, and what it came to.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use tokio::runtime::Builder;
use tokio::sync::{mpsc, oneshot};

use crate::load::{Arrivals, Crowd, Load, Users};
use crate::machine::{Watch, go_first, process_time, thread_time};
use crate::open_files;
use crate::record::Request;
use crate::result::{Circumstances, Trial};
use crate::stage::Stage;
use crate::tally;

/// For the threads to be there when the load begins.
const HEAD_START: Duration = Duration::from_millis(50);
/// An experiment counts failures, and does not repair them.
const TRIES: u32 = 1;

#[derive(Clone, Debug)]
pub struct Plan {
    pub name: String,
    pub load: Load,
    /// A closed loop in place of the load's rate.
    pub users: Option<Users>,
}

/// Files that are open beside those of users: of this program, and of the system that it has started.
const FILES_BESIDE: u64 = 200;

/// Offers the load from now on. `record`: who gets every bid; the stage's own record otherwise.
pub async fn run(mut plan: Plan, stage: &Stage, record: Option<mpsc::Sender<Request>>) -> Result<Trial> {
    open_files::raise()?;
    if let Some(Users { count, .. }) = plan.users {
        open_files::ensure_room(&format!("{count} users"), count.into(), FILES_BESIDE, "ask for fewer (--users)")?;
    }
    plan.load.begins = stage.clock.now() + HEAD_START.as_micros() as u64;
    let ends = plan.load.begins + plan.load.lasts;
    let (sent, tally) = tally::start(record.or_else(|| stage.record()), plan.load.begins, ends);
    let crowd = Crowd::new(plan.load.items.clone(), TRIES, stage.target.clone(), stage.clock, sent);
    crowd.learn_prices().await?;
    let (watch, used) = (Watch::start(), process_time());
    let parts: Vec<_> = (0..stage.threads).map(|part| spawn(part, stage, &crowd, &plan)).collect::<Result<_>>()?;
    drop(crowd);
    let (mut unsent, mut generator) = (0, 0.0_f64);
    for part in parts {
        let Part { unsent: more, busy } = part.await.context("a thread of the generator panicked")??;
        unsent += more;
        generator = generator.max(busy);
    }
    let tally = tally.await?;
    let cpu = process_time() - used;
    let (machine, programs) = watch.stop();
    let seconds = plan.load.lasts as f64 / 1e6;
    let circumstances = Circumstances {
        offered_per_s: plan.users.is_none().then(|| plan.load.rate.total(seconds) / seconds),
        users: plan.users.map(|users| users.count),
        seconds,
        unsent,
        generator,
        cpu,
        machine,
        programs,
        knows_others: stage.system().is_some(),
    };
    let trial = Trial::new(plan.name, &tally, &circumstances);
    tell(&trial);
    Ok(trial)
}

/// What one thread has done.
struct Part {
    unsent: u64,
    busy: f64,
}

fn spawn(part: u32, stage: &Stage, crowd: &Crowd, plan: &Plan) -> Result<oneshot::Receiver<Result<Part>>> {
    let (done, result) = oneshot::channel();
    let (crowd, plan, of) = (crowd.beside(stage.target.clone()), plan.clone(), stage.threads);
    thread::Builder::new().name(format!("load-{part}")).spawn(move || {
        let (began, used) = (Instant::now(), thread_time());
        let unsent = offer(part, of, &crowd, &plan);
        let busy = (thread_time() - used).as_secs_f64() / began.elapsed().as_secs_f64();
        let _ = done.send(unsent.map(|unsent| Part { unsent, busy }));
    })?;
    Ok(result)
}

fn offer(part: u32, of: u32, crowd: &Crowd, plan: &Plan) -> Result<u64> {
    go_first();
    let runtime = Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        match plan.users {
            Some(users) => crowd.play(&plan.load, users, part, of).await.map(|()| 0),
            None => crowd.bring(Arrivals::new(&plan.load).skip(part as usize).step_by(of as usize)).await,
        }
    })
}

fn tell(trial: &Trial) {
    let p99 = trial.latency.at(0.99).map_or("p99 unknown".to_owned(), |p99| format!("p99 {p99:.2} ms"));
    let errors = trial.errors();
    eprintln!(
        "{}: {:.0} bids/s answered, {:.0} accepted, {p99}, {errors} errors{}",
        trial.name,
        trial.answered_per_s,
        trial.accepted_per_s,
        if trial.validity.is_valid() {
            String::new()
        } else {
            format!("; INVALID: {}", trial.validity.reasons.join("; "))
        },
    );
}
