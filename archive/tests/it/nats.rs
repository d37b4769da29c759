//! NATS away, wiped, or set up by somebody else.

use std::fs;

use archive::stream;
use async_nats::{HeaderMap, jetstream};

use crate::{given::event, rig::Rig};

#[tokio::test]
async fn nats_killed_and_restarted_goes_on_where_it_was() {
    let rig = Rig::start().await;
    let worker = rig.worker().await;
    rig.publish_all(&rig.place_many(1..50).await).await;
    rig.nats.kill().await.unwrap();
    worker.until_missing("NATS").await;
    let placed = rig.place_many(50..60).await;
    rig.nats.start().await.unwrap();
    rig.publish_all(&placed).await;
    rig.until_archived(59).await;
    worker.until_ready().await;
    worker.stop().await;
}

#[tokio::test]
async fn nats_that_lost_its_store_gets_a_new_stream_and_the_work_goes_on() {
    let rig = Rig::start().await;
    let worker = rig.worker().await;
    rig.publish_all(&rig.place_many(1..50).await).await;
    rig.until_archived(49).await;
    rig.nats.kill().await.unwrap();
    let folder = rig.nats.log_file().parent().unwrap().parent().unwrap().join("data/bidding-nats");
    fs::remove_dir_all(folder.join("jetstream")).unwrap();
    rig.nats.start().await.unwrap();
    rig.publish_all(&rig.place_many(50..100).await).await;
    rig.until_archived(99).await;
    worker.until_ready().await;
    worker.stop().await;
}

#[tokio::test]
async fn a_deleted_stream_comes_back() {
    let rig = Rig::start().await;
    let worker = rig.worker().await;
    let context = async_nats::jetstream::new(rig.client.clone());
    context.delete_stream(archive::stream::STREAM).await.unwrap();
    rig.publish_all(&rig.place_many(1..50).await).await;
    rig.until_archived(49).await;
    worker.stop().await;
}

#[tokio::test]
async fn a_stream_with_other_settings_is_set_right_and_keeps_its_messages() {
    let rig = Rig::start().await;
    let context = jetstream::new(rig.client.clone());
    let config = jetstream::stream::Config {
        name: stream::STREAM.to_owned(),
        subjects: vec!["bid_events.lot".to_owned()],
        max_messages_per_subject: 77,
        ..jetstream::stream::Config::default()
    };
    context.create_stream(config).await.unwrap();
    rig.publish_bytes("bid_events.lot".to_owned(), HeaderMap::new(), event("lot", 1).to_json().into()).await;
    let worker = rig.worker().await;
    rig.publish(&rig.place("other", 1).await).await;
    rig.until_archived(2).await;
    let config = context.get_stream(stream::STREAM).await.unwrap().cached_info().config.clone();
    assert_eq!(config.subjects, ["bid_events.*"]);
    assert_eq!(config.max_age.as_secs(), 7 * 24 * 60 * 60);
    assert_eq!(config.max_messages_per_subject, 77, "what we have no opinion on stays");
    let stream = context.get_stream(stream::STREAM).await.unwrap();
    let consumer = stream.consumer_info(stream::CONSUMER).await.unwrap().config;
    assert_eq!((consumer.max_deliver, consumer.ack_wait.as_secs()), (-1, 30));
    worker.stop().await;
}
