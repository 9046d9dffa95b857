//! Sinks of lines for JS, which has checked and completed their options; see `src/binding/native-log-sinks.ts`. App threads; cold.

use super::logs;
use crate::raw::{CodedError, coded};
use kymo_core::logs::sinks::connection::{Patience, Peer};
use kymo_core::logs::sinks::descriptor::DescriptorSink;
use kymo_core::logs::sinks::file::FileSink;
use kymo_core::logs::sinks::file_options::{FileOptions, Sync};
use kymo_core::logs::sinks::names::Packing;
use kymo_core::logs::sinks::socket::SocketSink;
use kymo_core::logs::sinks::syslog::{Framing, SyslogSink};
use kymo_core::logs::sinks::syslog_message::{FACILITIES, Header, Standard, host_name};
use kymo_core::logs::{LineWriter, OutletOptions};
use napi_derive::napi;
use std::path::PathBuf;
use std::time::Duration;

/// A file, or files that are named by day and number.
#[napi(object)]
pub struct LogFileOptions {
    /// Absolute.
    pub path: String,
    /// A new file each UTC day.
    pub daily: bool,
    /// A new file beyond so many bytes.
    pub max_bytes: Option<f64>,
    /// Files of more days are deleted.
    pub retention_days: Option<u32>,
    /// Bytes of all files together.
    pub max_total_bytes: Option<f64>,
    /// `none`, `gzip` or `zstd`.
    pub compression: String,
    /// Permission bits of new files.
    pub mode: u32,
    /// Makes a missing folder.
    pub mkdir: bool,
    /// `never`, `flush` or `always`.
    pub fsync: String,
    /// In place of the word: the lowest level that is synced at once.
    pub fsync_level: Option<u32>,
}

/// The other side of a socket.
#[napi(object)]
pub struct LogPeer {
    /// `tcp`, `udp`, `unix-stream` or `unix-datagram`.
    pub kind: String,
    /// Of TCP and UDP.
    pub host: Option<String>,
    /// Of TCP and UDP.
    pub port: Option<u32>,
    /// Of Unix sockets.
    pub path: Option<String>,
    /// For one attempt.
    pub connect_timeout_ms: f64,
    /// After the first failure.
    pub retry_min_ms: f64,
    /// Between two attempts at most.
    pub retry_max_ms: f64,
}

/// How lines become messages.
#[napi(object)]
pub struct LogSyslogOptions {
    /// `rfc5424` or `rfc3164`.
    pub standard: String,
    /// By its name.
    pub facility: String,
    /// This host's own when it is not given.
    pub hostname: Option<String>,
    /// Name of the program.
    pub app_name: String,
    /// `octet-counting` or `newline`.
    pub framing: String,
    /// Longest message.
    pub max_message_bytes: u32,
}

/// One of `file`, `descriptor` and `peer`; `syslog` goes with a peer.
#[napi(object)]
pub struct LogSinkOptions {
    /// Label value of its metrics.
    pub label: String,
    /// Bytes that are kept while it holds up others.
    pub backlog_bytes: Option<f64>,
    /// See [`LogFileOptions`].
    pub file: Option<LogFileOptions>,
    /// Number of an open descriptor.
    pub descriptor: Option<i32>,
    /// See [`LogPeer`].
    pub peer: Option<LogPeer>,
    /// See [`LogSyslogOptions`].
    pub syslog: Option<LogSyslogOptions>,
}

/// Makes a sink and gives its number. Files and connections are opened by the first line. Fails with `KYMO_LOG_SINK`.
#[napi(catch_unwind)]
pub fn log_sink(options: LogSinkOptions) -> Result<u32, CodedError> {
    let outlet_options = OutletOptions {
        label: options.label,
        backlog_bytes: options.backlog_bytes.map_or(0, |bytes| bytes as usize),
    };
    let writer: Box<dyn LineWriter> = match (options.file, options.descriptor, options.peer) {
        (Some(file), None, None) => Box::new(FileSink::new(file_options(file)?)),
        (None, Some(number), None) => {
            let sink = DescriptorSink::new(number);
            Box::new(sink.map_err(|error| coded("KYMO_LOG_SINK", format!("descriptor {number}: {error}")))?)
        }
        (None, None, Some(peer)) => {
            let patience = Patience {
                connect: ms(peer.connect_timeout_ms),
                retry_min: ms(peer.retry_min_ms),
                retry_max: ms(peer.retry_max_ms),
            };
            let peer = peer_of(peer)?;
            match options.syslog {
                None => Box::new(SocketSink::new(peer, patience)),
                Some(syslog) => Box::new(syslog_sink(peer, patience, &syslog)?),
            }
        }
        _ => return Err(unknown("kind", "not given once")),
    };
    let outlet = logs()?.outlet(writer, &outlet_options);
    outlet
        .map(|outlet| outlet.number())
        .map_err(|error| coded("KYMO_LOG_SINK", error.to_string()))
}

fn file_options(options: LogFileOptions) -> Result<FileOptions, CodedError> {
    Ok(FileOptions {
        path: PathBuf::from(options.path),
        daily: options.daily,
        max_bytes: options.max_bytes.map(|bytes| bytes as u64),
        retention_days: options.retention_days,
        max_total_bytes: options.max_total_bytes.map(|bytes| bytes as u64),
        packing: match options.compression.as_str() {
            "none" => None,
            "gzip" => Some(Packing::Gzip),
            "zstd" => Some(Packing::Zstd),
            other => return Err(unknown("compression", other)),
        },
        mode: options.mode,
        make_folder: options.mkdir,
        sync: match (options.fsync_level, options.fsync.as_str()) {
            (Some(level), _) => Sync::Level(u16::try_from(level).unwrap_or(u16::MAX)),
            (None, "never") => Sync::Never,
            (None, "flush") => Sync::Flush,
            (None, "always") => Sync::Always,
            (None, other) => return Err(unknown("fsync", other)),
        },
    })
}

fn peer_of(peer: LogPeer) -> Result<Peer, CodedError> {
    let host = peer.host.unwrap_or_default();
    let path = PathBuf::from(peer.path.unwrap_or_default());
    let port = peer.port.and_then(|port| u16::try_from(port).ok()).unwrap_or(0);
    Ok(match peer.kind.as_str() {
        "tcp" => Peer::Tcp(host, port),
        "udp" => Peer::Udp(host, port),
        "unix-stream" => Peer::UnixStream(path),
        "unix-datagram" => Peer::UnixDatagram(path),
        other => return Err(unknown("peer", other)),
    })
}

fn syslog_sink(peer: Peer, patience: Patience, options: &LogSyslogOptions) -> Result<SyslogSink, CodedError> {
    let standard = match options.standard.as_str() {
        "rfc5424" => Standard::Rfc5424,
        "rfc3164" => Standard::Rfc3164,
        other => return Err(unknown("standard", other)),
    };
    let framing = match options.framing.as_str() {
        "octet-counting" => Framing::OctetCounting,
        "newline" => Framing::Newline,
        other => return Err(unknown("framing", other)),
    };
    let facility = FACILITIES.iter().position(|name| *name == options.facility);
    let facility = facility.ok_or_else(|| unknown("facility", &options.facility))?;
    let host = options.hostname.clone().unwrap_or_else(host_name);
    let is_local = matches!(peer, Peer::UnixStream(_) | Peer::UnixDatagram(_));
    let longest = options.max_message_bytes as usize;
    let header = Header::new(standard, facility as u8, &host, &options.app_name, is_local, longest);
    Ok(SyslogSink::new(peer, patience, header, framing))
}

fn ms(value: f64) -> Duration {
    Duration::try_from_secs_f64(value / 1_000.0).unwrap_or_default()
}

fn unknown(what: &str, value: &str) -> CodedError {
    coded("KYMO_LOG_SINK", format!("{what} is {value}"))
}
