//! The functions under `cargo lambda watch`, which has no event sources.

use std::path::Path;

use anyhow::Result;
use futures_util::future::join_all;
use tokio_util::sync::CancellationToken;

use super::{Mapping, Target};
use crate::config::{self, Addresses};
use crate::lambda::template::Template;

/// Carries messages to them until `shutdown`.
pub(crate) async fn serve_watch(root: &Path, addresses: &Addresses, shutdown: CancellationToken) -> Result<()> {
    let mut parameters = config::parameters()?;
    parameters.insert("Archive".to_owned(), "sqs".to_owned());
    let template = Template::read(&root.join("infra/template.yaml"), &parameters)?;
    let client = reqwest::Client::new();
    let targets = template.functions.iter().map(|function| {
        let url = format!("{}/2015-03-31/functions/{}/invocations", addresses.api_url(), function.binary);
        Target::Url { client: client.clone(), url }
    });
    let mappings = Mapping::of_all(&template, &addresses.sqs_url(), targets)?;
    join_all(mappings.into_iter().map(|mapping| mapping.keep(shutdown.clone()))).await;
    Ok(())
}
