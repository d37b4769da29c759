//! Is a port free, and if not, who has it?

mod holder;
mod lease;

use std::net::{SocketAddr, TcpListener};

use anyhow::{Result, bail};

pub(crate) use self::lease::Lease;
use crate::name::Name;

/// An address that a server is about to listen on.
#[derive(Clone, Debug)]
pub(crate) struct Listen {
    pub(crate) server: Name,
    /// The environment variable that moves it.
    pub(crate) variable: &'static str,
    pub(crate) address: SocketAddr,
}

const FIRST_UNPRIVILEGED: u16 = 1024;

/// Fails when one of the addresses is taken, and names all that are.
pub(crate) fn check(listens: &[Listen]) -> Result<()> {
    let mut held: Vec<TcpListener> = Vec::new();
    let mut problems = Vec::new();
    for listen in listens {
        match TcpListener::bind(listen.address) {
            // Held until all are checked, so that two of our own servers on one address are found too.
            Ok(listener) => held.push(listener),
            Err(error) => problems.push(problem(listen, &error)),
        }
    }
    match problems.is_empty() {
        true => Ok(()),
        false => bail!("{}", problems.join("\n")),
    }
}

fn problem(listen: &Listen, error: &std::io::Error) -> String {
    let Listen { server, variable, address } = listen;
    let port = address.port();
    if error.kind() != std::io::ErrorKind::AddrInUse {
        return format!("{server} cannot listen on {address} ({error}): set {variable} to another address");
    }
    let holder = holder::of(port).unwrap_or_else(|| format!("unknown; perhaps {}", guess(*server)));
    let other = SocketAddr::new(address.ip(), port.checked_add(10_000).unwrap_or(FIRST_UNPRIVILEGED));
    format!(
        "port {port}, which {server} needs, is already taken by {holder}: stop that, or set {variable} to another \
         address, for example {variable}={other}"
    )
}

fn guess(server: Name) -> &'static str {
    match server {
        Name::Redis => "another Redis, such as a system service (`systemctl stop redis-server`)",
        Name::Nats => "another nats-server",
        Name::Postgres => "another PostgreSQL, such as a system service (`systemctl stop postgresql`)",
        Name::Localstack => "another LocalStack",
        Name::ArchivalWorker | Name::Broadcast | Name::Api => "another copy of this system, or a container of it",
    }
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;

    use super::{Listen, Name, problem};

    #[test]
    fn another_address_is_proposed_for_every_port() {
        for (port, proposed) in [(6379, "=127.0.0.1:16379"), (65_000, "=127.0.0.1:1024")] {
            let address = ([127, 0, 0, 1], port).into();
            let listen = Listen { server: Name::Redis, variable: "REDIS_ADDR", address };
            let words = problem(&listen, &ErrorKind::AddrInUse.into());
            assert!(words.ends_with(proposed), "{words}");
        }
    }
}
