//! `AWS::SQS::Queue`.

use std::collections::BTreeMap;

use anyhow::Result;

use super::function::of_type;
use super::place::Place;
use super::{Queue, Redrive};

/// SQS's own limit.
const RECEIVES_MAX: std::ops::RangeInclusive<u32> = 1..=1_000;

pub(super) fn read_all(resources: &Place<'_>) -> Result<BTreeMap<String, Queue>> {
    let queues = of_type(resources, "AWS::SQS::Queue")?;
    queues.into_iter().map(|(logical_id, resource)| Ok((logical_id, read(&resource)?))).collect()
}

fn read(resource: &Place<'_>) -> Result<Queue> {
    let properties = resource.required("Properties")?;
    let mut queue = Queue { name: String::new(), attributes: BTreeMap::new(), redrive: None };
    for (name, place) in properties.entries()? {
        match name.as_str() {
            "QueueName" => queue.name = place.text()?.to_owned(),
            "RedrivePolicy" => {
                let target = place.required("deadLetterTargetArn")?.resource_of("Arn")?;
                let receives_max = place.required("maxReceiveCount")?.number(RECEIVES_MAX)?;
                queue.redrive = Some(Redrive { target, receives_max });
            }
            "Tags" => {}
            _ => {
                queue.attributes.insert(name, place.text()?.to_owned());
            }
        }
    }
    match queue.name.is_empty() {
        true => Err(properties.error("a queue without QueueName has another name in each deployment")),
        false => Ok(queue),
    }
}
