//! Whose address is it? The peer's, unless the peer is a proxy that the settings name.
//!
//! `X-Forwarded-For` is read from the right: each trusted hop vouches for the one before it, and the first that is not
//! trusted is the client. `Forwarded` is not read, nor anything a stranger sends.

use std::net::IpAddr;

use ipnet::IpNet;

/// The client's address as it enters the trail.
pub fn client(peer: Option<IpAddr>, forwarded: &[&str], trusted: &[IpNet]) -> Option<IpAddr> {
    let is_trusted = |a: IpAddr| trusted.iter().any(|net| net.contains(&a));
    let mut address = peer?.to_canonical();
    let hops = forwarded.iter().flat_map(|line| line.split(',')).map(str::trim).collect::<Vec<_>>();
    for hop in hops.into_iter().rev().take(16) {
        if !is_trusted(address) {
            break;
        }
        // A hop that is no address ends the walk: nothing left of it can be believed.
        let Ok(next) = hop.parse::<IpAddr>() else { break };
        address = next.to_canonical();
    }
    Some(address)
}

/// Is the peer a proxy whose word counts?
#[cfg(feature = "otel")]
pub fn vouches(peer: Option<IpAddr>, trusted: &[IpNet]) -> bool {
    peer.is_some_and(|peer| trusted.iter().any(|net| net.contains(&peer.to_canonical())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> Option<IpAddr> {
        text.parse().ok()
    }

    #[test]
    fn s35_only_named_proxies_vouch() {
        let trusted: Vec<IpNet> = vec!["10.0.0.0/8".parse().unwrap()];
        assert_eq!(client(ip("203.0.113.5"), &["1.2.3.4"], &trusted), ip("203.0.113.5"), "a stranger's header is not read");
        assert_eq!(client(ip("10.0.0.1"), &["6.6.6.6, 198.51.100.7"], &trusted), ip("198.51.100.7"), "the hop from the right counts");
        assert_eq!(client(ip("10.0.0.1"), &["198.51.100.7, 10.0.0.2"], &trusted), ip("198.51.100.7"), "two proxies");
        assert_eq!(client(ip("10.0.0.1"), &["6.6.6.6", "198.51.100.7"], &trusted), ip("198.51.100.7"), "two header lines are one list");
        assert_eq!(client(ip("10.0.0.1"), &["198.51.100.7, unknown"], &trusted), ip("10.0.0.1"));
        assert_eq!(client(ip("10.0.0.1"), &[], &trusted), ip("10.0.0.1"));
        assert_eq!(client(ip("::ffff:10.0.0.1"), &["198.51.100.7"], &trusted), ip("198.51.100.7"));
    }
}
