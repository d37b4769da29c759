//! Users who wait for an answer before they ask again: the more of them wait, the fewer come.

use std::time::Duration;

use anyhow::{Context, Result};
use rand::RngExt;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::{Crowd, Load, plan};
use crate::random::{Stream, random};

#[derive(Clone, Copy, Debug)]
pub struct Users {
    pub count: u32,
    /// They come evenly over this time from the beginning on, in microseconds.
    pub arrive_within: u64,
    /// Between an answer and the next question, on average: exponentially distributed.
    pub think: Duration,
}

impl Crowd {
    /// Every `of`th user from number `part` on, until the load ends. The rate of the load is of no interest.
    pub async fn play(&self, load: &Load, users: Users, part: u32, of: u32) -> Result<()> {
        let mut tasks = JoinSet::new();
        for user in (part..users.count).step_by(of as usize) {
            let (crowd, load) = (self.clone(), load.clone());
            tasks.spawn(async move { crowd.one(&load, users, user).await });
        }
        while let Some(ended) = tasks.join_next().await {
            ended.context("a user panicked")?;
        }
        Ok(())
    }

    async fn one(&self, load: &Load, users: Users, user: u32) {
        let mut random = random(load.seed, Stream::User(user));
        let (clock, ends) = (self.0.clock, load.begins + load.lasts);
        let comes = u128::from(users.arrive_within) * u128::from(user) / u128::from(users.count.max(1));
        clock.sleep_until(load.begins + comes as u64).await;
        // Keys must differ over all users.
        for number in (u64::from(user) << 32).. {
            let now = clock.now();
            if now >= ends {
                return;
            }
            let mut arrival = plan::draw(&mut random, load.mix, load.items.count, now, number);
            arrival.user = user;
            self.0.arrive(arrival).await;
            if !users.think.is_zero() {
                sleep(users.think.mul_f64(-(1.0 - random.random::<f64>()).ln())).await;
            }
        }
    }
}
