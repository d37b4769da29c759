//! The environment of a sandbox: Lambda's own variables, the template's, and nothing else of this process.

use std::path::Path;

use anyhow::{Result, bail};

use super::template::{Function, Variable};
use crate::config::variable;

/// What Lambda sets in the same way for every sandbox of a function.
fn reserved(function: &Function, program: &Path) -> Vec<(String, String)> {
    let folder = program.parent().unwrap_or(program).display().to_string();
    let fixed = [
        ("_HANDLER", "bootstrap"),
        ("AWS_REGION", "us-east-1"),
        ("AWS_DEFAULT_REGION", "us-east-1"),
        ("AWS_EXECUTION_ENV", "AWS_Lambda_provided.al2023"),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
        ("LANG", "en_US.UTF-8"),
        ("TZ", ":UTC"),
        ("PATH", "/usr/local/bin:/usr/bin:/bin"),
    ];
    let of_function = [
        ("AWS_LAMBDA_FUNCTION_NAME", function.binary.clone()),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", function.memory_mib.to_string()),
        ("AWS_LAMBDA_LOG_GROUP_NAME", format!("/aws/lambda/{}", function.binary)),
        ("LAMBDA_TASK_ROOT", folder),
    ];
    let fixed = fixed.into_iter().map(|(name, value)| (name, value.to_owned()));
    fixed.chain(of_function).map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Set in this process's environment, they reach every function: the filter of the logs, traces of panics, and where SQS
/// is, with what Lambda gives to a function's role.
const PASSED_ON: [&str; 5] =
    ["RUST_LOG", "RUST_BACKTRACE", "AWS_ENDPOINT_URL_SQS", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"];

/// `REDIS_URL_RECONCILE` is the `REDIS_URL` of the function `reconcile` alone: on AWS each has its own value, too.
fn of_one(function: &Function, name: &str) -> Option<String> {
    variable(&format!("{name}_{}", function.binary.to_uppercase().replace('-', "_")))
}

/// A variable that the template declares has the value of this process's environment, if it is set there: that is how
/// functions find the servers of this machine.
pub(super) fn of(function: &Function, program: &Path) -> Result<Vec<(String, String)>> {
    let mut variables = reserved(function, program);
    for name in PASSED_ON {
        variables.extend(variable(name).map(|value| (name.to_owned(), value)));
    }
    for (name, declared) in &function.variables {
        let value = match (of_one(function, name).or_else(|| variable(name)), declared) {
            (Some(here), _) => here,
            (None, Variable::Known(value)) => value.clone(),
            (None, Variable::OnlyDeployed(needed)) => bail!(
                "{name} of {} is {needed}, which only a deployed stack has: set {name} in the environment",
                function.logical_id
            ),
        };
        variables.push((name.clone(), value));
    }
    Ok(variables)
}
