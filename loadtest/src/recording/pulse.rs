//! Whether Redis answers at all, asked beside the load: a disk that stalls while it is waited for, or a machine without
//! time for Redis, is no fault of the functions.

use std::time::Duration;

use anyhow::Result;
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::record::FaultRecord;

const PERIOD: Duration = Duration::from_millis(50);
/// A little less than a bid waits for a reply of Redis.
const SLOW: Duration = Duration::from_millis(250);
/// Then the connection counts as broken.
const DEADLINE: Duration = Duration::from_secs(10);

pub(super) struct Pulse {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Pulse {
    pub(super) fn start(redis_url: &str, clock: Clock, faults: mpsc::Sender<FaultRecord>) -> Result<Self> {
        let (stop, client) = (CancellationToken::new(), Client::open(redis_url)?);
        let stopped = stop.clone();
        let task = tokio::spawn(async move {
            stopped.run_until_cancelled(feel(&client, clock, &faults)).await;
        });
        Ok(Self { stop, task })
    }

    pub(super) async fn stop(self) -> Result<()> {
        self.stop.cancel();
        Ok(self.task.await?)
    }
}

/// Who kills Redis says so; here it is only felt when it lives and does not answer.
async fn feel(client: &Client, clock: Clock, faults: &mpsc::Sender<FaultRecord>) {
    let config =
        AsyncConnectionConfig::new().set_connection_timeout(Some(DEADLINE)).set_response_timeout(Some(DEADLINE));
    loop {
        if let Ok(mut connection) = client.get_multiplexed_async_connection_with_config(&config).await {
            while let Some((from, until)) = beat(&mut connection, clock).await {
                if until - from > SLOW.as_micros() as u64 {
                    let fault = FaultRecord {
                        fault: "bidding-redis does not answer".to_owned(),
                        from,
                        until,
                        bids_fail_until: Some(until),
                        loses: None,
                        effect: String::new(),
                    };
                    let _ = faults.send(fault).await;
                }
                sleep(PERIOD).await;
            }
        }
        sleep(PERIOD).await;
    }
}

/// None: the connection is broken.
async fn beat(connection: &mut MultiplexedConnection, clock: Clock) -> Option<(u64, u64)> {
    let from = clock.now();
    let answer: redis::RedisResult<String> = redis::cmd("PING").query_async(connection).await;
    answer.ok().map(|_| (from, clock.now()))
}
