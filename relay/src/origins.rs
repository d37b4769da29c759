//! Whose pages may connect.
//!
//! A browser tells from which site a page came; a page of a stranger must not use the visitor's network to watch.
//! Programs send no origin and may connect.

use anyhow::{Context, Result, bail};
use axum::http::{HeaderValue, Uri, header, uri::Authority};

#[derive(Clone, Debug, Default)]
pub struct Origins {
    allowed: Vec<String>,
}

impl Origins {
    /// Reads a list such as `https://auctions.example,https://admin.auctions.example:8443`.
    pub fn parse(list: &str) -> Result<Self> {
        let mut allowed = Vec::new();
        for origin in list.split(',').map(str::trim).filter(|origin| !origin.is_empty()) {
            let uri: Uri = origin.parse().with_context(|| format!("`{origin}` is not an origin"))?;
            let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
                bail!("`{origin}` is not an origin: expected one such as https://auctions.example");
            };
            if uri.path() != "/" || uri.query().is_some() {
                bail!("`{origin}` is not an origin: it has a path");
            }
            allowed.push(format!("{scheme}://{authority}").to_lowercase());
        }
        Ok(Self { allowed })
    }

    pub(crate) fn allow(&self, origin: &HeaderValue) -> bool {
        let Ok(origin) = origin.to_str() else { return false };
        self.allowed.iter().any(|allowed| allowed.eq_ignore_ascii_case(origin)) || is_of_this_machine(origin)
    }

    pub(crate) fn allow_request(&self, headers: &axum::http::HeaderMap) -> bool {
        let mut origins = headers.get_all(header::ORIGIN).iter();
        origins.all(|origin| self.allow(origin))
    }
}

fn is_of_this_machine(origin: &str) -> bool {
    let Ok(uri) = origin.parse::<Uri>() else { return false };
    let host = uri.authority().map_or("", Authority::host).trim_start_matches('[').trim_end_matches(']');
    let is_loopback = host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback());
    matches!(uri.scheme_str(), Some("http" | "https")) && (is_loopback || host.eq_ignore_ascii_case("localhost"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_of_this_machine_and_of_the_listed_origins_may_connect_and_no_others() {
        let origins = Origins::parse("https://auctions.example, https://b.example:8443").unwrap();
        let allow = |origin: &str| origins.allow(&HeaderValue::from_str(origin).unwrap());
        for good in [
            "https://auctions.example",
            "https://AUCTIONS.example",
            "https://b.example:8443",
            "http://localhost",
            "http://localhost:3000",
            "https://127.0.0.1:8443",
            "http://[::1]:3000",
        ] {
            assert!(allow(good), "{good}");
        }
        for bad in [
            "http://auctions.example",
            "https://b.example",
            "https://auctions.example.evil.example",
            "https://evil.example/https://auctions.example",
            "http://localhost.evil.example",
            "http://127.0.0.1.evil.example",
            "http://localhost@evil.example",
            "file://localhost",
            "null",
            "",
        ] {
            assert!(!allow(bad), "{bad}");
        }
    }

    #[test]
    fn a_list_with_something_else_in_it_is_refused() {
        for bad in ["auctions.example", "https://a.example/path", "*", "https://a.example?x"] {
            assert!(Origins::parse(bad).is_err(), "{bad}");
        }
        assert!(Origins::parse(" , ").unwrap().allowed.is_empty());
    }
}
