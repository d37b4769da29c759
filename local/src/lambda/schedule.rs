//! Schedules, as EventBridge keeps them: an event for the function at every interval.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::json;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::time::{Instant, MissedTickBehavior, interval_at};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::http_event::trace_id;
use super::invocation::End;
use super::pool::Pool;
use super::tell;
use super::template::Schedule;

/// Fires until `shutdown` is cancelled, for the first time after one interval. A run that takes longer than the interval
/// moves the later ones: two at once would be no rate. One that failed is not repeated; the next one comes.
pub(super) async fn keep(schedule: Schedule, pool: Arc<Pool>, shutdown: CancellationToken) {
    let mut ticks = interval_at(Instant::now() + schedule.every, schedule.every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while shutdown.run_until_cancelled(ticks.tick()).await.is_some() {
        let id = Uuid::now_v7();
        let trace_id = trace_id(OffsetDateTime::now_utc(), id.as_u128());
        let outcome = pool.invoke(id, event(&schedule), trace_id).await;
        if !matches!(outcome.end, End::Answered(_) | End::Stopped) {
            tell(format_args!("schedule {} of {}: {}", schedule.name, pool.name(), outcome.end.status()));
        }
    }
}

/// What EventBridge sends, or the constant input that the template gives instead.
fn event(schedule: &Schedule) -> Bytes {
    if let Some(input) = &schedule.input {
        return input.clone().into();
    }
    let now = OffsetDateTime::now_utc().replace_nanosecond(0).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let event = json!({
        "version": "0",
        "id": Uuid::now_v7(),
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": "123456789012",
        "time": now.format(&Rfc3339).unwrap_or_default(),
        "region": "us-east-1",
        "resources": [format!("arn:aws:events:us-east-1:123456789012:rule/{}", schedule.name)],
        "detail": {},
    });
    event.to_string().into()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use super::*;
    use crate::lambda::config::Config;
    use crate::lambda::report::Reports;
    use crate::lambda::start_pool;
    use crate::lambda::template::Template;
    use crate::settings::Settings;

    fn schedule(input: Option<&str>) -> Schedule {
        Schedule {
            name: "Tick".to_owned(),
            every: Duration::from_secs(60),
            input: input.map(str::to_owned),
            enabled: true,
        }
    }

    #[test]
    fn an_event_says_when_and_by_which_rule() {
        let event: serde_json::Value = serde_json::from_slice(&event(&schedule(None))).unwrap();
        assert_eq!(event["detail-type"], "Scheduled Event");
        assert!(event["resources"][0].as_str().unwrap().ends_with("rule/Tick"), "{event}");
        assert_eq!(event["time"].as_str().unwrap().len(), "2026-11-25T15:00:00Z".len(), "{event}");
    }

    /// The template's shortest interval is a minute, so the interval is another one here. The rest is as it is run.
    #[tokio::test]
    async fn a_function_is_run_again_and_again_until_the_end() {
        const TEMPLATE: &str = r#"{ "Resources": { "Misbehaving": {
            "Type": "AWS::Serverless::Function",
            "Metadata": { "BuildProperties": { "Binary": "examples/misbehaving" } },
            "Properties": { "Events": { "Tick": {
                "Type": "Schedule", "Properties": { "Schedule": "rate(1 minute)", "Input": "INPUT" } } } } } } }"#;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("runs");
        let input = json!({ "do": "append", "file": file, "line": "run" }).to_string();
        let template = TEMPLATE.replace("\"INPUT\"", &json!(input).to_string());
        let function = Template::parse(&template, &BTreeMap::new()).unwrap().functions.remove(0);
        let config = Config::from_env(&Settings::temporary(&[]).unwrap()).unwrap();
        let reports = Arc::new(Reports::open(&folder.path().join("reports")).unwrap());
        let pool = start_pool(&function, &config, 0, &reports).unwrap();
        let shutdown = CancellationToken::new();
        let every = Duration::from_millis(50);
        let kept = tokio::spawn(keep(
            Schedule { every, ..function.schedules[0].clone() },
            Arc::clone(&pool),
            shutdown.clone(),
        ));
        let runs = || std::fs::read_to_string(&file).unwrap_or_default().lines().count();
        let three_runs = async {
            while runs() < 3 {
                tokio::time::sleep(every).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), three_runs).await.expect("three runs");
        shutdown.cancel();
        kept.await.unwrap();
        pool.stop().await;
        let at_the_end = runs();
        tokio::time::sleep(4 * every).await;
        assert_eq!(runs(), at_the_end);
    }

    #[test]
    fn a_constant_input_is_sent_as_it_is() {
        assert_eq!(event(&schedule(Some(r#"{"a": 1}"#))), r#"{"a": 1}"#);
    }
}
