use functions::{archive_bids, logging};

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    logging::start();
    archive_bids::run().await
}
