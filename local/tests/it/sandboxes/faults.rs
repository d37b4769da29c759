//! What a function, a client or a signal can do wrong hurts one event and no other.

use std::path::Path;
use std::time::Duration;

use futures_util::future::join_all;
use rustix::process::{Signal, kill_process};
use serde_json::json;

use super::stage::{Answer, Stage, state, until_frozen};
use crate::wait::until;

#[track_caller]
fn is_500(answer: &Answer) {
    assert_eq!((answer.status, &answer.body), (500, &json!({ "message": "Internal Server Error" })), "{answer:?}");
}

#[tokio::test]
async fn a_crash_is_500_and_the_next_event_gets_a_new_sandbox() {
    let stage = Stage::start(&[]).await;
    let first = stage.nothing().await;
    is_500(&stage.act(json!({ "do": "exit" })).await);
    let next = stage.nothing().await;
    assert!(next.status == 200 && next.is_cold(), "{next:?}");
    assert_ne!(next.pid(), first.pid());
    assert!(stage.log().contains("exit status: 3"), "{}", stage.log());
    let ends = stage.reports("sandbox.end", 1).await;
    assert_eq!(ends[0]["isCrash"], true);
}

#[tokio::test]
async fn an_error_and_a_panic_are_500_and_the_sandbox_goes_on() {
    let stage = Stage::start(&[]).await;
    let pid = stage.nothing().await.pid();
    is_500(&stage.act(json!({ "do": "fail" })).await);
    is_500(&stage.act(json!({ "do": "panic" })).await);
    is_500(&stage.act(json!({ "do": "malformed" })).await);
    let next = stage.nothing().await;
    assert_eq!((next.pid(), next.is_cold()), (pid, false));
    assert!(stage.log().contains("as it was told to"), "{}", stage.log());
}

#[tokio::test]
async fn what_takes_longer_than_the_timeout_is_killed_and_500() {
    for order in [json!({ "do": "sleep", "ms": 3_600_000 }), json!({ "do": "block" })] {
        let stage = Stage::start(&[]).await;
        let pid = stage.nothing().await.pid();
        is_500(&stage.act(order).await);
        until("its process is gone", async || state(pid).is_none()).await;
        assert!(stage.nothing().await.is_cold());
        assert_eq!(stage.reports("platform.report", 3).await[1]["status"], "timeout");
        assert!(stage.log().contains("timed out after 2.00 seconds"), "{}", stage.log());
    }
}

#[tokio::test]
async fn what_takes_longer_than_the_api_waits_is_503_and_goes_on() {
    let stage = Stage::start(&[]).await;
    let file = stage.path("done");
    stage.nothing().await;
    let answer = stage.post("/quick", json!({ "do": "sleep", "ms": 800 })).await;
    assert_eq!((answer.status, &answer.body), (503, &json!({ "message": "Service Unavailable" })));
    stage.reports("platform.report", 2).await;
    assert_eq!(stage.act(json!({ "do": "append", "file": file, "line": "x" })).await.status, 200);
    assert_eq!(stage.sandboxes().len(), 1);
}

#[tokio::test]
async fn a_function_that_cannot_start_is_500_and_does_not_keep_others_waiting() {
    let stage = Stage::start(&[("AT_START", "exit"), ("SANDBOX_MAX", "1")]).await;
    for answer in join_all((0..5).map(|_| stage.nothing())).await {
        is_500(&answer);
    }
    assert_eq!(stage.sandboxes(), []);
}

#[tokio::test]
async fn an_idle_sandbox_that_is_killed_is_missed_by_nobody() {
    let stage = Stage::start(&[]).await;
    for _ in 0..5 {
        let pid = stage.nothing().await.pid();
        until_frozen(pid).await;
        kill_process(pid, Signal::KILL).unwrap();
        // Dead, and perhaps not noticed yet.
        until("it is dead", async || matches!(state(pid), None | Some('Z'))).await;
        assert_eq!(stage.nothing().await.status, 200);
    }
}

#[tokio::test]
async fn what_was_answered_before_the_end_of_a_sandbox_is_an_answer() {
    let stage = Stage::start(&[("SANDBOX_MAX", "4")]).await;
    let answers = join_all((0..40).map(|_| stage.act(json!({ "do": "answer and exit" })))).await;
    assert!(answers.iter().all(|answer| answer.status == 200), "{answers:?}");
}

#[tokio::test]
async fn nobody_waits_for_a_sandbox_that_works_on_after_its_answer() {
    let stage = Stage::start(&[]).await;
    let first = stage.act(json!({ "do": "answer and work on", "ms": 1_500 })).await;
    let second = stage.nothing().await;
    assert_eq!((first.status, second.status), (200, 200), "{first:?} {second:?}");
    assert_ne!(second.body["pid"], first.body["pid"]);
}

#[tokio::test]
async fn a_log_that_cannot_be_written_takes_lines_away_and_no_answers() {
    let environment = [("SANDBOX_MAX", "1"), ("SANDBOX_REPORTS", "/dev/full")];
    let stage = Stage::start_with_log(&environment, Some(Path::new("/dev/full"))).await;
    for _ in 0..3 {
        is_500(&stage.act(json!({ "do": "exit" })).await);
    }
    is_500(&stage.act(json!({ "do": "block" })).await);
    assert_eq!(stage.nothing().await.status, 200);
}

#[tokio::test]
async fn a_host_that_is_none_is_400() {
    let stage = Stage::start(&[]).await;
    for host in ["h:99999", "a b", "h:x", ""] {
        let request = stage.client.post(stage.url("/quick")).header("host", host).body("{}");
        let status = request.send().await.unwrap().status();
        assert_eq!(status, 400, "{host:?}");
    }
    assert_eq!(stage.sandboxes(), []);
}

#[tokio::test]
async fn of_sandboxes_killed_at_work_only_the_own_events_fail() {
    let stage = Stage::start(&[("SANDBOX_MAX", "4")]).await;
    let work = join_all((0..40).map(|_| stage.sleep(100)));
    let mut killed = 0;
    let kill = async {
        while killed < 3 {
            tokio::time::sleep(Duration::from_millis(150)).await;
            if let Some(&pid) = stage.sandboxes().first() {
                kill_process(pid, Signal::KILL).unwrap();
                killed += 1;
            }
        }
    };
    let (answers, ()) = tokio::join!(work, kill);
    let failed = answers.iter().filter(|answer| answer.status != 200).collect::<Vec<_>>();
    failed.iter().for_each(|answer| is_500(answer));
    assert!((1..=killed).contains(&failed.len()), "{failed:?}");
}

#[tokio::test]
async fn a_client_that_hangs_up_leaves_nothing_behind() {
    let stage = Stage::start(&[("SANDBOX_MAX", "10")]).await;
    for _ in 0..10 {
        let request = stage.client.post(stage.url("/do/it")).json(&json!({ "do": "sleep", "ms": 50 })).send();
        assert!(tokio::time::timeout(Duration::from_millis(10), request).await.is_err());
    }
    // What a sandbox has got is done, and its sandbox is free again.
    let reports = stage.reports("platform.report", 10).await;
    assert!(reports.iter().all(|report| report["status"] == "success"), "{reports:?}");
    let sandboxes = stage.sandboxes().len();
    let answers = join_all((0..sandboxes).map(|_| stage.sleep(100))).await;
    assert!(answers.iter().all(|answer| answer.status == 200 && !answer.is_cold()), "{answers:?}");
    assert_eq!(stage.sandboxes().len(), sandboxes);
}

#[tokio::test]
async fn what_is_given_up_in_the_queue_is_never_begun() {
    let stage = Stage::start(&[("SANDBOX_MAX", "1")]).await;
    let busy = stage.sleep(600);
    let hang_up = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        let requests = (0..10).map(|_| tokio::time::timeout(Duration::from_millis(50), stage.nothing()));
        assert!(join_all(requests).await.iter().all(Result::is_err));
    };
    let (busy, ()) = tokio::join!(busy, hang_up);
    assert_eq!((busy.status, stage.nothing().await.status), (200, 200));
    stage.reports("platform.report", 2).await;
}

#[tokio::test]
async fn a_front_that_is_killed_leaves_no_sandbox_not_even_a_frozen_one() {
    let mut stage = Stage::start(&[]).await;
    join_all((0..3).map(|_| stage.sleep(100))).await;
    for pid in stage.sandboxes() {
        until_frozen(pid).await;
    }
    stage.signal(Signal::KILL);
    stage.ends().await;
    until("no sandbox is left", async || stage.sandboxes().is_empty()).await;
}

#[tokio::test]
async fn paths_that_no_function_has_and_bodies_that_no_api_takes_are_turned_away() {
    let stage = Stage::start(&[]).await;
    let answer = stage.post("/undo", json!({})).await;
    assert_eq!((answer.status, &answer.body), (404, &json!({ "message": "Not Found" })));
    let answer = stage.post("/quick", json!("x".repeat(10 * 1024 * 1024 + 1))).await;
    assert_eq!(answer.status, 413);
    assert_eq!(stage.sandboxes(), []);
}

#[tokio::test]
async fn pages_of_the_origins_in_the_template_may_call() {
    let stage = Stage::start(&[]).await;
    for (origin, allowed) in [("http://page.example", true), ("http://evil.example", false)] {
        let request = stage.client.request(reqwest::Method::OPTIONS, stage.url("/quick")).header("origin", origin);
        let answer = request.header("access-control-request-method", "POST").send().await.unwrap();
        let header = answer.headers().get("access-control-allow-origin").map(|value| value.to_str().unwrap());
        assert_eq!((answer.status().is_success(), header), (true, allowed.then_some(origin)));
    }
}
