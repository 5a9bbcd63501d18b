//! Who speaks for others: the proxies of the settings file, and the client behind them.
//!
//! `X-Forwarded-For` counts only where the peer is such a proxy, and is read from its end, where the proxy wrote: what stands
//! before is the client's own word. Addresses are compared as IPv4 however they are written.

use std::net::{IpAddr, SocketAddr};

use axum::http::HeaderMap;
use ipnet::IpNet;
use vigie_service::Failure;

/// Name of the header.
const FORWARDED_FOR: &str = "x-forwarded-for";
/// Most hops looked at.
const MAX_HOPS: usize = 16;

/// The proxies that are believed.
#[derive(Debug, Default)]
pub struct Proxies(Vec<IpNet>);

impl Proxies {
    /// Reads addresses and networks.
    ///
    /// # Errors
    /// One of them is neither.
    pub fn parse(written: &[String]) -> Result<Self, Failure> {
        let read = |text: &String| {
            let network = text.parse::<IpNet>().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from));
            network.ok_or_else(|| {
                let what = format!("« {text} » n’est ni une adresse ni un réseau");
                Failure::usage(what, "[web] trusted_proxies", "écrivez par exemple 127.0.0.1 ou 10.0.0.0/24")
            })
        };
        written.iter().map(read).collect::<Result<_, _>>().map(Self)
    }

    /// Whether this peer speaks for others.
    #[must_use]
    pub fn is_trusted(&self, peer: IpAddr) -> bool {
        let peer = peer.to_canonical();
        self.0.iter().any(|network| network.contains(&peer))
    }

    /// Who asks: the peer, or the last address that trusted proxies name and is none of them.
    #[must_use]
    pub fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut client = peer.to_canonical();
        let lines: Vec<&str> = headers.get_all(FORWARDED_FOR).iter().filter_map(|v| v.to_str().ok()).collect();
        let mut hops = lines.iter().rev().flat_map(|line| line.rsplit(',')).take(MAX_HOPS);
        while self.is_trusted(client) {
            let Some(hop) = hops.next().and_then(address) else { break };
            client = hop;
        }
        client
    }
}

/// An address, with or without a port.
fn address(written: &str) -> Option<IpAddr> {
    let text = written.trim();
    let bare = text.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    let read = bare.or_else(|_| text.parse::<SocketAddr>().map(|a| a.ip()));
    read.ok().map(|ip| ip.to_canonical())
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    /// B13: `[::]`, proxies that pass the client's own header on, clients that write one.
    #[test]
    fn only_a_trusted_proxy_says_who_asks_and_only_its_own_word_counts() {
        let proxies = Proxies::parse(&["127.0.0.0/8".to_owned(), "::1".to_owned(), "10.0.0.2".to_owned()]).unwrap();
        // (peer, header lines, client)
        let table: &[(&str, &[&str], &str)] = &[
            ("192.0.2.1", &[], "192.0.2.1"),
            ("192.0.2.1", &["198.51.100.7"], "192.0.2.1"),
            ("::ffff:192.0.2.1", &["198.51.100.7"], "192.0.2.1"),
            ("127.0.0.1", &["198.51.100.7"], "198.51.100.7"),
            ("::ffff:127.0.0.1", &["198.51.100.7"], "198.51.100.7"),
            ("::1", &["203.0.113.9, 198.51.100.7"], "198.51.100.7"),
            ("127.0.0.1", &["203.0.113.9", "198.51.100.7"], "198.51.100.7"),
            ("127.0.0.1", &["198.51.100.7, 10.0.0.2"], "198.51.100.7"),
            ("127.0.0.1", &["203.0.113.9, inconnu"], "127.0.0.1"),
            ("127.0.0.1", &["198.51.100.7:4711"], "198.51.100.7"),
            ("127.0.0.1", &["[2001:db8::7]:4711"], "2001:db8::7"),
            ("127.0.0.1", &["::ffff:198.51.100.7"], "198.51.100.7"),
            ("127.0.0.1", &[], "127.0.0.1"),
        ];
        for (peer, lines, client) in table {
            let mut headers = HeaderMap::new();
            for line in *lines {
                headers.append(FORWARDED_FOR, HeaderValue::from_static(line));
            }
            assert_eq!(proxies.client(peer.parse().unwrap(), &headers).to_string(), *client, "{peer} {lines:?}");
        }
        let none = Proxies::default();
        let mut headers = HeaderMap::new();
        headers.append(FORWARDED_FOR, HeaderValue::from_static("198.51.100.7"));
        assert_eq!(none.client("127.0.0.1".parse().unwrap(), &headers).to_string(), "127.0.0.1");
        assert!(Proxies::parse(&["mandataire".to_owned()]).is_err());
    }
}
