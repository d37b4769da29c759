//! Bids judged in sandboxes, which come and go.

use std::time::Duration;

use local::{System, testing};
use reqwest::{Client, StatusCode, header};
use rustix::process::{Pid, Resource, Rlimit, Signal, getrlimit, kill_process, setrlimit};
use tokio::task::JoinSet;

use crate::support::{DEADLINE, psql, until_psql};

fn sandboxes(system: &System) -> Vec<Pid> {
    testing::sandboxes(system, "place-bid").iter().filter_map(|(pid, _)| Pid::from_raw(*pid as i32)).collect()
}

async fn bid(client: &Client, system: &System, item: &str, amount: u64) -> StatusCode {
    let request = client.post(format!("{}/api/v1/items/{item}/bid", system.api_url()));
    let body = format!(r#"{{"user_id":"alice","amount":{amount}}}"#);
    let response = request.header(header::CONTENT_TYPE, "application/json").body(body).send().await.unwrap();
    let status = response.status();
    response.bytes().await.unwrap();
    status
}

#[tokio::test(flavor = "multi_thread")]
async fn five_thousand_bids_at_once_are_all_answered_and_no_sandbox_is_left() {
    const BIDS: u64 = 5_000;
    let maximum = getrlimit(Resource::Nofile).maximum;
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).unwrap();
    let system =
        testing::system_with(|settings| settings.environment.push(("SANDBOX_IDLE_MS", "500".to_owned()))).await;
    let client = Client::new();
    let mut bids = JoinSet::new();
    for amount in 1..=BIDS {
        let (client, url) = (client.clone(), system.api_url());
        bids.spawn(async move {
            let body = format!(r#"{{"user_id":"alice","amount":{amount}}}"#);
            let request =
                client.post(format!("{url}/api/v1/items/lot1/bid")).header(header::CONTENT_TYPE, "application/json");
            request.body(body).send().await.unwrap().status()
        });
    }
    let statuses = bids.join_all().await;
    assert!(statuses.iter().all(|status| matches!(*status, StatusCode::OK | StatusCode::CREATED)), "{statuses:?}");
    let accepted = statuses.iter().filter(|status| **status == StatusCode::CREATED).count();
    until_psql(&system, "SELECT COUNT(*) FROM bids", &accepted.to_string()).await;
    let reclaimed = async {
        while !sandboxes(&system).is_empty() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(DEADLINE, reclaimed).await.expect("idle sandboxes are ended");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_sandboxes_killed_under_load_only_their_own_bids_fail_and_no_accepted_one_is_lost() {
    const CLIENTS: u64 = 8;
    const KILLS: usize = 20;
    let system = testing::system().await;
    let client = Client::new();
    let work = async {
        let bidders = (0..CLIENTS).map(|bidder| {
            let (client, system, item) = (client.clone(), &system, format!("lot{bidder}"));
            async move {
                let mut statuses = Vec::new();
                for amount in 1..=300 {
                    statuses.push(bid(&client, system, &item, amount).await);
                }
                statuses
            }
        });
        futures_util::future::join_all(bidders).await.concat()
    };
    let kill = async {
        for _ in 0..KILLS {
            tokio::time::sleep(Duration::from_millis(20)).await;
            if let Some(&sandbox) = sandboxes(&system).last() {
                // It may just have ended.
                let _ = kill_process(sandbox, Signal::KILL);
            }
        }
    };
    let (statuses, ()) = tokio::join!(work, kill);
    let count = |status| statuses.iter().filter(|&&other| other == status).count();
    let (accepted, failed) = (count(StatusCode::CREATED), count(StatusCode::INTERNAL_SERVER_ERROR));
    assert_eq!(accepted + failed, statuses.len(), "{statuses:?}");
    assert!(failed <= KILLS, "{failed}");
    // A bid whose sandbox was killed may have been accepted before.
    let mut rows = 0;
    let archived = async {
        while rows < accepted {
            rows = psql(&system, "SELECT COUNT(*) FROM bids").await.parse().unwrap();
        }
    };
    let in_time = tokio::time::timeout(DEADLINE, archived).await.is_ok();
    assert!(in_time && rows <= accepted + failed, "{rows} rows, {accepted} accepted, {failed} failed");
}
