//! The address guard: what may be connected to, decided **after DNS, at connect time**, for every address that comes from
//! outside. Private, loopback, link-local and embedded networks are refused unless a CIDR of the settings allows them.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::LazyLock;

use ipnet::IpNet;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::net::TcpStream;
use url::{Host, Url};

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

/// IPv4 networks that are no public destination: IANA's IPv4 Special-Purpose Address Registry (all that is not globally
/// reachable, and the relays of 6to4 and AS112 that are), multicast and the former class E.
const SPECIAL_V4: &[&str] = &[
    "0.0.0.0/8",       // this network, RFC 791
    "10.0.0.0/8",      // private, RFC 1918
    "100.64.0.0/10",   // shared, RFC 6598
    "127.0.0.0/8",     // loopback, RFC 1122
    "169.254.0.0/16",  // link-local, RFC 3927
    "172.16.0.0/12",   // private, RFC 1918
    "192.0.0.0/24",    // protocol assignments, RFC 6890
    "192.0.2.0/24",    // documentation, RFC 5737
    "192.31.196.0/24", // AS112, RFC 7535
    "192.52.193.0/24", // AMT, RFC 7450
    "192.88.99.0/24",  // 6to4 relay, RFC 7526
    "192.168.0.0/16",  // private, RFC 1918
    "192.175.48.0/24", // AS112, RFC 7534
    "198.18.0.0/15",   // benchmarking, RFC 2544
    "198.51.100.0/24", // documentation, RFC 5737
    "203.0.113.0/24",  // documentation, RFC 5737
    "224.0.0.0/4",     // multicast, RFC 5771
    "240.0.0.0/4",     // reserved, RFC 1112; 255.255.255.255 with it
];
/// The only IPv6 network that public hosts stand in (RFC 4291 §2.4; IANA's IPv6 Address Space). Loopback, mapped, translated and
/// compatible IPv4 addresses, NAT64, unique local, link-local, site-local and multicast ones are all outside.
const GLOBAL_V6: &str = "2000::/3";
/// Networks within it that are no public destination: IANA's IPv6 Special-Purpose Address Registry.
const SPECIAL_V6: &[&str] = &[
    "2001::/23",         // protocol assignments, RFC 2928: Teredo, benchmarking, ORCHID
    "2001:db8::/32",     // documentation, RFC 3849
    "2002::/16",         // 6to4: an IPv4 address inside, RFC 3056
    "2620:4f:8000::/48", // AS112, RFC 7534
    "3fff::/20",         // documentation, RFC 9637
    "3ffe::/16",         // 6bone, returned, RFC 3701
];

fn networks(written: &[&str]) -> Vec<IpNet> {
    // Constants: a test counts them.
    written.iter().filter_map(|n| n.parse().ok()).collect()
}

static NO_DESTINATION: LazyLock<Vec<IpNet>> = LazyLock::new(|| networks(&[SPECIAL_V4, SPECIAL_V6].concat()));
static DESTINATION_V6: LazyLock<Vec<IpNet>> = LazyLock::new(|| networks(&[GLOBAL_V6]));

/// ISATAP (RFC 5214 §6.1): an IPv4 address in the interface part of any prefix.
fn is_isatap(ip: Ipv6Addr) -> bool {
    let segments = ip.segments();
    segments[4] & !0x0200 == 0 && segments[5] == 0x5efe
}

/// Looks at the address that a request goes to; one written as a number passes no resolver, and is looked at here.
///
/// # Errors
/// What is refused: another scheme, no host, or the number.
pub(super) fn check_literal(url: &Url, allowed: &[IpNet]) -> Result<(), String> {
    if !matches!(url.scheme(), "http" | "https") {
        return Err(url.scheme().to_owned());
    }
    let ip: IpAddr = match url.host() {
        Some(Host::Ipv4(ip)) => ip.into(),
        Some(Host::Ipv6(ip)) => ip.into(),
        Some(Host::Domain(_)) => return Ok(()),
        None => return Err("sans hôte".to_owned()),
    };
    if may_reach(ip, allowed) { Ok(()) } else { Err(ip.to_string()) }
}

/// The address that the resolver refused, where that is why a request failed.
pub(super) fn refused(error: &reqwest::Error) -> Option<String> {
    let mut cause: Option<&dyn std::error::Error> = Some(error);
    while let Some(e) = cause {
        if let Some(refused) = e.downcast_ref::<Refused>() {
            return Some(refused.0.clone());
        }
        cause = e.source();
    }
    None
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
    let public = match ip {
        IpAddr::V4(_) => true,
        IpAddr::V6(v6) => DESTINATION_V6.iter().any(|net| net.contains(&ip)) && !is_isatap(v6),
    };
    public && !NO_DESTINATION.iter().any(|net| net.contains(&ip))
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

    /// B13: every special range, and every way to write an IPv4 address into an IPv6 one.
    #[test]
    fn only_public_addresses_are_reached_unless_allowed() {
        assert_eq!(NO_DESTINATION.len(), SPECIAL_V4.len() + SPECIAL_V6.len());
        assert_eq!(DESTINATION_V6.len(), 1);
        for ip in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "100.64.0.1",
            "100.127.255.254",
            "127.0.0.1",
            "127.255.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.255.1",
            "198.51.100.1",
            "203.0.113.7",
            "224.0.0.1",
            "239.1.1.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::10.0.0.1",
            "::127.0.0.1",
            "::ffff:10.0.0.1",
            "::ffff:169.254.169.254",
            "::ffff:0:10.0.0.1",
            "64:ff9b::a00:1",
            "64:ff9b::7f00:1",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:0:4136:e378:8000:63bf:3fff:fdd2",
            "2001:2::1",
            "2001:10::1",
            "2001:20::1",
            "2001:db8::1",
            "2002:7f00:1::1",
            "2002:c0a8:101::",
            "3fff::1",
            "3ffe::1",
            "5f00::1",
            "fc00::1",
            "fd00::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "2a01:e0a::5efe:10.0.0.1",
            "2a01:e0a::200:5efe:10.0.0.1",
            "4000::1",
        ] {
            assert!(!may_reach(ip.parse().unwrap(), &[]), "{ip}");
        }
        for ip in [
            "185.31.40.1",
            "1.1.1.1",
            "172.32.0.1",
            "100.128.0.1",
            "192.0.1.1",
            "198.20.0.1",
            "223.255.255.1",
            "2a01:e0a::1",
            "2606:4700::1111",
            "2001:470::1",
            "::ffff:1.1.1.1",
        ] {
            assert!(may_reach(ip.parse().unwrap(), &[]), "{ip}");
        }
        assert!(may_reach("10.1.2.3".parse().unwrap(), &["10.1.0.0/16".parse().unwrap()]));
        assert!(may_reach("::ffff:10.1.2.3".parse().unwrap(), &["10.1.0.0/16".parse().unwrap()]));
        assert!(may_reach("fd00::1".parse().unwrap(), &["fd00::/8".parse().unwrap()]));
    }
}
