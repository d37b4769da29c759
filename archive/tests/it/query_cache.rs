//! The cache in `.sqlx` is what the queries were checked against when this was built: it must not be stale.

use std::{collections::BTreeSet, fs, path::Path};

use serde_json::Value;
use sqlx::{AssertSqlSafe, Column, Either, Executor, SqlSafeStr, Statement, TypeInfo};

use crate::tables::Database;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../.sqlx");
const SOURCES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src");

#[tokio::test]
async fn every_cached_query_is_what_a_migrated_postgres_says_of_it() {
    let database = Database::start().await;
    for cached in cached_queries() {
        let query = cached["query"].as_str().unwrap().to_owned();
        let statement = (&database.pool).prepare(AssertSqlSafe(query.clone()).into_sql_str()).await.unwrap();
        let told: Vec<_> = statement
            .columns()
            .iter()
            .map(|column| (column.name().to_owned(), spelt(column.type_info().name())))
            .collect();
        let Some(Either::Left(types)) = statement.parameters() else { panic!("PostgreSQL tells the types") };
        let parameters: Vec<String> = types.iter().map(|info| spelt(info.name())).collect();

        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let list = |value: &Value| value.as_array().unwrap().clone();
        let described = &cached["describe"];
        let cached_columns: Vec<_> = list(&described["columns"])
            .iter()
            .map(|column| (text(&column["name"]), spelt(&text(&column["type_info"]))))
            .collect();
        let cached_parameters: Vec<String> =
            list(&described["parameters"]["Left"]).iter().map(|name| spelt(&text(name))).collect();
        assert_eq!((told, parameters), (cached_columns, cached_parameters), "run archive/prepare.sh: {query}");
    }
}

#[test]
fn every_query_of_the_sources_is_cached_and_nothing_else() {
    let mut sources = BTreeSet::new();
    let mut folders = vec![Path::new(SOURCES).to_path_buf()];
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "sql") {
                sources.insert(fs::read_to_string(path).unwrap());
            }
        }
    }
    let cached: BTreeSet<String> =
        cached_queries().iter().map(|cached| cached["query"].as_str().unwrap().to_owned()).collect();
    assert_eq!(cached, sources, "run archive/prepare.sh");
}

/// The cache writes `TextArray` where PostgreSQL says `TEXT[]`.
fn spelt(type_name: &str) -> String {
    type_name.to_lowercase().replace("[]", "array")
}

fn cached_queries() -> Vec<Value> {
    let files = fs::read_dir(FOLDER).unwrap().map(|entry| fs::read(entry.unwrap().path()).unwrap());
    files.map(|file| serde_json::from_slice(&file).unwrap()).collect()
}
