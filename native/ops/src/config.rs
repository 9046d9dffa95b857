//! The server's options and its errors. Any thread.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// Where to listen. The port is exclusive: a second server on it is an error, never a silent share of the requests.
#[derive(Clone, Debug)]
pub enum Listen {
    /// A name or an address, and a port.
    Tcp {
        /// Without brackets.
        host: String,
        /// 0 takes a free one.
        port: u16,
    },
    /// A unix socket with mode 0600; the file of a dead server is replaced.
    Unix {
        /// At most 100 bytes.
        path: PathBuf,
    },
}

/// Options of [`crate::start`]. Each limit protects the application: what is over it is refused and counted.
#[derive(Clone, Debug)]
pub struct OpsConfig {
    /// Where.
    pub listen: Listen,
    /// Asked for by routes with [`crate::Access::Token`]; at least 16 bytes.
    pub token: Option<String>,
    /// Names accepted in `Host`, without port, beside localhost and IP addresses.
    pub allowed_hosts: Vec<String>,
    /// In [1, 4096].
    pub max_connections: u32,
    /// Request line and fields of one request, in bytes, in [256, 4096].
    pub max_head_bytes: usize,
    /// From the first byte of a request to its last. Silence is noticed with a granularity of 4 s.
    pub header_timeout: Duration,
    /// Silence between two requests of a connection, same granularity.
    pub idle_timeout: Duration,
    /// From the first byte of an answer to its last.
    pub response_timeout: Duration,
    /// Bodies in memory at a time, rendered or being sent, in bytes; at the limit a scrape gets 503.
    pub max_body_bytes: usize,
    /// Different renders that may wait; beyond, 503.
    pub max_waiting_renders: usize,
    /// Requests for something rendered, from their head to the last byte of their answer; beyond, 503. In [1, 4096].
    pub max_scrapes_in_flight: usize,
    /// For a render, its wait included; later, 503. Noticed within some milliseconds. In [10 ms, 900 s].
    pub scrape_timeout: Duration,
}

impl OpsConfig {
    /// The defaults, on `listen`.
    pub fn new(listen: Listen) -> Self {
        OpsConfig {
            listen,
            token: None,
            allowed_hosts: Vec::new(),
            max_connections: 64,
            max_head_bytes: 4096,
            header_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(75),
            response_timeout: Duration::from_secs(60),
            max_body_bytes: 64 << 20,
            max_waiting_renders: 16,
            max_scrapes_in_flight: 32,
            scrape_timeout: Duration::from_secs(10),
        }
    }

    /// # Errors
    /// [`OpsError::Option`] names the first option out of its range.
    pub(crate) fn validate(&self) -> Result<(), OpsError> {
        let check = |ok: bool, option: &'static str, expected: &'static str| {
            if ok {
                Ok(())
            } else {
                Err(OpsError::Option {
                    option,
                    expected: expected.to_owned(),
                })
            }
        };
        check(
            (1..=4096).contains(&self.max_connections),
            "maxConnections",
            "a whole number in [1, 4096]",
        )?;
        check(
            (256..=4096).contains(&self.max_head_bytes),
            "maxHeaderBytes",
            "a whole number in [256, 4096]",
        )?;
        check(
            (1..=4096).contains(&self.max_scrapes_in_flight),
            "maxScrapesInFlight",
            "a whole number in [1, 4096]",
        )?;
        check(
            (Duration::from_millis(10)..=Duration::from_secs(900)).contains(&self.scrape_timeout),
            "scrapeTimeoutMs",
            "milliseconds in [10, 900000]",
        )?;
        check(
            self.token
                .as_ref()
                .is_none_or(|t| t.len() >= 16 && t.bytes().all(|b| (33..127).contains(&b))),
            "token",
            "at least 16 printable ASCII characters without spaces",
        )?;
        check(
            self.allowed_hosts.iter().all(|h| crate::host::is_name(h.as_bytes())),
            "allowedHosts",
            "host names without scheme and port",
        )?;
        if let Listen::Unix { path } = &self.listen {
            let length = path.as_os_str().len();
            check(
                (1..=crate::listener::MAX_PATH).contains(&length),
                "socketPath",
                "a path of at most 100 bytes",
            )?;
        }
        Ok(())
    }
}

/// Why the server does not run.
#[derive(Debug)]
pub enum OpsError {
    /// An option is out of its range.
    Option {
        /// As the TypeScript API names it.
        option: &'static str,
        /// What would do.
        expected: String,
    },
    /// Another socket listens there.
    InUse {
        /// As configured.
        address: String,
    },
    /// The operating system refuses the address.
    Bind {
        /// As configured.
        address: String,
        /// What it said.
        reason: io::Error,
    },
    /// A thread, a descriptor or the engine could not be had.
    Start {
        /// Which, and why.
        reason: String,
    },
}

impl OpsError {
    /// The stable code, a key of the TypeScript error table.
    pub fn code(&self) -> &'static str {
        match self {
            OpsError::Option { .. } => "KYMO_OPS_OPTION",
            OpsError::InUse { .. } => "KYMO_OPS_PORT_IN_USE",
            OpsError::Bind { .. } | OpsError::Start { .. } => "KYMO_OPS_BIND",
        }
    }
}

impl fmt::Display for OpsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OpsError::Option { option, expected } => write!(f, "{option}: expected {expected}"),
            OpsError::InUse { address } => write!(f, "{address}"),
            OpsError::Bind { address, reason } => write!(f, "{address}: {reason}"),
            OpsError::Start { reason } => f.write_str(reason),
        }
    }
}

impl std::error::Error for OpsError {}
