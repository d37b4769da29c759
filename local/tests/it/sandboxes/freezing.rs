//! Between two events a sandbox stands still.

use futures_util::StreamExt;
use local::Role;
use serde_json::json;

use super::stage::{Stage, a_while, state, until_frozen};
use crate::wait::until;

#[tokio::test]
async fn a_sandbox_is_frozen_after_its_answer_and_thawed_for_the_next_event() {
    let stage = Stage::start(&[]).await;
    let pid = stage.nothing().await.pid();
    until_frozen(pid).await;
    let asleep = stage.sleep(500);
    tokio::pin!(asleep);
    until("it was thawed", async || {
        let _ = tokio::time::timeout(std::time::Duration::from_millis(1), &mut asleep).await;
        state(pid) == Some('S')
    })
    .await;
    assert_eq!(asleep.await.pid(), pid);
    until_frozen(pid).await;
}

#[tokio::test]
async fn what_a_function_leaves_for_after_its_answer_is_not_done() {
    let stage = Stage::start(&[("SANDBOX_IDLE_MS", "1000")]).await;
    let file = stage.path("later");
    let answer = stage.act(json!({ "do": "append later", "ms": 50, "file": file, "line": "done" })).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    a_while().await;
    assert!(!file.exists());
    // And with the end of the sandbox it is lost.
    until("the sandbox was ended", async || stage.sandboxes().is_empty()).await;
    assert!(!file.exists());
}

/// Whether an event that a function has published, and not flushed, is told within a while.
async fn is_told(environment: &[(&str, &str)]) -> bool {
    let nats = local::testing::nats().await;
    let password = nats.password_of(Role::Operator);
    let login = async_nats::ConnectOptions::with_user_and_password("operator".to_owned(), password.clone());
    let client = login.connect(nats.address()).await.unwrap();
    let mut told = client.subscribe("told").await.unwrap();
    // Nobody answers, which the server says after it has taken the subscription.
    client.request("subscribed", "".into()).await.unwrap_err();
    let stage = Stage::start(environment).await;
    let answer = stage.act(json!({ "do": "publish", "ms": 50, "nats": nats.address(), "password": password })).await;
    assert_eq!(answer.status, 200, "{answer:?} {}", stage.log());
    tokio::time::timeout(std::time::Duration::from_secs(2), told.next()).await.is_ok()
}

#[tokio::test]
async fn an_event_that_was_published_and_not_flushed_is_lost_by_the_freeze() {
    assert!(!is_told(&[("SANDBOX_IDLE_MS", "500")]).await);
    assert!(is_told(&[("SANDBOX_FREEZE", "false")]).await);
}

#[tokio::test]
async fn it_is_done_late_if_the_sandbox_is_thawed_again() {
    let stage = Stage::start(&[]).await;
    let file = stage.path("later");
    stage.act(json!({ "do": "append later", "ms": 50, "file": file, "line": "done" })).await;
    a_while().await;
    assert!(!file.exists());
    stage.sleep(100).await;
    assert!(file.exists());
}

/// The same function: it is the freeze that keeps it from working on.
#[tokio::test]
async fn without_freezing_it_is_done() {
    let stage = Stage::start(&[("SANDBOX_FREEZE", "false")]).await;
    let file = stage.path("later");
    stage.act(json!({ "do": "append later", "ms": 50, "file": file, "line": "done" })).await;
    until("it is done", async || file.exists()).await;
}
