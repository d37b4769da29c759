//! All servers together: started in stages, stopped in reverse.

use std::collections::BTreeMap;

use anyhow::Result;
use futures_util::future::{join_all, try_join_all};
use tokio::sync::{Mutex, mpsc};

use crate::config::Addresses;
use crate::credentials::Credentials;
use crate::install;
use crate::name::Name;
use crate::ports;
use crate::server::{Crash, Server};
use crate::servers;
use crate::settings::Settings;

/// More notices of crashes than there are servers to crash before anybody looks.
const CRASH_NOTICES: usize = 64;

/// The running servers. Dropping it ends them all.
#[derive(Debug)]
pub struct System {
    servers: Vec<Server>,
    addresses: Addresses,
    crashes: Mutex<mpsc::Receiver<Crash>>,
}

impl System {
    /// Starts the servers and returns when all of them answer. When one fails, or when the future is dropped, none is
    /// left running.
    pub async fn start(settings: Settings) -> Result<Self> {
        let programs = install::ensure(&settings.root, settings.extras()).await?;
        let listens: Vec<_> = settings.servers.iter().flat_map(|name| settings.addresses.listens(*name)).collect();
        ports::check(&listens)?;
        let credentials = Credentials::keep(&settings.credentials_file())?;
        let prepared = |name: &Name| servers::prepare(*name, &settings, &programs, &credentials);
        let specs = settings.servers.iter().map(prepared);
        let specs = try_join_all(specs).await?;
        let (notices, crashes) = mpsc::channel(CRASH_NOTICES);
        let server = |spec| Server::new(spec, notices.clone(), settings.temporary.clone());
        let servers: Vec<Server> = specs.into_iter().map(server).collect();
        let system = Self { servers, addresses: settings.addresses, crashes: Mutex::new(crashes) };
        for stage in system.stages().values() {
            try_join_all(stage.iter().map(|server| server.start())).await?;
        }
        Ok(system)
    }

    /// Stops all in reverse order, those that cannot be stopped in order by force.
    pub async fn stop(&self) -> Result<()> {
        let mut result = Ok(());
        for stage in self.stages().values().rev() {
            let ends = join_all(stage.iter().map(|server| server.stop())).await;
            result = ends.into_iter().fold(result, Result::and);
        }
        result
    }

    /// Ends all at once, by force.
    pub async fn abort(&self) -> Result<()> {
        join_all(self.servers.iter().map(Server::abort)).await.into_iter().collect()
    }

    /// The next server that ends by itself.
    pub async fn crash(&self) -> Crash {
        match self.crashes.lock().await.recv().await {
            Some(crash) => crash,
            None => std::future::pending().await,
        }
    }

    /// The server of this name, whole (`bidding-nats`) or short (`nats`).
    pub fn find(&self, name: &str) -> Result<&Server> {
        let name: Name = name.parse()?;
        let found = self.servers.iter().find(|server| server.name() == name);
        found.ok_or_else(|| {
            let names: Vec<_> = self.servers.iter().map(|server| server.name().as_str()).collect();
            anyhow::anyhow!("{name} is not part of this system; it has {}", names.join(", "))
        })
    }

    /// Like [`System::find`], for tests.
    ///
    /// # Panics
    /// If there is no such server.
    pub fn server(&self, name: &str) -> &Server {
        self.find(name).unwrap_or_else(|error| panic!("{error:#}"))
    }

    pub fn servers(&self) -> &[Server] {
        &self.servers
    }

    pub(crate) fn into_servers(self) -> Vec<Server> {
        self.servers
    }

    pub fn addresses(&self) -> &Addresses {
        &self.addresses
    }

    pub fn redis_url(&self) -> String {
        self.server("redis").url()
    }

    pub fn nats_url(&self) -> String {
        self.server("nats").url()
    }

    pub fn nats_monitor_url(&self) -> String {
        self.addresses.nats_monitor_url()
    }

    pub fn postgres_url(&self) -> String {
        self.server("postgres").url()
    }

    pub fn worker_url(&self) -> String {
        self.addresses.worker_url()
    }

    pub fn relay_url(&self) -> String {
        self.addresses.relay_url()
    }

    pub fn api_url(&self) -> String {
        self.addresses.api_url()
    }

    fn stages(&self) -> BTreeMap<u8, Vec<&Server>> {
        let mut stages: BTreeMap<u8, Vec<&Server>> = BTreeMap::new();
        for server in &self.servers {
            stages.entry(server.name().stage()).or_default().push(server);
        }
        stages
    }
}
