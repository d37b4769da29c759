//! What our processes find the archive's queue by.

use super::{CREDENTIAL, REGION, url};
use crate::config::Addresses;

/// Of the events, as the template calls it in the stack `local`.
const BID_EVENTS: &str = "local-bid-events.fifo";

pub(crate) fn environment(addresses: &Addresses) -> Vec<(&'static str, String)> {
    let endpoint = addresses.sqs_url();
    vec![
        ("ARCHIVE", "sqs".to_owned()),
        ("BID_EVENTS_QUEUE_URL", url(&endpoint, BID_EVENTS)),
        ("AWS_ENDPOINT_URL_SQS", endpoint),
        ("AWS_REGION", REGION.to_owned()),
        ("AWS_ACCESS_KEY_ID", CREDENTIAL.to_owned()),
        ("AWS_SECRET_ACCESS_KEY", CREDENTIAL.to_owned()),
    ]
}
