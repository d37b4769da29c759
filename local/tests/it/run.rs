//! `local run`: no half start, no process left behind, no silent crash.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use anyhow::Result;
use rustix::process::{Signal, kill_process};

use crate::answers;
use crate::supervisor::Project;
use crate::wait::until;

const ALL: &str = "bidding-redis,bidding-nats,bidding-postgres";

#[tokio::test]
async fn a_taken_port_names_port_holder_and_variable_and_starts_nothing() -> Result<()> {
    let mut project = Project::new()?;
    let holder = TcpListener::bind("127.0.0.1:0")?;
    let port = holder.local_addr()?.port();
    project.set("NATS_MONITOR_ADDR", format!("127.0.0.1:{port}"));
    let complaint = project.ask(&["run", "--only", ALL]).await.unwrap_err();
    let this_test = format!("pid {}", std::process::id());
    for part in [&format!("port {port}"), "bidding-nats", &this_test, "NATS_MONITOR_ADDR"] {
        assert!(complaint.contains(part), "{part} is missing in: {complaint}");
    }
    assert_eq!(project.processes(), [""; 0]);
    assert!(!project.path(".local/data").exists());
    Ok(())
}

#[tokio::test]
async fn a_server_that_cannot_start_takes_the_others_with_it() -> Result<()> {
    let project = Project::new()?;
    // Redis finds a file where it expects its folder of append-only files.
    std::fs::create_dir_all(project.path(".local/data/bidding-redis"))?;
    std::fs::write(project.path(".local/data/bidding-redis/appendonlydir"), "in the way")?;
    let complaint = project.ask(&["run", "--only", ALL]).await.unwrap_err();
    assert!(complaint.contains("bidding-redis ended before it answered"), "{complaint}");
    assert!(complaint.contains("appendonlydir"), "the log's end is missing in: {complaint}");
    assert_eq!(project.processes(), [""; 0]);
    Ok(())
}

#[tokio::test]
async fn an_interrupt_leaves_no_process_and_the_data_survive() -> Result<()> {
    let project = Project::new()?;
    let addresses = &project.settings.addresses;
    for (round, signal) in [Signal::INT, Signal::TERM, Signal::HUP].into_iter().enumerate() {
        let mut supervisor = project.run(ALL).await;
        assert!(project.processes().len() > 3);
        if round == 0 {
            answers::redis(&project.redis_url(), "SET kept 1").await?;
            answers::postgres(&addresses.postgres_url(), "CREATE TABLE kept AS SELECT 42 AS number").await?;
            let create = r#"{"name":"KEPT","subjects":["kept.*"],"storage":"file"}"#;
            answers::jetstream(&project.nats_url(), "STREAM.CREATE.KEPT", create).await?;
        }
        assert_eq!(answers::redis(&project.redis_url(), "GET kept").await?, "$1\r\n1\r\n");
        assert_eq!(answers::postgres(&addresses.postgres_url(), "SELECT number FROM kept").await?, "42");
        let stream = answers::jetstream(&project.nats_url(), "STREAM.INFO.KEPT", "").await?;
        assert_eq!(stream["config"]["storage"], "file", "{stream}");
        supervisor.signal(signal);
        supervisor.ends().await;
        assert_eq!(project.processes(), [""; 0], "{}", supervisor.output());
        // The signal was for the supervisor alone, which stopped the servers itself.
        let logs = std::fs::read_to_string(project.path(".local/logs/bidding-redis.log"))?;
        assert_eq!(logs.matches("Received SIGTERM scheduling shutdown").count(), round + 1, "{logs}");
        assert!(!logs.contains("Received SIGINT") && !supervisor.output().contains("crashed"), "{logs}");
    }
    Ok(())
}

#[tokio::test]
async fn an_interrupt_while_starting_leaves_no_process() -> Result<()> {
    let project = Project::new()?;
    let mut child = project.local(&["run", "--only", ALL]).spawn()?;
    until("the first server was started", async || project.path(".local/logs/bidding-redis.log").exists()).await;
    kill_process(rustix::process::Pid::from_child(&child), Signal::INT)?;
    until("the supervisor ends", async || child.try_wait().unwrap().is_some()).await;
    assert_eq!(project.processes(), [""; 0]);
    Ok(())
}

#[tokio::test]
async fn a_second_interrupt_kills_what_does_not_stop() -> Result<()> {
    let project = Project::new()?;
    let mut supervisor = project.run(ALL).await;
    // A script that never ends keeps Redis from hearing the polite request.
    let url = project.redis_url();
    let endless = tokio::spawn(async move { answers::redis(&url, "EVAL \"while true do end\" 0").await });
    let redis_url = project.redis_url();
    until("Redis is busy", async || answers::hangs(answers::redis(&redis_url, "PING")).await).await;
    supervisor.signal(Signal::INT);
    until("it stops", async || supervisor.output().contains("stopping")).await;
    supervisor.signal(Signal::INT);
    let start = Instant::now();
    supervisor.ends().await;
    assert!(start.elapsed() < Duration::from_secs(5), "that was the patience of the first interrupt");
    assert_eq!(project.processes(), [""; 0]);
    endless.abort();
    Ok(())
}

/// The kernel tells the servers, also those that are paused.
#[tokio::test]
async fn a_supervisor_killed_outright_leaves_no_process() -> Result<()> {
    for paused in [false, true] {
        let project = Project::new()?;
        let mut supervisor = project.run(ALL).await;
        if paused {
            for server in ["redis", "nats", "postgres"] {
                project.ask(&["pause", server]).await.unwrap();
            }
        }
        assert!(project.processes().len() > 3);
        supervisor.signal(Signal::KILL);
        supervisor.ends().await;
        until("no process is left", async || project.processes().is_empty()).await;
        // And the next run starts from what is left on the disk.
        project.run(ALL).await;
    }
    Ok(())
}

#[tokio::test]
async fn a_crash_is_told_at_once_and_shown_until_it_is_started_again() -> Result<()> {
    let project = Project::new()?;
    let supervisor = project.run("redis,nats").await;
    kill_process(project.pid_of("bidding-nats").await, Signal::KILL)?;
    until("the crash is told", async || supervisor.output().contains("bidding-nats crashed")).await;
    assert!(supervisor.output().contains("Server is ready"), "no log: {}", supervisor.output());
    let status = project.ask(&["status"]).await.unwrap();
    let row = status.lines().find(|row| row.starts_with("bidding-nats")).unwrap();
    assert!(row.contains("crashed"), "{status}");
    assert!(status.lines().any(|row| row.starts_with("bidding-redis") && row.contains("running")), "{status}");
    assert_eq!(project.ask(&["start", "nats"]).await.unwrap(), "bidding-nats: running\n");
    Ok(())
}

#[tokio::test]
async fn a_second_run_is_refused() -> Result<()> {
    let project = Project::new()?;
    let _supervisor = project.run("redis").await;
    let complaint = project.ask(&["run", "--only", "nats"]).await.unwrap_err();
    assert!(complaint.contains("running already"), "{complaint}");
    Ok(())
}
