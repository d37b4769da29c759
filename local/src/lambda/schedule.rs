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
            eprintln!("schedule {} of {}: {}", schedule.name, pool.name(), outcome.end.status());
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
    use std::time::Duration;

    use super::*;

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

    #[test]
    fn a_constant_input_is_sent_as_it_is() {
        assert_eq!(event(&schedule(Some(r#"{"a": 1}"#))), r#"{"a": 1}"#);
    }
}
