//! The commands from another terminal.

use std::os::unix::fs::PermissionsExt;

use anyhow::Result;

use crate::answers;
use crate::supervisor::Project;

#[tokio::test]
async fn a_server_is_killed_started_paused_resumed_and_stopped_by_name() -> Result<()> {
    let project = Project::new()?;
    let url = project.settings.addresses.redis_url();
    let supervisor = project.run("redis,nats").await;
    let ping = async || answers::redis(&url, "PING").await;
    assert_eq!(project.ask(&["kill", "bidding-redis"]).await.unwrap(), "bidding-redis: stopped\n");
    assert!(ping().await.is_err());
    assert_eq!(project.ask(&["start", "redis"]).await.unwrap(), "bidding-redis: running\n");
    assert_eq!(ping().await?, "+PONG\r\n");
    assert_eq!(project.ask(&["pause", "redis"]).await.unwrap(), "bidding-redis: paused\n");
    assert!(answers::hangs(ping()).await);
    let complaint = project.ask(&["start", "redis"]).await.unwrap_err();
    assert!(complaint.contains("paused: resume it"), "{complaint}");
    assert_eq!(project.ask(&["resume", "redis"]).await.unwrap(), "bidding-redis: running\n");
    assert_eq!(ping().await?, "+PONG\r\n");
    assert_eq!(project.ask(&["stop", "redis"]).await.unwrap(), "bidding-redis: stopped\n");
    assert!(ping().await.is_err());
    let complaint = project.ask(&["pause", "redis"]).await.unwrap_err();
    assert!(complaint.contains("not running"), "{complaint}");
    // What was asked for is no crash.
    assert!(!supervisor.output().contains("crashed"), "{}", supervisor.output());
    Ok(())
}

#[tokio::test]
async fn a_start_that_fails_says_why() -> Result<()> {
    let project = Project::new()?;
    let _supervisor = project.run("redis").await;
    project.ask(&["stop", "redis"]).await.unwrap();
    let taken = std::net::TcpListener::bind(project.settings.addresses.redis)?;
    let complaint = project.ask(&["start", "redis"]).await.unwrap_err();
    assert!(complaint.contains("already taken by"), "{complaint}");
    drop(taken);
    std::fs::remove_dir_all(project.path(".local/data/bidding-redis/appendonlydir"))?;
    std::fs::write(project.path(".local/data/bidding-redis/appendonlydir"), "in the way")?;
    let complaint = project.ask(&["start", "redis"]).await.unwrap_err();
    assert!(complaint.contains("ended before it answered") && complaint.contains("appendonlydir"), "{complaint}");
    assert_eq!(project.processes().len(), 1, "the supervisor alone: {:?}", project.processes());
    Ok(())
}

#[tokio::test]
async fn wrong_names_list_the_right_ones() -> Result<()> {
    let project = Project::new()?;
    let _supervisor = project.run("redis").await;
    let complaint = project.ask(&["kill", "radis"]).await.unwrap_err();
    assert!(complaint.contains("`radis`") && complaint.contains("bidding-redis, bidding-nats"), "{complaint}");
    let complaint = project.ask(&["kill", "nats"]).await.unwrap_err();
    assert!(complaint.contains("not part of this system; it has bidding-redis"), "{complaint}");
    Ok(())
}

#[tokio::test]
async fn without_a_running_system_every_command_says_so() -> Result<()> {
    let project = Project::new()?;
    for words in [&["status"][..], &["stop"], &["kill", "nats"], &["start", "redis"]] {
        let complaint = project.ask(words).await.unwrap_err();
        assert!(complaint.contains("not running: `local run` starts it"), "{complaint}");
    }
    Ok(())
}

#[tokio::test]
async fn stop_without_a_name_returns_when_nothing_is_left() -> Result<()> {
    let project = Project::new()?;
    let mut supervisor = project.run("redis,nats,postgres").await;
    assert_eq!(project.ask(&["stop"]).await.unwrap(), "stopped\n");
    assert_eq!(project.processes(), [""; 0]);
    supervisor.ends().await;
    // A place free for the next.
    project.run("redis").await;
    Ok(())
}

#[tokio::test]
async fn clean_wipes_all_data_but_not_under_running_servers() -> Result<()> {
    let project = Project::new()?;
    let supervisor = project.run("redis,nats,postgres").await;
    assert!(project.ask(&["clean"]).await.unwrap_err().contains("running already"));
    assert!(project.path(".local/data/bidding-postgres/PG_VERSION").exists());
    project.ask(&["stop"]).await.unwrap();
    drop(supervisor);
    project.ask(&["clean"]).await.unwrap();
    assert!(!project.path(".local/data").exists());
    Ok(())
}

#[tokio::test]
async fn logs_show_the_end_of_each_log() -> Result<()> {
    let project = Project::new()?;
    let _supervisor = project.run("redis,nats").await;
    let both = project.ask(&["logs"]).await.unwrap();
    assert!(both.contains("Ready to accept connections") && both.contains("Server is ready"), "{both}");
    let one = project.ask(&["logs", "nats"]).await.unwrap();
    assert!(one.lines().all(|line| line.starts_with("bidding-nats")) && one.contains("Server is ready"), "{one}");
    Ok(())
}

/// A project below a private folder: as root, PostgreSQL's own user cannot reach the data there.
#[tokio::test]
async fn a_private_project_folder_is_no_obstacle() -> Result<()> {
    let project = Project::new()?;
    std::fs::set_permissions(project.path(""), std::fs::Permissions::from_mode(0o700))?;
    let supervisor = project.run("postgres").await;
    let url = project.settings.addresses.postgres_url();
    assert_eq!(answers::postgres(&url, "SELECT 1").await?, "1");
    project.ask(&["stop"]).await.unwrap();
    drop(supervisor);
    let removed = project.ask(&["clean"]).await.unwrap();
    let folder = removed.trim().strip_prefix("removed ").expect("one folder");
    let is_elsewhere = folder.starts_with("/var/lib/bidding-local/");
    assert_eq!(is_elsewhere, rustix::process::geteuid().is_root(), "{folder}");
    assert!(!std::fs::exists(folder)?);
    Ok(())
}
