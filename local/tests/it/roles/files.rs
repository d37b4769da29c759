//! Where the passwords are, and where they are not.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use anyhow::Result;

use crate::supervisor::Project;

/// The passwords that a project's file holds.
fn passwords(project: &Project) -> Vec<String> {
    let text = fs::read_to_string(project.path(".local/data/credentials.env")).expect("the file");
    let pairs = text.lines().filter_map(|line| line.split_once('='));
    let passwords: Vec<_> =
        pairs.filter(|(name, _)| name.ends_with("_PASSWORD")).map(|(_, value)| value.to_owned()).collect();
    assert_eq!(passwords.len(), 10);
    passwords
}

/// Everything that every process of this machine was called with.
fn command_lines() -> String {
    let pids = fs::read_dir("/proc").expect("/proc").flatten();
    let lines = pids.filter_map(|entry| fs::read(entry.path().join("cmdline")).ok());
    lines.map(|line| String::from_utf8_lossy(&line).replace('\0', " ")).collect()
}

#[tokio::test]
async fn passwords_survive_a_stop_are_for_the_owner_alone_and_go_with_the_data() -> Result<()> {
    let project = Project::new()?;
    let supervisor = project.run("redis,nats,postgres").await;
    for file in ["credentials.env", "redis-users.conf"] {
        let mode = fs::metadata(project.path(".local/data").join(file))?.permissions().mode();
        assert_eq!(mode & 0o7777, 0o600, "{file}");
    }
    let first = passwords(&project);
    project.ask(&["stop"]).await.unwrap();
    drop(supervisor);
    let supervisor = project.run("redis,nats,postgres").await;
    assert_eq!(passwords(&project), first);
    project.ask(&["stop"]).await.unwrap();
    drop(supervisor);
    project.ask(&["clean"]).await.unwrap();
    let _supervisor = project.run("redis").await;
    assert!(passwords(&project).iter().all(|password| !first.contains(password)));
    Ok(())
}

#[tokio::test]
async fn a_lost_file_is_drawn_anew_and_every_server_learns_it() -> Result<()> {
    let project = Project::new()?;
    drop(project.run("redis,nats,postgres").await);
    fs::remove_file(project.path(".local/data/credentials.env"))?;
    let _supervisor = project.run("redis,nats,postgres").await;
    let (credentials, addresses) = (project.credentials(), &project.settings.addresses);
    let worker = credentials.postgres_url(addresses, local::Role::Worker)?;
    assert_eq!(crate::answers::postgres(&worker, "SELECT current_user").await?, "worker");
    assert_eq!(crate::answers::redis(&project.redis_url(), "PING").await?, "+PONG\r\n");
    crate::answers::jetstream(&project.nats_url(), "INFO", "").await?;
    Ok(())
}

#[tokio::test]
async fn no_password_is_on_a_command_line_in_a_log_or_in_what_is_printed() -> Result<()> {
    let project = Project::new()?;
    let supervisor = project.run("redis,nats,postgres").await;
    let mut seen = supervisor.output() + &command_lines() + &project.ask(&["status"]).await.unwrap();
    seen += &project.ask(&["logs"]).await.unwrap();
    // A start that fails tells why.
    project.ask(&["stop", "nats"]).await.unwrap();
    let taken = std::net::TcpListener::bind(project.settings.addresses.nats)?;
    seen += &project.ask(&["start", "nats"]).await.unwrap_err();
    drop(taken);
    fs::remove_dir_all(project.path(".local/data/bidding-nats"))?;
    seen += &project.ask(&["start", "nats"]).await.unwrap_err();
    for entry in fs::read_dir(project.path(".local/logs"))? {
        seen += &fs::read_to_string(entry?.path())?;
    }
    assert!(seen.contains("setpriv") || seen.contains("nats-server"), "nothing was seen: {seen}");
    for password in passwords(&project) {
        assert!(!seen.contains(&password), "a password is in: {seen}");
    }
    Ok(())
}
