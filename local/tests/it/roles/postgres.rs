use anyhow::Result;
use local::{Role, Server, testing};

use crate::answers;

/// A database with the tables of the migrations.
async fn migrated() -> Result<Server> {
    let postgres = testing::postgres().await;
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../migrations");
    let mut files: Vec<_> =
        std::fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>()?;
    files.sort();
    for file in files {
        answers::postgres(&postgres.url(), &std::fs::read_to_string(file)?).await?;
    }
    Ok(postgres)
}

async fn is_denied(url: &str, statement: &str) {
    let complaint = answers::postgres(url, statement).await.unwrap_err().to_string();
    let is_about_rights = ["permission denied", "must be owner"].iter().any(|words| complaint.contains(words));
    assert!(is_about_rights, "{statement}: {complaint}");
}

const INSERT: &str = "INSERT INTO bids VALUES \
    (gen_random_uuid(), 'lot', 1, (SELECT count(*) + 1 FROM bids), 'alice', 1, 0, now())";

#[tokio::test]
async fn the_functions_read_the_history_and_write_nothing() -> Result<()> {
    let postgres = migrated().await?;
    let url = postgres.url_of(Role::Functions);
    assert_eq!(answers::postgres(&url, "SELECT count(*) FROM events, bids, items, epochs").await?, "0");
    for statement in [
        INSERT,
        "UPDATE items SET current_bid = 0",
        "DELETE FROM bids",
        "TRUNCATE events",
        "DROP TABLE bids",
        "CREATE TABLE public.mine (x int)",
        "SET ROLE bidding_worker",
        "SET ROLE bidding",
        "CREATE ROLE mine",
    ] {
        is_denied(&url, statement).await;
    }
    Ok(())
}

#[tokio::test]
async fn the_worker_adds_to_the_history_and_neither_changes_nor_deletes_it() -> Result<()> {
    let postgres = migrated().await?;
    let url = postgres.url_of(Role::Worker);
    answers::postgres(&url, INSERT).await?;
    answers::postgres(&url, "INSERT INTO items VALUES ('lot', 1, 1, 1, 'alice', 1)").await?;
    answers::postgres(&url, "UPDATE items SET current_bid = 2").await?;
    answers::postgres(&url, "INSERT INTO epochs VALUES (1)").await?;
    for statement in [
        "UPDATE bids SET amount = 5",
        "UPDATE events SET seq = 5",
        "DELETE FROM bids",
        "DELETE FROM items",
        "TRUNCATE bids",
        "DROP TABLE bids",
        "ALTER TABLE bids ADD COLUMN x int",
        "CREATE TABLE public.mine (x int)",
        "SET ROLE bidding",
    ] {
        is_denied(&url, statement).await;
    }
    Ok(())
}

#[tokio::test]
async fn tables_of_later_migrations_are_the_same_to_the_roles() -> Result<()> {
    let postgres = migrated().await?;
    answers::postgres(&postgres.url(), "CREATE TABLE later (id bigserial PRIMARY KEY, x int)").await?;
    let worker = postgres.url_of(Role::Worker);
    answers::postgres(&worker, "INSERT INTO later (x) VALUES (1)").await?;
    answers::postgres(&worker, "UPDATE later SET x = 2").await?;
    assert_eq!(answers::postgres(&postgres.url_of(Role::Functions), "SELECT x FROM later").await?, "2");
    is_denied(&worker, "DELETE FROM later").await;
    is_denied(&postgres.url_of(Role::Functions), "UPDATE later SET x = 3").await;
    Ok(())
}

#[tokio::test]
async fn only_the_owner_comes_in_without_a_password_and_the_superuser_not_at_all() -> Result<()> {
    let postgres = testing::postgres().await;
    assert_eq!(answers::postgres(postgres.public_url(), "SELECT current_user").await?, "bidding");
    for user in ["functions", "worker", "postgres", "bidding_worker"] {
        let url = format!("postgres://{user}@{}/bidding", postgres.address());
        assert!(answers::postgres(&url, "SELECT 1").await.is_err(), "{user}");
    }
    Ok(())
}
