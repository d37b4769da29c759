use functions::{logging, reconcile};

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    logging::start();
    reconcile::run().await
}
