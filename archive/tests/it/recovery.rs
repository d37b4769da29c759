//! What was away comes back while nobody bids.

use local::Server;

use crate::rig::Rig;

async fn check_that_an_idle_worker_notices(part: &str, server: impl Fn(&Rig) -> &Server) {
    let rig = Rig::start().await;
    let worker = rig.worker().await;
    for _ in 0..2 {
        server(&rig).kill().await.unwrap();
        worker.until_missing(part).await;
        server(&rig).start().await.unwrap();
        worker.until_ready().await;
    }
    worker.stop().await;
}

#[tokio::test]
async fn an_idle_worker_is_ready_again_after_a_restart_of_redis() {
    check_that_an_idle_worker_notices("outbox", |rig| &rig.redis).await;
}

#[tokio::test]
async fn an_idle_worker_is_ready_again_after_a_restart_of_postgres() {
    check_that_an_idle_worker_notices("PostgreSQL", |rig| &rig.database.server).await;
}

#[tokio::test]
async fn an_idle_worker_is_ready_again_after_both_were_away() {
    let rig = Rig::start().await;
    let worker = rig.worker().await;
    rig.database.server.kill().await.unwrap();
    rig.redis.kill().await.unwrap();
    worker.until_missing("PostgreSQL").await;
    worker.until_missing("outbox").await;
    rig.redis.start().await.unwrap();
    worker.until_present("outbox").await;
    rig.redis.kill().await.unwrap();
    worker.until_missing("outbox").await;
    rig.database.server.start().await.unwrap();
    worker.until_present("PostgreSQL").await;
    rig.redis.start().await.unwrap();
    worker.until_ready().await;
    worker.stop().await;
}
