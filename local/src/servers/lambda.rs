//! The Lambda functions in sandboxes, as `infra/template.yaml` describes them: `local lambda`.

use anyhow::Result;

use super::ours;
use crate::config::variable;
use crate::credentials::{Credentials, Role};
use crate::name::Name;
use crate::programs;
use crate::server::Spec;
use crate::settings::Settings;

pub(super) fn prepare(settings: &Settings, credentials: &Credentials) -> Result<Spec> {
    let mut spec = ours::prepare(Name::Api, settings, credentials)?;
    spec.program = programs::find("local")?;
    let unlisted_items_allowed = variable("ALLOW_UNLISTED_ITEMS").unwrap_or_else(|| "true".to_owned());
    let reports = variable("SANDBOX_REPORTS").unwrap_or_else(|| settings.report_file().display().to_string());
    spec.arguments = vec!["lambda".into()];
    // It finds the template by the first, and the template is for AWS, where only listed items are sold.
    spec.environment.insert(0, ("BIDDING_ROOT", settings.root.display().to_string()));
    spec.environment.insert(1, ("SANDBOX_REPORTS", reports));
    spec.environment.insert(2, ("ALLOW_UNLISTED_ITEMS", unlisted_items_allowed));
    // They do the worker's work.
    let (addresses, role) = (&settings.addresses, Role::Worker);
    for name in ["REDIS_URL_RECONCILE", "REDIS_URL_ARCHIVE_BIDS"] {
        spec.environment.insert(3, (name, credentials.redis_url(addresses, role)?));
    }
    for name in ["POSTGRES_URL_RECONCILE", "POSTGRES_URL_ARCHIVE_BIDS"] {
        spec.environment.insert(3, (name, credentials.postgres_url(addresses, role)?));
    }
    Ok(spec)
}
