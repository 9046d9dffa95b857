//! A connection that comes back by itself: connect with a time-out, notice that the other side is gone, wait longer after each failure.
//! Runs on the thread of an outlet.
use super::cut_line::{CutLine, Units};
use super::polled;
use std::fmt;
use std::hash::{BuildHasher, Hasher};
use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs, UdpSocket};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Who is on the other side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Peer {
    /// A stream to a name or address and a port.
    Tcp(String, u16),
    /// Datagrams to a name or address and a port.
    Udp(String, u16),
    /// A stream socket in the file system.
    UnixStream(PathBuf),
    /// A datagram socket in the file system.
    UnixDatagram(PathBuf),
}

/// How long things may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// For one attempt to connect; finding the address of a name is not counted.
    pub connect: Duration,
    /// The wait after the first failure; it doubles with each one.
    pub retry_min: Duration,
    /// The longest wait between attempts.
    pub retry_max: Duration,
}

/// See the module.
pub struct Connection {
    peer: Peer,
    patience: Patience,
    socket: Option<OwnedFd>,
    cut: CutLine,
    failures: u32,
    /// No attempt before then; why the last one failed.
    rests: Option<(Instant, ErrorKind, String)>,
}

/// Longer than this without an acknowledgement, the other side is taken for dead.
#[cfg(target_os = "linux")]
const UNANSWERED_MS: i32 = 30_000;
/// Silence after which the system asks whether the other side is there.
#[cfg(target_os = "linux")]
const KEEPALIVE_S: i32 = 60;
/// Every receiver of datagrams takes as many bytes (RFC 5424, section 6.1).
const LEAST_DATAGRAM: usize = 480;

impl Peer {
    /// True when each message is a datagram.
    pub fn takes_datagrams(&self) -> bool {
        matches!(self, Peer::Udp(..) | Peer::UnixDatagram(_))
    }

    fn connect(&self, timeout: Duration) -> io::Result<OwnedFd> {
        match self {
            Peer::Tcp(host, port) => {
                let stream = each_address(host, *port, |address| TcpStream::connect_timeout(&address, timeout))?;
                watch(&stream);
                Ok(stream.into())
            }
            Peer::Udp(host, port) => each_address(host, *port, |address| {
                let any = if address.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
                let socket = UdpSocket::bind(any)?;
                socket.connect(address)?;
                Ok(socket.into())
            }),
            Peer::UnixStream(path) => connect_unix(path),
            Peer::UnixDatagram(path) => {
                let socket = UnixDatagram::unbound()?;
                socket.connect(path)?;
                Ok(socket.into())
            }
        }
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Peer::Tcp(host, port) => write!(out, "tcp:{host}:{port}"),
            Peer::Udp(host, port) => write!(out, "udp:{host}:{port}"),
            Peer::UnixStream(path) => write!(out, "unix:{}", path.display()),
            Peer::UnixDatagram(path) => write!(out, "unix-datagram:{}", path.display()),
        }
    }
}

impl Connection {
    /// Connects with the first write.
    pub fn new(peer: Peer, patience: Patience) -> Connection {
        Connection {
            peer,
            patience,
            socket: None,
            cut: CutLine::default(),
            failures: 0,
            rests: None,
        }
    }

    /// Who is on the other side.
    pub fn peer(&self) -> &Peer {
        &self.peer
    }

    /// Sends some of `bytes`, whole units. What the system took before a connection broke may be lost with it.
    ///
    /// # Errors
    /// What the system says; between two attempts to connect, what it said last.
    pub fn send(&mut self, bytes: &[u8], units: Units<'_>) -> io::Result<usize> {
        let socket = self.open()?;
        let sent = self.cut.write(bytes, units, |part| polled::send(socket, part));
        self.judge(sent)
    }

    /// Sends one message as a datagram. One that is too long for the way is sent cut short, between two characters.
    ///
    /// # Errors
    /// As [`Connection::send`].
    pub fn send_datagram(&mut self, message: &[u8]) -> io::Result<()> {
        let socket = self.open()?;
        let mut length = message.len();
        let sent = loop {
            match polled::send(socket, &message[..length]) {
                Err(error) if error.raw_os_error() == Some(libc::EMSGSIZE) && length > LEAST_DATAGRAM => {
                    length = cut_at(message, (length / 2).max(LEAST_DATAGRAM));
                }
                other => break other,
            }
        };
        self.judge(sent).map(|_| ())
    }

    /// Notices, also while nothing is sent, that the other side closed the connection.
    pub fn check(&mut self) {
        if let Some(socket) = &self.socket
            && !self.peer.takes_datagrams()
            && !polled::is_open(socket.as_raw_fd())
        {
            self.close();
        }
    }

    /// Connects anew with the next write, at once.
    pub fn reopen(&mut self) {
        self.close();
        self.failures = 0;
        self.rests = None;
    }

    /// True until it is known to be closed.
    #[cfg(test)]
    pub fn is_connected(&self) -> bool {
        self.socket.is_some()
    }

    /// Failures since the last success.
    #[cfg(test)]
    pub fn failures(&self) -> u32 {
        self.failures
    }

    fn open(&mut self) -> io::Result<RawFd> {
        self.check();
        if let Some(socket) = &self.socket {
            return Ok(socket.as_raw_fd());
        }
        if let Some((until, kind, why)) = &self.rests
            && Instant::now() < *until
        {
            return Err(io::Error::new(*kind, why.clone()));
        }
        match self.peer.connect(self.patience.connect) {
            Ok(socket) => {
                let descriptor = socket.as_raw_fd();
                self.socket = Some(socket);
                Ok(descriptor)
            }
            Err(error) => Err(self.failed(error)),
        }
    }

    fn judge<T>(&mut self, sent: io::Result<T>) -> io::Result<T> {
        match sent {
            Ok(sent) => {
                self.failures = 0;
                self.rests = None;
                Ok(sent)
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => Err(error),
            Err(error) => {
                self.close();
                Err(self.failed(error))
            }
        }
    }

    fn close(&mut self) {
        self.socket = None;
        self.cut.restart();
    }

    fn failed(&mut self, error: io::Error) -> io::Error {
        let wait = self.patience.retry_min.saturating_mul(1 << self.failures.min(16));
        self.failures = self.failures.saturating_add(1);
        let wait = wait.min(self.patience.retry_max);
        // Up to a quarter less, so that the processes of a host do not all come back in one moment.
        let wait = wait - wait.mul_f64(fraction() / 4.0);
        self.rests = Some((Instant::now() + wait, error.kind(), error.to_string()));
        error
    }
}

/// The largest length of at most `limit` bytes that cuts no character of UTF-8.
pub fn cut_at(text: &[u8], limit: usize) -> usize {
    if text.len() <= limit {
        return text.len();
    }
    let is_inside = |at: &usize| text[*at] & 0xc0 == 0x80;
    (limit.saturating_sub(3)..=limit)
        .rev()
        .find(|at| !is_inside(at))
        .unwrap_or(limit)
}

fn each_address<T>(host: &str, port: u16, mut connect: impl FnMut(SocketAddr) -> io::Result<T>) -> io::Result<T> {
    let mut failure = io::Error::new(ErrorKind::NotFound, "the name has no address");
    for address in (host, port).to_socket_addrs()? {
        match connect(address) {
            Ok(socket) => return Ok(socket),
            Err(error) => failure = error,
        }
    }
    Err(failure)
}

/// As `UnixStream::connect`, which waits for as long as the server's queue is full; this one fails then.
fn connect_unix(path: &Path) -> io::Result<OwnedFd> {
    // SAFETY: all zero is a valid sockaddr_un.
    let mut address: libc::sockaddr_un = unsafe { std::mem::zeroed() };
    address.sun_family = libc::AF_UNIX as libc::sa_family_t;
    let bytes = path.as_os_str().as_bytes();
    if bytes.len() >= address.sun_path.len() {
        return Err(io::Error::from_raw_os_error(libc::ENAMETOOLONG));
    }
    for (place, byte) in address.sun_path.iter_mut().zip(bytes) {
        *place = *byte as libc::c_char;
    }
    // SAFETY: socket touches no memory.
    let descriptor = unsafe { libc::socket(libc::AF_UNIX, UNIX_STREAM, 0) };
    if descriptor < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: a fresh descriptor that nobody else owns.
    let socket = UnixStream::from(unsafe { OwnedFd::from_raw_fd(descriptor) });
    socket.set_nonblocking(true)?;
    let size = size_of::<libc::sockaddr_un>() as libc::socklen_t;
    // SAFETY: connect reads one address of that size from the pointer.
    if unsafe { libc::connect(descriptor, std::ptr::from_ref(&address).cast(), size) } == 0 {
        return Ok(socket.into());
    }
    let error = io::Error::last_os_error();
    Err(match error.kind() {
        ErrorKind::WouldBlock => io::Error::new(ErrorKind::TimedOut, "the server accepts no connection"),
        _ => error,
    })
}

/// Not inherited by child processes.
#[cfg(target_os = "linux")]
const UNIX_STREAM: i32 = libc::SOCK_STREAM | libc::SOCK_CLOEXEC;
#[cfg(not(target_os = "linux"))]
const UNIX_STREAM: i32 = libc::SOCK_STREAM;

/// Has the system notice a peer that vanished without a word. Where an option is refused, it takes longer.
fn watch(stream: &TcpStream) {
    let set = |level: i32, name: i32, value: i32| {
        let size = size_of::<i32>() as libc::socklen_t;
        // SAFETY: setsockopt reads one i32 from the pointer.
        unsafe { libc::setsockopt(stream.as_raw_fd(), level, name, std::ptr::from_ref(&value).cast(), size) };
    };
    set(libc::SOL_SOCKET, libc::SO_KEEPALIVE, 1);
    #[cfg(target_os = "linux")]
    {
        set(libc::IPPROTO_TCP, libc::TCP_KEEPIDLE, KEEPALIVE_S);
        set(libc::IPPROTO_TCP, libc::TCP_USER_TIMEOUT, UNANSWERED_MS);
    }
}

/// In [0, 1). The seed of a hash map is a random number that costs no system call.
fn fraction() -> f64 {
    f64::from(std::hash::RandomState::new().build_hasher().finish() as u32) / (f64::from(u32::MAX) + 1.0)
}
