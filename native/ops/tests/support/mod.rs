//! A server on a free port and a client that speaks raw bytes to it.
#![allow(dead_code, clippy::unwrap_used, missing_docs)]

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use kymo_ops::{Access, Address, Body, Listen, OpsConfig, OpsCounters, OpsServer, Route, RouteTable, ScrapeRequest};

pub const HOST: &str = "Host: localhost\r\n";
pub const TOKEN: &str = "0123456789abcdef";
/// Longer than anything here takes; only a failure waits for it.
pub const PATIENCE: Duration = Duration::from_secs(30);

pub struct Server {
    pub ops: OpsServer,
    pub counters: Arc<OpsCounters>,
    pub port: u16,
}

pub fn config() -> OpsConfig {
    OpsConfig::new(Listen::Tcp {
        host: "127.0.0.1".to_owned(),
        port: 0,
    })
}

pub fn text(body: impl Into<Vec<u8>>) -> Body {
    Body::plain("text/plain", body)
}

pub fn metrics(render: impl Fn(&ScrapeRequest<'_>) -> Body + Send + Sync + 'static) -> RouteTable {
    RouteTable::new().with(Route::rendered(
        "/metrics",
        Access::Token,
        Arc::new(move |request| render(request).into()),
    ))
}

pub fn serve(config: OpsConfig, routes: RouteTable) -> Server {
    let counters = OpsCounters::new();
    let ops = kymo_ops::start(config, routes, Arc::clone(&counters)).unwrap();
    let Address::Tcp { port, .. } = *ops.address() else {
        panic!("no port")
    };
    Server { ops, counters, port }
}

/// A server with `/live` and a `/metrics` that says `up 1`.
pub fn plain() -> Server {
    serve(config(), metrics(|_| text("up 1\n")))
}

impl Server {
    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        stream
    }

    /// Sends `request` at once and reads one answer.
    pub fn ask(&self, request: &str) -> Answer {
        let mut stream = self.connect();
        stream.write_all(request.as_bytes()).unwrap();
        read_answer(&mut stream, request.starts_with("HEAD "))
    }

    pub fn get(&self, path: &str) -> Answer {
        self.ask(&format!("GET {path} HTTP/1.1\r\n{HOST}\r\n"))
    }

    /// Everything the server says to `request` until it closes the connection.
    pub fn ask_to_end(&self, request: &[u8]) -> String {
        let mut stream = self.connect();
        stream.write_all(request).unwrap();
        read_to_end(&mut stream)
    }

    pub fn count(&self, route: &str, code: u16) -> u64 {
        self.counters
            .value("kymo_ops_requests_total", &format!("route=\"{route}\",code=\"{code}\""))
    }

    pub fn total(&self, name: &str) -> u64 {
        self.counters.value(&format!("kymo_ops_{name}"), "")
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
    /// The connection ended in place of an answer, or inside of it.
    pub cut: bool,
}

impl Answer {
    pub fn field(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (n, v) = line.split_once(": ")?;
            n.eq_ignore_ascii_case(name).then_some(v)
        })
    }

    pub fn body_text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
}

pub fn read_answer(stream: &mut TcpStream, head_only: bool) -> Answer {
    let mut bytes = Vec::new();
    let mut cut = false;
    while !bytes.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        match stream.read(&mut byte) {
            Ok(1) => bytes.push(byte[0]),
            Ok(_) => {
                cut = true;
                break;
            }
            Err(e) if e.kind() == ErrorKind::ConnectionReset => {
                cut = true;
                break;
            }
            Err(e) => panic!("{e} after {}", String::from_utf8_lossy(&bytes)),
        }
    }
    let head = String::from_utf8(bytes).unwrap();
    let status = head.split(' ').nth(1).and_then(|s| s.parse().ok()).unwrap_or(0);
    let mut answer = Answer {
        status,
        head,
        body: Vec::new(),
        cut,
    };
    let length = answer.field("content-length").and_then(|v| v.parse().ok()).unwrap_or(0);
    if !head_only && !cut {
        answer.body.resize(length, 0);
        answer.cut = stream.read_exact(&mut answer.body).is_err();
    }
    answer
}

pub fn read_to_end(stream: &mut TcpStream) -> String {
    let mut all = Vec::new();
    match stream.read_to_end(&mut all) {
        Ok(_) => {}
        Err(e) if e.kind() == ErrorKind::ConnectionReset => {}
        Err(e) => panic!("{e} after {}", String::from_utf8_lossy(&all)),
    }
    String::from_utf8_lossy(&all).into_owned()
}

/// Waits for a condition that must come true.
pub fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < until, "never happened: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// True once the peer has closed.
pub fn is_closed(stream: &mut TcpStream) -> bool {
    matches!(stream.read(&mut [0; 64]), Ok(0) | Err(_))
}

/// Sends the FIN, unless the server has ended the connection before.
pub fn finish_writing(stream: &TcpStream) {
    match stream.shutdown(Shutdown::Write) {
        Err(e) if e.kind() != ErrorKind::NotConnected => panic!("{e}"),
        _ => {}
    }
}

/// Ends a connection by RST.
pub fn reset(stream: TcpStream) {
    let linger = libc::linger {
        l_onoff: 1,
        l_linger: 0,
    };
    // SAFETY: plain system call on a value of ours.
    let result = unsafe {
        libc::setsockopt(
            stream.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_LINGER,
            (&raw const linger).cast(),
            size_of::<libc::linger>() as libc::socklen_t,
        )
    };
    assert_eq!(result, 0);
}

/// Runs the test `name` of this binary in a process of its own, with `KYMO_TEST_CHILD` set.
pub fn in_child(name: &str) -> std::process::Output {
    std::process::Command::new(std::env::current_exe().unwrap())
        .args([name, "--exact", "--nocapture", "--test-threads=1"])
        .env("KYMO_TEST_CHILD", "1")
        .output()
        .unwrap()
}

pub fn is_child() -> bool {
    std::env::var_os("KYMO_TEST_CHILD").is_some()
}

/// Resident memory of this process, in bytes.
#[cfg(target_os = "linux")]
pub fn resident_bytes() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: usize = statm.split(' ').nth(1).unwrap().parse().unwrap();
    pages * 4096
}
