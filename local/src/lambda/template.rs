//! What the SAM template declares: functions with their routes, schedules and queues, and the CORS rules of the HTTP API.
//!
//! Only `AWS::Serverless::Function`, `AWS::SQS::Queue` and `AWS::Serverless::HttpApi` are read, with what they refer to. The rest of the
//! template may hold anything. What only a deployment knows, such as the address of a cache, may stand in environment
//! variables and nowhere else.

mod cors;
mod event;
mod function;
mod intrinsic;
mod node;
mod place;
mod queue;
mod scope;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use http::Method;

use self::node::Node;
use self::place::Place;
use self::scope::Scope;

#[derive(Debug, PartialEq)]
pub(crate) struct Template {
    pub(crate) functions: Vec<Function>,
    /// By logical id.
    pub(crate) queues: BTreeMap<String, Queue>,
    pub(crate) cors: Option<Cors>,
}

#[derive(Debug, PartialEq)]
pub(crate) struct Function {
    /// `PlaceBidFunction`
    pub(crate) logical_id: String,
    /// `place-bid`, as the cargo target is called.
    pub(crate) binary: String,
    pub(crate) memory_mib: u32,
    pub(crate) timeout: Duration,
    pub(crate) variables: BTreeMap<String, Variable>,
    pub(crate) routes: Vec<Route>,
    pub(crate) schedules: Vec<Schedule>,
    pub(crate) queues: Vec<QueueSource>,
    pub(crate) reserved_concurrency: Option<u32>,
    pub(crate) provisioned_concurrency: Option<u32>,
}

/// The value of an environment variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Variable {
    Known(String),
    /// Names what a deployment would put here: `Cache.PrimaryEndPoint.Address`.
    OnlyDeployed(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Route {
    pub(crate) method: RouteMethod,
    /// `/api/v1/items/{id}`, `/{proxy+}` or `$default`.
    pub(crate) path: String,
    pub(crate) integration_timeout: Duration,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RouteMethod {
    Any,
    Exact(Method),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Schedule {
    /// The logical id of the event.
    pub(crate) name: String,
    pub(crate) every: Duration,
    /// The JSON text that is sent instead of the event of the schedule.
    pub(crate) input: Option<String>,
    pub(crate) enabled: bool,
}

/// `AWS::SQS::Queue`
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Queue {
    pub(crate) name: String,
    /// As SQS calls them, which is how CloudFormation calls them.
    pub(crate) attributes: BTreeMap<String, String>,
    pub(crate) redrive: Option<Redrive>,
}

/// Where messages go that were received too often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Redrive {
    /// The logical id of the dead-letter queue.
    pub(crate) target: String,
    pub(crate) receives_max: u32,
}

/// A queue whose messages invoke a function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct QueueSource {
    /// Its logical id.
    pub(crate) queue: String,
    pub(crate) batch_size: u32,
    /// Batches at once.
    pub(crate) concurrency: u32,
    /// The answer names the messages that failed.
    pub(crate) reports_failures: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cors {
    pub(crate) allow_origins: Vec<String>,
    pub(crate) allow_methods: Vec<String>,
    pub(crate) allow_headers: Vec<String>,
    pub(crate) expose_headers: Vec<String>,
    pub(crate) max_age: Option<Duration>,
    pub(crate) allow_credentials: bool,
}

impl Template {
    /// `parameters` are the values a deployment would be given; a parameter without one has its default.
    pub(crate) fn read(path: &Path, parameters: &BTreeMap<String, String>) -> Result<Self> {
        let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        Self::parse(&text, parameters).with_context(|| path.display().to_string())
    }

    pub(crate) fn parse(text: &str, parameters: &BTreeMap<String, String>) -> Result<Self> {
        let root = Node::parse(text)?;
        let scope = Scope::new(&root, parameters)?;
        let template = Place::root(&scope, &root);
        let globals = template.child("Globals")?;
        let resources = template.required("Resources")?;
        let functions = function::read_all(&resources, globals.as_ref())?;
        let queues = queue::read_all(&resources)?;
        let cors = cors::read(&resources, globals.as_ref())?;
        Ok(Self { functions, queues, cors })
    }

    /// Leaves out all functions but these; if none is named, none.
    pub(crate) fn keep_only(&mut self, binaries: &[String]) -> Result<()> {
        let known: Vec<_> = self.functions.iter().map(|function| function.binary.clone()).collect();
        for binary in binaries {
            ensure!(known.contains(binary), "there is no function {binary}; there are {}", known.join(", "));
        }
        self.functions.retain(|function| binaries.is_empty() || binaries.contains(&function.binary));
        Ok(())
    }
}

impl Route {
    /// As API Gateway calls it: `POST /api/v1/items/{id}/bid`.
    pub(crate) fn key(&self) -> String {
        match &self.method {
            RouteMethod::Any if self.path == "$default" => self.path.clone(),
            RouteMethod::Any => format!("ANY {}", self.path),
            RouteMethod::Exact(method) => format!("{method} {}", self.path),
        }
    }
}
