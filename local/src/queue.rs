//! SQS on this machine: the queues of `infra/template.yaml`, which LocalStack keeps, and the event source mapping, which
//! carries their messages to a function as Lambda does.

mod environment;
mod event;
mod faults;
mod mapping;
mod sqs;
#[cfg(test)]
mod tests;
mod watch;

pub(crate) use self::environment::environment;
pub(crate) use self::faults::Faults;
pub(crate) use self::mapping::{Mapping, Target};
pub(crate) use self::watch::serve_watch;

/// LocalStack takes any; these it takes for the account of the queues.
const CREDENTIAL: &str = "test";
const REGION: &str = "us-east-1";
const ACCOUNT: &str = "000000000000";

fn url(endpoint: &str, queue: &str) -> String {
    format!("{endpoint}/{ACCOUNT}/{queue}")
}

fn arn(queue: &str) -> String {
    format!("arn:aws:sqs:{REGION}:{ACCOUNT}:{queue}")
}
