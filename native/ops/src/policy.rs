//! What a request is answered with, before any body is made: framing, Host, target, method, token. Pure; ops thread.

use crate::host::{HostRules, HostVerdict};
use crate::route::{Access, RouteTable};
use crate::target::Target;
use crate::token;

/// One request as the shim hands it over.
pub(crate) struct Head<'a> {
    pub method: &'a [u8],
    pub target: &'a [u8],
    /// Names in lower case, values trimmed.
    pub fields: &'a [(&'a [u8], &'a [u8])],
    pub bytes: usize,
    /// 0 or 1
    pub minor_version: u32,
}

impl<'a> Head<'a> {
    pub fn all(&self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        self.fields
            .iter()
            .filter(move |(n, _)| *n == name.as_bytes())
            .map(|(_, value)| *value)
    }

    pub fn first(&self, name: &str) -> Option<&'a [u8]> {
        self.all(name).next()
    }
}

/// The answer, but for its body.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Refuse {
        status: u16,
        route: Option<usize>,
    },
    /// 204 with `Allow`
    Options {
        route: Option<usize>,
    },
    Serve {
        route: usize,
        head_only: bool,
    },
}

/// The verdict, and whether the connection ends behind it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Decision {
    pub verdict: Verdict,
    pub close: bool,
}

/// A declared body is read and thrown away up to here; a longer or a chunked one ends the connection.
const MAX_BODY_BYTES: u64 = 64 << 10;

pub(crate) struct Policy<'a> {
    pub routes: &'a RouteTable,
    pub hosts: &'a HostRules,
    pub token: Option<&'a [u8]>,
    pub max_head_bytes: usize,
}

impl Policy<'_> {
    pub fn decide(&self, head: &Head<'_>) -> Decision {
        let refuse = |status| Decision {
            verdict: Verdict::Refuse { status, route: None },
            close: true,
        };
        if head.bytes > self.max_head_bytes {
            return refuse(431);
        }
        let Some(close) = framing(head) else { return refuse(400) };
        // Two Hosts are two opinions about who was meant; a missing one is an error in HTTP/1.1 only (RFC 9112, 3.2).
        let mut hosts = head.all("host");
        let (host, further) = (hosts.next(), hosts.next());
        if further.is_some() || (host.is_none() && head.minor_version > 0) {
            return refuse(400);
        }
        let target = Target::parse(head.target);
        let authority = match target {
            Target::Path {
                authority: Some(authority),
                ..
            } => Some(authority),
            _ => host,
        };
        match authority.map(|a| self.hosts.judge(a)) {
            None | Some(HostVerdict::Accepted) => {}
            Some(HostVerdict::Foreign) => return refuse(421),
            Some(HostVerdict::Malformed) => return refuse(400),
        }
        match target {
            Target::Malformed => refuse(400),
            Target::Server if head.method == b"OPTIONS" => Decision {
                verdict: Verdict::Options { route: None },
                close,
            },
            Target::Server => refuse(400),
            Target::Path { path, .. } => Decision {
                verdict: self.route(path, head),
                close,
            },
        }
    }

    fn route(&self, path: &[u8], head: &Head<'_>) -> Verdict {
        let Some(route) = self.routes.find(path) else {
            return Verdict::Refuse {
                status: 404,
                route: None,
            };
        };
        let head_only = match head.method {
            b"GET" => false,
            b"HEAD" => true,
            b"OPTIONS" => return Verdict::Options { route: Some(route) },
            _ => {
                return Verdict::Refuse {
                    status: 405,
                    route: Some(route),
                };
            }
        };
        match (self.routes.routes[route].access, self.token) {
            (Access::Token, Some(token)) if !token::accepts(token, head.first("authorization")) => Verdict::Refuse {
                status: 401,
                route: Some(route),
            },
            _ => Verdict::Serve { route, head_only },
        }
    }
}

/// None: the length of the body is in doubt. Some(true): it is not read to its end, so the connection must close.
fn framing(head: &Head<'_>) -> Option<bool> {
    let mut lengths = head.all("content-length");
    let length = lengths.next();
    let chunked = head.first("transfer-encoding").is_some();
    if lengths.next().is_some() || (chunked && (length.is_some() || head.minor_version == 0)) {
        return None;
    }
    let Some(length) = length else { return Some(chunked) };
    let digits = !length.is_empty() && length.len() <= 18 && length.iter().all(u8::is_ascii_digit);
    let length: u64 = digits.then(|| std::str::from_utf8(length).ok()?.parse().ok())??;
    Some(length > MAX_BODY_BYTES)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::response::{Body, Page};
    use crate::route::Route;

    fn decide(method: &str, target: &str, fields: &[(&str, &str)], minor_version: u32) -> Decision {
        let page = Page {
            status: 200,
            body: Body::json("{}"),
        };
        let routes = RouteTable::new().with(Route::page("/metrics", Access::Token, page));
        let hosts = HostRules::new(&[]);
        let policy = Policy {
            routes: &routes,
            hosts: &hosts,
            token: Some(b"0123456789abcdef"),
            max_head_bytes: 4096,
        };
        let fields: Vec<_> = fields.iter().map(|(n, v)| (n.as_bytes(), v.as_bytes())).collect();
        policy.decide(&Head {
            method: method.as_bytes(),
            target: target.as_bytes(),
            fields: &fields,
            bytes: 100,
            minor_version,
        })
    }

    fn status(fields: &[(&str, &str)]) -> u16 {
        match decide("GET", "/live", fields, 1).verdict {
            Verdict::Refuse { status, .. } => status,
            Verdict::Serve { .. } => 200,
            Verdict::Options { .. } => 204,
        }
    }

    #[test]
    fn a_body_of_doubtful_length_is_refused() {
        let host = ("host", "localhost");
        assert_eq!(status(&[host, ("content-length", "0")]), 200);
        assert_eq!(status(&[host, ("transfer-encoding", "chunked")]), 200);
        for fields in [
            &[("content-length", "1"), ("content-length", "1")][..],
            &[("content-length", "")],
            &[("content-length", "+4")],
            &[("content-length", "4,4")],
            &[("content-length", "0x4")],
            &[("content-length", "9999999999999999999")],
            &[("transfer-encoding", "chunked"), ("content-length", "4")],
            &[("transfer-encoding", ""), ("content-length", "4")],
        ] {
            assert_eq!(status(&[&[host], fields].concat()), 400, "{fields:?}");
        }
    }

    #[test]
    fn a_body_that_is_not_read_ends_the_connection() {
        let close = |name, value| decide("GET", "/live", &[("host", "localhost"), (name, value)], 1).close;
        assert!(!close("content-length", "65536"));
        assert!(close("content-length", "65537"));
        assert!(close("transfer-encoding", "chunked"));
    }

    #[test]
    fn exactly_one_host_is_needed_and_none_in_http_1_0() {
        assert_eq!(status(&[]), 400);
        assert_eq!(status(&[("host", "localhost"), ("host", "localhost")]), 400);
        assert_eq!(status(&[("host", "evil.example")]), 421);
        assert!(matches!(decide("GET", "/live", &[], 0).verdict, Verdict::Serve { .. }));
        let foreign = decide("GET", "/live", &[("host", "evil.example")], 0).verdict;
        assert_eq!(
            foreign,
            Verdict::Refuse {
                status: 421,
                route: None
            }
        );
        let absolute = decide("GET", "http://evil.example/live", &[("host", "localhost")], 1).verdict;
        assert_eq!(
            absolute,
            Verdict::Refuse {
                status: 421,
                route: None
            },
            "an absolute target wins over Host"
        );
    }

    #[test]
    fn the_token_guards_its_routes_only() {
        let host = ("host", "localhost");
        let ask = |path, fields: &[(&str, &str)]| decide("GET", path, &[&[host], fields].concat(), 1).verdict;
        assert_eq!(
            ask("/metrics", &[]),
            Verdict::Refuse {
                status: 401,
                route: Some(1)
            }
        );
        assert_eq!(
            ask("/metrics", &[("authorization", "Bearer 0123456789abcdef")]),
            Verdict::Serve {
                route: 1,
                head_only: false
            }
        );
        assert_eq!(
            ask("/live", &[]),
            Verdict::Serve {
                route: 0,
                head_only: false
            }
        );
    }
}
