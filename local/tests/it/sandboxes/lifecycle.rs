//! When sandboxes are started, used again and ended.

use futures_util::future::join_all;
use rustix::process::Signal;
use serde_json::json;
use tokio::io::AsyncWriteExt;

use super::stage::Stage;
use crate::wait::until;

#[tokio::test]
async fn the_first_event_starts_a_sandbox_and_the_next_one_uses_it_again() {
    let stage = Stage::start(&[]).await;
    assert_eq!(stage.sandboxes(), []);
    let first = stage.nothing().await;
    let second = stage.nothing().await;
    assert_eq!((first.status, second.status), (200, 200), "{first:?} {second:?} {}", stage.log());
    assert_eq!((first.is_cold(), second.is_cold()), (true, false));
    assert_eq!(first.header("x-sandbox-id"), second.header("x-sandbox-id"));
    assert_eq!(stage.sandboxes(), [first.pid()]);
    assert_eq!(second.pid(), first.pid());
}

#[tokio::test]
async fn a_sandbox_knows_what_the_template_says_and_nothing_else() {
    let stage = Stage::start(&[]).await;
    let said = stage.nothing().await.body;
    assert_eq!((&said["greeting"], &said["memory"]), (&json!("hello"), &json!("256")));
    assert_eq!((&said["initialisation"], &said["secret"]), (&json!("on-demand"), &json!("")));
    let remaining_ms = said["remaining_ms"].as_u64().unwrap();
    assert!((1..=2_000).contains(&remaining_ms), "{said}");
    let event = &said["event"];
    assert_eq!((&event["version"], &event["routeKey"]), (&json!("2.0"), &json!("POST /do/{what}")));
    assert_eq!((&event["pathParameters"]["what"], &event["rawPath"]), (&json!("it"), &json!("/do/it")));
}

#[tokio::test]
async fn every_invocation_and_every_sandbox_is_reported() {
    let stage = Stage::start(&[]).await;
    let first = stage.sleep(20).await;
    stage.nothing().await;
    let reports = stage.reports("platform.report", 2).await;
    let pid = first.pid().as_raw_pid();
    for (report, is_cold) in reports.iter().zip([true, false]) {
        assert_eq!((&report["coldStart"], &report["status"]), (&json!(is_cold), &json!("success")));
        assert_eq!((&report["pid"], &report["sandbox"]), (&json!(pid), &json!(first.header("x-sandbox-id"))));
        assert_eq!(report["metrics"].get("initDurationMs").is_some(), is_cold, "{report}");
        assert_eq!(report["metrics"]["memorySizeMB"], 256);
        assert!(report["metrics"]["maxMemoryUsedMB"].as_u64().unwrap() > 0, "{report}");
    }
    assert_eq!(reports[0]["requestId"], first.body["request_id"]);
    let metric = |name: &str| reports[0]["metrics"][name].as_f64().unwrap();
    assert!(metric("durationMs") >= 20.0 && metric("initDurationMs") > 0.0);
    assert_eq!(metric("billedDurationMs"), (metric("durationMs") + metric("initDurationMs")).ceil());
    let starts = stage.reports("platform.initReport", 1).await;
    assert_eq!(starts[0]["pid"], pid);
    assert_eq!(starts[0]["durationMs"], reports[0]["metrics"]["initDurationMs"]);
}

#[tokio::test]
async fn events_at_once_get_a_sandbox_each_and_the_last_used_one_goes_on() {
    let stage = Stage::start(&[]).await;
    let answers = join_all([300, 600, 900].map(|milliseconds| stage.sleep(milliseconds))).await;
    assert!(answers.iter().all(|answer| answer.status == 200 && answer.is_cold()), "{answers:?}");
    assert_eq!(stage.sandboxes().len(), 3);
    // The one that slept longest was the last to become idle.
    for _ in 0..3 {
        assert_eq!(stage.nothing().await.pid(), answers[2].pid());
    }
}

#[tokio::test]
async fn what_finds_every_sandbox_busy_waits_for_one() {
    let stage = Stage::start(&[("SANDBOX_MAX", "2")]).await;
    let answers = join_all((0..20).map(|_| stage.sleep(10))).await;
    assert!(answers.iter().all(|answer| answer.status == 200), "{answers:?}");
    assert_eq!(answers.iter().filter(|answer| answer.is_cold()).count(), 2);
    assert_eq!(stage.sandboxes().len(), 2);
}

#[tokio::test]
async fn what_finds_the_queue_full_is_429() {
    for (queue, expected) in [("0", 4), ("3", 1)] {
        let stage = Stage::start(&[("SANDBOX_MAX", "1"), ("SANDBOX_QUEUE_MAX", queue)]).await;
        let answers = join_all((0..5).map(|_| stage.sleep(300))).await;
        let (refused, answered): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 429);
        assert_eq!(refused.len(), expected, "{answers:?}");
        assert!(answered.iter().all(|answer| answer.status == 200), "{answers:?}");
        assert!(refused.iter().all(|answer| answer.header("retry-after") == "1"));
        assert!(refused.iter().all(|answer| answer.body == json!({ "message": "Too Many Requests" })));
    }
}

#[tokio::test]
async fn an_idle_sandbox_is_ended_after_its_time() {
    let stage = Stage::start(&[("SANDBOX_IDLE_MS", "200")]).await;
    join_all((0..3).map(|_| stage.sleep(50))).await;
    until("none is left", async || stage.sandboxes().is_empty()).await;
    let ends = stage.reports("sandbox.end", 3).await;
    assert!(ends.iter().all(|end| end["isCrash"] == false), "{ends:?}");
    assert!(stage.nothing().await.is_cold());
}

#[tokio::test]
async fn without_any_idle_time_every_start_is_cold() {
    let stage = Stage::start(&[("SANDBOX_IDLE_MS", "0"), ("SANDBOX_MAX", "1")]).await;
    let mut pids = Vec::new();
    for _ in 0..5 {
        let answer = stage.nothing().await;
        assert!(answer.status == 200 && answer.is_cold(), "{answer:?}");
        pids.push(answer.pid());
    }
    pids.dedup();
    assert_eq!(pids.len(), 5);
}

#[tokio::test]
async fn sandboxes_for_one_round_of_events_at_once_answer_all_of_them() {
    let stage = Stage::start(&[("SANDBOX_IDLE_MS", "0"), ("SANDBOX_CONCURRENCY", "4")]).await;
    let answers = join_all((0..12).map(|_| stage.sleep(50))).await;
    assert!(answers.iter().all(|answer| answer.status == 200), "{answers:?} {}", stage.log());
    until("none is left", async || stage.sandboxes().is_empty()).await;
}

#[tokio::test]
async fn a_function_that_nothing_is_reserved_for_is_throttled() {
    let stage = Stage::start(&[("TEMPLATE_PARAMETERS", "Reserved=0")]).await;
    assert_eq!(stage.nothing().await.status, 429);
}

#[tokio::test]
async fn who_holds_a_connection_to_a_sandbox_does_not_keep_it_from_ending() {
    let mut stage = Stage::start(&[]).await;
    let endpoint = stage.nothing().await.body["runtime_api"].as_str().unwrap().to_owned();
    let mut stranger = tokio::net::TcpStream::connect(endpoint).await.unwrap();
    stranger.write_all(b"GET /2018-06-01/runtime/invo").await.unwrap();
    stage.signal(Signal::TERM);
    stage.ends().await;
    assert_eq!(stage.sandboxes(), []);
}

#[tokio::test]
async fn provisioned_sandboxes_are_there_before_any_event_and_come_again() {
    let stage = Stage::start(&[("SANDBOX_PROVISIONED", "2"), ("SANDBOX_IDLE_MS", "1")]).await;
    stage.reports("platform.initReport", 2).await;
    let answer = stage.nothing().await;
    assert!(!answer.is_cold(), "{answer:?}");
    assert_eq!(answer.body["initialisation"], "provisioned-concurrency");
    let before = stage.sandboxes();
    assert_eq!(before.len(), 2);
    rustix::process::kill_process(answer.pid(), Signal::KILL).unwrap();
    until("another one has come", async || {
        let now = stage.sandboxes();
        now.len() == 2 && !now.contains(&answer.pid())
    })
    .await;
    assert_eq!(stage.nothing().await.status, 200);
}

#[tokio::test]
async fn one_sandbox_takes_several_events_at_once_if_it_may() {
    let stage = Stage::start(&[("SANDBOX_CONCURRENCY", "4"), ("SANDBOX_MAX", "1")]).await;
    let started = std::time::Instant::now();
    let answers = join_all((0..8).map(|_| stage.sleep(400))).await;
    assert!(answers.iter().all(|answer| answer.status == 200), "{answers:?}");
    assert_eq!(stage.sandboxes().len(), 1);
    // One after the other they would take eight times as long.
    assert!(started.elapsed().as_millis() < 8 * 400, "{:?}", started.elapsed());
}

#[tokio::test]
async fn at_the_end_events_in_progress_are_answered_and_no_sandbox_is_left() {
    let mut stage = Stage::start(&[]).await;
    stage.nothing().await;
    let (client, url) = (stage.client.clone(), stage.url("/do/it"));
    let late = tokio::spawn(client.post(url).json(&json!({ "do": "sleep", "ms": 500 })).send());
    until("it is under way", async || stage.sandboxes().len() == 1).await;
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    stage.signal(Signal::TERM);
    assert_eq!(late.await.unwrap().unwrap().status(), 200);
    stage.ends().await;
    assert_eq!(stage.sandboxes(), []);
}

#[tokio::test]
async fn a_sandbox_with_an_extension_is_told_of_its_end() {
    let stage = Stage::start(&[("AT_START", "extension"), ("SANDBOX_IDLE_MS", "100")]).await;
    assert_eq!(stage.nothing().await.status, 200, "{}", stage.log());
    until("it was told", async || std::fs::read_to_string(stage.path("end")).is_ok_and(|text| text == "told\n")).await;
    until("none is left", async || stage.sandboxes().is_empty()).await;
    assert_eq!(stage.reports("sandbox.end", 1).await[0]["exit"], "exit status: 0");
}
