//! Each server: starts, answers, keeps its data through a kill and a stop, hangs while it is paused.

use std::time::Instant;

use anyhow::Result;
use local::{Server, Status, testing};

use crate::answers;
use crate::wait::until;

#[tokio::test]
async fn redis_keeps_a_key_through_kill_and_stop() -> Result<()> {
    let redis = testing::redis().await;
    answers::redis(&redis.url(), "SET price 100.01").await?;
    for down in [Down::Kill, Down::Stop] {
        take_down(&redis, down).await?;
        assert!(answers::redis(&redis.url(), "GET price").await.is_err());
        redis.start().await?;
        assert_eq!(answers::redis(&redis.url(), "GET price").await?, "$6\r\n100.01\r\n");
    }
    Ok(())
}

#[tokio::test]
async fn redis_evicts_nothing_and_writes_each_change() -> Result<()> {
    let redis = testing::redis().await;
    for (setting, value) in
        [("maxmemory-policy", "noeviction"), ("appendonly", "yes"), ("appendfsync", "everysec"), ("save", "")]
    {
        let answer = answers::redis(&redis.url(), &format!("CONFIG GET {setting}")).await?;
        assert_eq!(answer.lines().nth(4), Some(value), "{setting}: {answer}");
    }
    Ok(())
}

#[tokio::test]
async fn postgres_keeps_a_row_through_kill_and_stop() -> Result<()> {
    let postgres = testing::postgres().await;
    answers::postgres(&postgres.url(), "CREATE TABLE kept AS SELECT 42 AS number").await?;
    for down in [Down::Kill, Down::Stop] {
        take_down(&postgres, down).await?;
        assert!(answers::postgres(&postgres.url(), "SELECT 1").await.is_err());
        postgres.start().await?;
        assert_eq!(answers::postgres(&postgres.url(), "SELECT number FROM kept").await?, "42");
    }
    Ok(())
}

#[tokio::test]
async fn postgres_has_the_database_and_the_user_and_no_password() -> Result<()> {
    let postgres = testing::postgres().await;
    let question = "SELECT current_user, current_database(), usesuper FROM pg_user WHERE usename = current_user";
    assert_eq!(answers::postgres(&postgres.url(), question).await?, "bidding|bidding|f");
    Ok(())
}

#[tokio::test]
async fn nats_keeps_a_stream_through_kill_and_stop() -> Result<()> {
    let nats = testing::nats().await;
    let create = r#"{"name":"KEPT","subjects":["kept.*"],"storage":"file"}"#;
    answers::jetstream(&nats.url(), "STREAM.CREATE.KEPT", create).await?;
    for down in [Down::Kill, Down::Stop] {
        take_down(&nats, down).await?;
        assert!(reqwest::get(nats.monitor_url() + "/varz").await.is_err());
        nats.start().await?;
        let answer = answers::jetstream(&nats.url(), "STREAM.INFO.KEPT", "").await?;
        assert_eq!(answer["config"]["storage"], "file", "{answer}");
    }
    let varz = reqwest::get(nats.monitor_url() + "/varz").await?.text().await?;
    assert!(varz.contains("bidding-nats"), "{varz}");
    Ok(())
}

#[tokio::test]
async fn a_paused_redis_hangs_until_it_is_resumed() -> Result<()> {
    let redis = testing::redis().await;
    redis.pause()?;
    assert_eq!(redis.status(), Status::Paused);
    assert!(answers::hangs(answers::redis(&redis.url(), "PING")).await);
    redis.resume()?;
    assert_eq!(redis.status(), Status::Running);
    assert_eq!(answers::redis(&redis.url(), "PING").await?, "+PONG\r\n");
    Ok(())
}

#[tokio::test]
async fn a_paused_nats_hangs_until_it_is_resumed() -> Result<()> {
    let nats = testing::nats().await;
    nats.pause()?;
    assert!(answers::hangs(answers::jetstream(&nats.url(), "INFO", "")).await);
    nats.resume()?;
    assert_eq!(answers::jetstream(&nats.url(), "INFO", "").await?["streams"], 0);
    Ok(())
}

/// A session that was open before hangs too: each session is a process of its own.
#[tokio::test]
async fn a_paused_postgres_hangs_in_open_sessions_too() -> Result<()> {
    let postgres = testing::postgres().await;
    let url = postgres.url();
    let session = tokio::spawn(async move { answers::postgres(&url, "SELECT pg_sleep(0.4), 1").await });
    until("the session runs", async || {
        answers::postgres(
            &postgres.url(),
            "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(0.4)%' AND pid <> pg_backend_pid()",
        )
        .await
        .is_ok_and(|count| count == "1")
    })
    .await;
    postgres.pause()?;
    assert!(answers::hangs(answers::postgres(&postgres.url(), "SELECT 1")).await);
    assert!(answers::hangs(std::future::pending::<Result<()>>()).await);
    assert!(!session.is_finished());
    postgres.resume()?;
    assert_eq!(session.await??, "|1");
    assert_eq!(answers::postgres(&postgres.url(), "SELECT 1").await?, "1");
    Ok(())
}

#[tokio::test]
async fn paused_servers_can_be_stopped_and_killed() -> Result<()> {
    for server in [testing::redis().await, testing::nats().await, testing::postgres().await] {
        for down in [Down::Kill, Down::Stop] {
            server.pause()?;
            take_down(&server, down).await?;
            server.start().await?;
        }
        server.pause()?;
    }
    Ok(())
}

#[tokio::test]
async fn a_dropped_server_leaves_neither_process_nor_folder() -> Result<()> {
    for server in [testing::redis().await, testing::nats().await, testing::postgres().await] {
        let process = format!("/proc/{}", server.pid().unwrap());
        let folder = server.log_file().ancestors().nth(2).unwrap().to_path_buf();
        assert!(std::fs::exists(&process)? && folder.exists());
        let start = Instant::now();
        drop(server);
        eprintln!("dropped in {:?}", start.elapsed());
        assert!(!std::fs::exists(&process)? && !folder.exists());
    }
    Ok(())
}

/// The kernel's "parent died" signal comes when the thread ends that started the process, not only with the program.
#[tokio::test]
async fn a_server_outlives_the_thread_that_asked_for_it() -> Result<()> {
    let thread = std::thread::spawn(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        anyhow::Ok(runtime.block_on(async { (testing::redis().await, testing::postgres().await) }))
    });
    let (redis, postgres) = tokio::task::spawn_blocking(|| thread.join()).await?.expect("no panic")?;
    assert_eq!(answers::redis(&redis.url(), "PING").await?, "+PONG\r\n");
    assert_eq!(answers::postgres(&postgres.url(), "SELECT 1").await?, "1");
    assert_eq!((redis.status(), postgres.status()), (Status::Running, Status::Running));
    Ok(())
}

#[tokio::test]
async fn a_killed_postgres_leaves_no_shared_memory() -> Result<()> {
    let postgres = testing::postgres().await;
    let data = postgres.log_file().ancestors().nth(2).expect("a folder").join("data/bidding-postgres");
    let lock = std::fs::read_to_string(data.join("postmaster.pid"))?;
    let id = lock.lines().nth(6).and_then(|line| line.split_whitespace().nth(1)).expect("an id").to_owned();
    let is_there =
        || std::fs::read_to_string("/proc/sysvipc/shm").map(|table| table.split_whitespace().any(|word| word == id));
    assert!(is_there()?);
    postgres.kill().await?;
    assert!(is_there()?);
    drop(postgres);
    assert!(!is_there()?);
    Ok(())
}

#[tokio::test]
async fn many_servers_start_at_once_each_on_its_own_port() -> Result<()> {
    let start = Instant::now();
    let servers = tokio::join!(
        testing::redis(),
        testing::redis(),
        testing::redis(),
        testing::nats(),
        testing::nats(),
        testing::nats(),
        testing::postgres(),
        testing::postgres(),
        testing::postgres(),
    );
    eprintln!("nine servers in {:?}", start.elapsed());
    let urls = [
        servers.0.url(),
        servers.1.url(),
        servers.2.url(),
        servers.3.url(),
        servers.4.url(),
        servers.5.url(),
        servers.6.url(),
        servers.7.url(),
        servers.8.url(),
    ];
    let different: std::collections::HashSet<_> = urls.iter().collect();
    assert_eq!(different.len(), urls.len());
    Ok(())
}

enum Down {
    Kill,
    Stop,
}

async fn take_down(server: &Server, down: Down) -> Result<()> {
    let process = format!("/proc/{}", server.pid().expect("it runs"));
    match down {
        Down::Kill => server.kill().await?,
        Down::Stop => server.stop().await?,
    }
    assert!(!std::fs::exists(process)?);
    assert_eq!((server.status(), server.pid()), (Status::Stopped, None));
    Ok(())
}
