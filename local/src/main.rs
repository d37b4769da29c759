use std::process::exit;

use clap::Parser;
use local::command::Command;

#[tokio::main]
async fn main() {
    let result = Command::parse().run().await;
    if let Err(error) = &result {
        eprintln!("error: {error:#}");
    }
    // Does not wait for an installation that a Ctrl-C has left behind: interrupting a package manager does harm.
    exit(i32::from(result.is_err()));
}
