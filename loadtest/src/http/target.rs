//! Where requests go.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use hyper::Uri;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

#[derive(Clone)]
pub struct Target {
    address: SocketAddr,
    /// For the header `host`.
    authority: String,
    tls: Option<(TlsConnector, ServerName<'static>)>,
}

impl Target {
    /// A server on this machine, or anywhere without a name.
    pub fn plain(address: SocketAddr) -> Self {
        Self { address, authority: address.to_string(), tls: None }
    }

    /// Of a URL such as `http://localhost:8080` or `https://auction.example`. What stands behind the authority is left out.
    pub async fn resolve(url: &str) -> Result<Self> {
        let uri: Uri = url.parse().with_context(|| format!("{url} is no URL"))?;
        let authority = uri.authority().with_context(|| format!("{url} names no server"))?;
        let is_tls = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            _ => bail!("{url} begins neither with http:// nor with https://"),
        };
        let (host, port) = (authority.host(), authority.port_u16().unwrap_or(if is_tls { 443 } else { 80 }));
        let mut found = tokio::net::lookup_host((host, port)).await.with_context(|| format!("nobody knows {host}"))?;
        let address = found.next().with_context(|| format!("{host} has no address"))?;
        let tls = if is_tls { Some((connector()?, ServerName::try_from(host.to_owned())?)) } else { None };
        Ok(Self { address, authority: authority.to_string(), tls })
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn authority(&self) -> &str {
        &self.authority
    }

    pub(super) fn tls(&self) -> Option<&(TlsConnector, ServerName<'static>)> {
        self.tls.as_ref()
    }
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
        assert_eq!((target.address().port(), target.authority()), (8080, "127.0.0.1:8080"));
        assert_eq!(Target::resolve("https://127.0.0.1").await.unwrap().address().port(), 443);
        for url in ["localhost:8080", "ftp://127.0.0.1", "/", ""] {
            assert!(Target::resolve(url).await.is_err(), "{url}");
        }
    }
}
