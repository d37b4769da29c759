//! A migrated PostgreSQL, and what stands in it.

use archive::{PostgresUrl, Sink};
use local::{Role, Server};
use sqlx::{AssertSqlSafe, PgPool, Row};

pub(crate) struct Database {
    pub(crate) server: Server,
    /// The worker's, like the sink; the pool is the owner's.
    pub(crate) url: PostgresUrl,
    pub(crate) sink: Sink,
    pub(crate) pool: PgPool,
}

impl Database {
    pub(crate) async fn start() -> Self {
        let server = local::testing::postgres().await;
        archive::migrations::apply(&server.url().parse().unwrap()).await.unwrap();
        let url: PostgresUrl = server.url_of(Role::Worker).parse().unwrap();
        let pool = PgPool::connect_lazy(&server.url()).unwrap();
        Self { server, sink: Sink::new(&url), url, pool }
    }

    pub(crate) async fn bids(&self) -> i64 {
        count_bids(&self.pool).await
    }

    /// One value, as text.
    pub(crate) async fn text(&self, query: &'static str) -> String {
        sqlx::query_scalar(query).fetch_one(&self.pool).await.unwrap()
    }

    /// What the last of these statements tells, which is an EXPLAIN.
    pub(crate) async fn plan(&self, statements: String) -> String {
        let mut connection = self.pool.acquire().await.unwrap();
        let rows = sqlx::raw_sql(AssertSqlSafe(statements)).fetch_all(&mut *connection).await.unwrap();
        rows.iter().map(|row| row.get::<String, _>(0)).collect::<Vec<_>>().join("\n")
    }
}

/// -1 while it cannot be asked.
pub(crate) async fn count_bids(pool: &PgPool) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM bids").fetch_one(pool).await.unwrap_or(-1)
}

/// Whether the tables agree with each other: every bid has its event, and every item stands where its last bid put it.
pub(crate) async fn check(pool: &PgPool) {
    let contradictions: i64 = sqlx::query_scalar(
        "SELECT (SELECT count(*) FROM events FULL JOIN bids USING (item_id, epoch, seq)
                 WHERE event_id IS NULL OR bid_id IS NULL)
              + (SELECT count(*) FROM items FULL JOIN (
                     SELECT DISTINCT ON (item_id) item_id, epoch, seq, amount, user_id,
                         count(*) OVER (PARTITION BY item_id) AS bids
                     FROM bids ORDER BY item_id, epoch DESC, seq DESC
                 ) AS last USING (item_id)
                 WHERE (items.epoch, items.seq, current_bid, highest_bidder_id, bid_count)
                     IS DISTINCT FROM (last.epoch, last.seq, amount, user_id, bids))",
    )
    .fetch_one(pool)
    .await
    .unwrap();
    assert_eq!(contradictions, 0, "rows that contradict each other");
}
