//! The address guard: what may be connected to, decided **after DNS, at connect time**, for every address that comes from
//! outside. Private, loopback, link-local and embedded networks are refused unless a CIDR of the settings allows them.

use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::net::TcpStream;

/// Resolves names and drops the addresses that may not be reached; the connector gets no others.
pub(super) struct GuardedResolver {
    pub(super) allowed: Vec<IpNet>,
}

#[derive(Debug, thiserror::Error)]
#[error("{0} : réseau privé ou local")]
pub(super) struct Refused(pub(super) String);

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let allowed = self.allowed.clone();
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let kept: Vec<SocketAddr> = found.iter().copied().filter(|a| may_reach(a.ip(), &allowed)).collect();
            if kept.is_empty() && !found.is_empty() {
                return Err(Refused(found[0].ip().to_string()).into());
            }
            Ok(Box::new(kept.into_iter()) as Addrs)
        })
    }
}

/// Whether an address is a public one, or lies in a network that was allowed.
#[must_use]
pub fn may_reach(ip: IpAddr, allowed: &[IpNet]) -> bool {
    let ip = match ip {
        IpAddr::V6(v6) => v6.to_ipv4_mapped().map_or(ip, IpAddr::V4),
        v4 => v4,
    };
    if allowed.iter().any(|net| net.contains(&ip)) {
        return true;
    }
    match ip {
        IpAddr::V4(v4) => {
            let [a, b, c, _] = v4.octets();
            let shared = a == 100 && (64..128).contains(&b); // RFC 6598
            let special = a == 0 || a >= 240 || (a == 192 && b == 0 && c == 0) || (a == 198 && (18..20).contains(&b));
            !(v4.is_private()
                || v4.is_loopback()
                || v4.is_link_local()
                || v4.is_multicast()
                || v4.is_documentation()
                || shared
                || special)
        }
        IpAddr::V6(v6) => {
            let [first, second, ..] = v6.segments();
            let unique_local = first & 0xfe00 == 0xfc00;
            let link_local = first & 0xffc0 == 0xfe80;
            let embeds_v4 = (first == 0x64 && second == 0xff9b) || first == 0x2002; // NAT64, 6to4
            !(v6.is_loopback() || v6.is_unspecified() || v6.is_multicast() || unique_local || link_local || embeds_v4)
        }
    }
}

/// Connects to a mail server or the like by name, through the same check as web addresses: the socket is opened to an
/// address that was looked at, never to one resolved again.
///
/// # Errors
/// Every address is refused or unreachable.
pub async fn connect(host: &str, port: u16, allowed: &[IpNet]) -> std::io::Result<TcpStream> {
    let found: Vec<SocketAddr> = tokio::net::lookup_host((host, port)).await?.collect();
    let mut last = std::io::Error::new(std::io::ErrorKind::NotFound, "aucune adresse");
    for address in found {
        if !may_reach(address.ip(), allowed) {
            last = std::io::Error::new(std::io::ErrorKind::PermissionDenied, Refused(address.ip().to_string()));
            continue;
        }
        match TcpStream::connect(address).await {
            Ok(stream) => return Ok(stream),
            Err(e) => last = e,
        }
    }
    Err(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_networks_are_out_of_reach_unless_allowed() {
        for ip in [
            "10.0.0.1",
            "127.0.0.1",
            "169.254.169.254",
            "192.168.1.1",
            "100.64.0.1",
            "0.0.0.0",
            "::1",
            "fe80::1",
            "fd00::1",
            "::ffff:10.0.0.1",
            "64:ff9b::a00:1",
        ] {
            assert!(!may_reach(ip.parse().unwrap(), &[]), "{ip}");
        }
        assert!(may_reach("185.31.40.1".parse().unwrap(), &[]));
        assert!(may_reach("10.1.2.3".parse().unwrap(), &["10.1.0.0/16".parse().unwrap()]));
    }
}
