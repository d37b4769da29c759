//! Where requests and viewers go.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context, Result, bail};
use hyper::Uri;
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use tokio_util::either::Either;

/// With or without TLS.
pub type Stream = Either<TcpStream, TlsStream<TcpStream>>;

/// From one address of this machine to one server: the kernel has some 28,000 ports for them, and keeps those of closed
/// connections for a minute.
const CONNECTIONS_PER_ADDRESS: u32 = 10_000;

#[derive(Clone)]
pub struct Target {
    address: SocketAddr,
    /// For the header `host`.
    authority: String,
    tls: Option<(TlsConnector, ServerName<'static>)>,
    /// Connections until now, of all clones.
    opened: Arc<AtomicU32>,
}

impl Target {
    /// A server on this machine, or anywhere without a name.
    pub fn plain(address: SocketAddr) -> Self {
        Self { address, authority: address.to_string(), tls: None, opened: Arc::default() }
    }

    /// Of a URL such as `http://localhost:8080` or `wss://auction.example`. What stands behind the authority is left out.
    pub async fn resolve(url: &str) -> Result<Self> {
        let uri: Uri = url.parse().with_context(|| format!("{url} is no URL"))?;
        let authority = uri.authority().with_context(|| format!("{url} names no server"))?;
        let is_tls = match uri.scheme_str() {
            Some("http" | "ws") => false,
            Some("https" | "wss") => true,
            _ => bail!("{url} begins with none of http://, https://, ws://, wss://"),
        };
        let (host, port) = (authority.host(), authority.port_u16().unwrap_or(if is_tls { 443 } else { 80 }));
        let found = tokio::net::lookup_host((host, port)).await.with_context(|| format!("nobody knows {host}"))?;
        // Servers on this machine mostly listen on IPv4 alone.
        let address = found.min_by_key(SocketAddr::is_ipv6).with_context(|| format!("{host} has no address"))?;
        let tls = if is_tls { Some((connector()?, ServerName::try_from(host.to_owned())?)) } else { None };
        Ok(Self { address, authority: authority.to_string(), tls, opened: Arc::default() })
    }

    /// Another process has made the connections before the `number`th.
    pub fn from_number(mut self, number: u32) -> Self {
        self.opened = Arc::new(AtomicU32::new(number));
        self
    }

    pub async fn connect(&self) -> Result<Stream> {
        let number = self.opened.fetch_add(1, Ordering::Relaxed);
        let connecting = async {
            match source(self.address.ip(), number) {
                None => TcpStream::connect(self.address).await,
                Some(source) => {
                    let socket = TcpSocket::new_v4()?;
                    socket.bind((source, 0).into())?;
                    socket.connect(self.address).await
                }
            }
        };
        let stream = connecting.await.with_context(|| format!("cannot connect to {}", self.address))?;
        stream.set_nodelay(true)?;
        Ok(match &self.tls {
            None => Either::Left(stream),
            Some((tls, name)) => Either::Right(tls.connect(name.clone(), stream).await?),
        })
    }

    pub fn authority(&self) -> &str {
        &self.authority
    }
}

/// Where the `number`th connection comes from: a server of this machine is reached from all of 127.0.0.0/8. None: the kernel
/// knows.
fn source(server: IpAddr, number: u32) -> Option<IpAddr> {
    let another = (number / CONNECTIONS_PER_ADDRESS % 256) as u8;
    let is_here = matches!(server, IpAddr::V4(server) if server.is_loopback());
    (is_here && another > 0).then(|| Ipv4Addr::new(127, 0, another, 1).into())
}

/// Trusts whom this machine trusts.
fn connector() -> Result<TlsConnector> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_url_names_a_server_and_a_port() {
        let target = Target::resolve("http://127.0.0.1:8080/").await.unwrap();
        assert_eq!((target.address.port(), target.authority()), (8080, "127.0.0.1:8080"));
        for url in ["https://127.0.0.1", "wss://127.0.0.1"] {
            assert_eq!(Target::resolve(url).await.unwrap().address.port(), 443);
        }
        for url in ["localhost:8080", "ftp://127.0.0.1", "/", ""] {
            assert!(Target::resolve(url).await.is_err(), "{url}");
        }
    }

    #[tokio::test]
    async fn more_connections_to_this_machine_than_it_has_ports_come_from_more_addresses() {
        let server = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let target = Target::plain(server.local_addr().unwrap()).from_number(CONNECTIONS_PER_ADDRESS - 1);
        for source in [[127, 0, 0, 1], [127, 0, 1, 1]] {
            let (connected, accepted) = tokio::join!(target.connect(), server.accept());
            connected.unwrap();
            assert_eq!(accepted.unwrap().1.ip(), IpAddr::from(source));
        }
        assert_eq!(source(Ipv4Addr::new(192, 0, 2, 1).into(), 50_000), None);
    }
}
