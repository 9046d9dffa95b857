//! Which `Host` values are ours. A page in a browser can name any address it likes, but the browser tells which name it
//! used: a name that is not on the list means DNS rebinding (421). Pure; any thread.

use std::net::{Ipv4Addr, Ipv6Addr};

/// The names accepted beside localhost and IP addresses, which no DNS answer can fake.
pub struct HostRules {
    names: Vec<String>,
}

/// What a `Host` value is.
#[derive(Debug, PartialEq, Eq)]
pub enum HostVerdict {
    Accepted,
    /// 421: somebody else's name.
    Foreign,
    /// 400: no host at all.
    Malformed,
}

impl HostRules {
    /// `names` without port, any case.
    pub fn new(names: &[String]) -> Self {
        HostRules {
            names: names.iter().map(|n| n.to_ascii_lowercase()).collect(),
        }
    }

    /// Judges `host`, with or without port.
    pub fn judge(&self, host: &[u8]) -> HostVerdict {
        let Some(name) = without_port(host) else {
            return HostVerdict::Malformed;
        };
        if let Some(inner) = name.strip_prefix('[').and_then(|n| n.strip_suffix(']')) {
            return if inner.parse::<Ipv6Addr>().is_ok() {
                HostVerdict::Accepted
            } else {
                HostVerdict::Malformed
            };
        }
        if name.parse::<Ipv4Addr>().is_ok() {
            return HostVerdict::Accepted;
        }
        if !is_name(name.as_bytes()) {
            return HostVerdict::Malformed;
        }
        let name = name.strip_suffix('.').unwrap_or(name);
        let ours = name.eq_ignore_ascii_case("localhost") || self.names.iter().any(|n| n.eq_ignore_ascii_case(name));
        if ours {
            HostVerdict::Accepted
        } else {
            HostVerdict::Foreign
        }
    }
}

/// A registered name as RFC 3986 writes it, without port, brackets or percent-encoding.
pub(crate) fn is_name(name: &[u8]) -> bool {
    (1..=253).contains(&name.len())
        && name
            .iter()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_'))
}

fn without_port(host: &[u8]) -> Option<&str> {
    let host = std::str::from_utf8(host).ok()?;
    let end = if host.starts_with('[') {
        host.find(']')? + 1
    } else {
        host.find(':').unwrap_or(host.len())
    };
    let (name, rest) = host.split_at(end);
    let port_is_valid = match rest.strip_prefix(':') {
        None => rest.is_empty(),
        Some(port) => port.bytes().all(|b| b.is_ascii_digit()) && port.len() <= 5,
    };
    (port_is_valid && !name.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(host: &str) -> HostVerdict {
        HostRules::new(&["Ops.example".to_owned()]).judge(host.as_bytes())
    }

    #[test]
    fn localhost_addresses_and_configured_names_are_accepted() {
        for host in [
            "localhost",
            "LOCALHOST:9464",
            "127.0.0.1",
            "127.0.0.1:1",
            "[::1]",
            "[::1]:65535",
            "10.2.3.4:80",
            "ops.EXAMPLE:80",
            "localhost.",
        ] {
            assert_eq!(judge(host), HostVerdict::Accepted, "{host}");
        }
    }

    #[test]
    fn other_names_are_foreign() {
        for host in [
            "evil.example",
            "localhost.evil.example",
            "127.0.0.1.nip.io",
            "ops.example.evil",
            "0x7f.1",
        ] {
            assert_eq!(judge(host), HostVerdict::Foreign, "{host}");
        }
    }

    #[test]
    fn what_is_no_host_is_malformed() {
        for host in [
            "",
            ":80",
            "a b",
            "[::1",
            "[x]",
            "a:b",
            "a:123456",
            "user@localhost",
            "localhost/x",
            "é",
        ] {
            assert_eq!(judge(host), HostVerdict::Malformed, "{host}");
        }
    }
}
