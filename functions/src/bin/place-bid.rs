use functions::{lambda, logging, routes::Function};

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    logging::start();
    lambda::run(Function::PlaceBid).await
}
