use functions::{lambda, logging, routes};

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    logging::start();
    lambda::run(&routes::ITEMS).await
}
