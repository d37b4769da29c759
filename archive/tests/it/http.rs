use crate::rig::Rig;

#[tokio::test]
async fn health_readiness_and_metrics_are_told() {
    let rig = Rig::start().await;
    let worker = rig.worker().await;
    assert_eq!(worker.get("/health").await, (200, r#"{"service":"archival-worker","status":"healthy"}"#.to_owned()));
    assert_eq!(worker.get("/ready").await, (200, r#"{"problems":{},"ready":true}"#.to_owned()));
    rig.place("lot", 1).await;
    assert_eq!(worker.metric("outbox_length").await, 1);
    assert_eq!(worker.metric("up{part=\"bids\"}").await, 1);
    rig.redis.kill().await.unwrap();
    worker.until_missing("bids").await;
    assert!(!worker.get("/metrics").await.1.contains("outbox_length"), "unknown is not zero");
    worker.stop().await;
}
