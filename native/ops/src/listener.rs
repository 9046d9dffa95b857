//! Makes the listening socket, in Rust and not in the engine: its own version shares ports silently, and unlinks whatever
//! file is at a socket's path. Calling thread.

use std::fs;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use crate::config::{Listen, OpsError};
use crate::server::Address;

/// Longest path of a unix socket: 108 bytes on Linux, 104 on macOS, both with the final NUL.
pub(crate) const MAX_PATH: usize = 100;

/// Connections that may wait to be accepted, as Node has it; the kernel cuts it to its own limit.
const BACKLOG: libc::c_int = 511;

/// A bound, listening, non-blocking socket.
pub(crate) struct Bound {
    pub descriptor: OwnedFd,
    pub address: Address,
    pub file: Option<SocketFile>,
}

/// Binds `listen` exclusively.
///
/// # Errors
/// [`OpsError::InUse`] when somebody listens there, else [`OpsError::Bind`].
pub(crate) fn bind(listen: &Listen) -> Result<Bound, OpsError> {
    match listen {
        Listen::Tcp { host, port } => {
            let shown = format!("{host}:{port}");
            let listener = bind_tcp(host, *port).map_err(|e| refusal(shown, e))?;
            let local = listener.local_addr().map_err(|e| refusal(host.clone(), e))?;
            Ok(Bound {
                address: address_of(host, local),
                descriptor: listener.into(),
                file: None,
            })
        }
        Listen::Unix { path } => {
            let (listener, file) = bind_unix(path).map_err(|e| refusal(path.display().to_string(), e))?;
            Ok(Bound {
                descriptor: listener.into(),
                address: Address::Unix(path.clone()),
                file: Some(file),
            })
        }
    }
}

fn refusal(address: String, reason: io::Error) -> OpsError {
    if reason.kind() == io::ErrorKind::AddrInUse {
        OpsError::InUse { address }
    } else {
        OpsError::Bind { address, reason }
    }
}

fn bind_tcp(host: &str, port: u16) -> io::Result<TcpListener> {
    // std sets SO_REUSEADDR, so that a port in TIME_WAIT can be bound again, and never SO_REUSEPORT.
    let listener = TcpListener::bind((host, port))?;
    listener.set_nonblocking(true)?;
    // std's queue of 128 overflows in a burst of connections, and each client dropped there tries again a second later.
    // SAFETY: a plain system call on a descriptor that lives; it only replaces the length of the queue.
    if unsafe { libc::listen(listener.as_raw_fd(), BACKLOG) } != 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(listener)
}

fn address_of(host: &str, local: SocketAddr) -> Address {
    // What was asked for, not what it resolved to: `localhost` stays `localhost`.
    Address::Tcp {
        host: host.to_owned(),
        port: local.port(),
    }
}

/// The file of a listening unix socket, removed with the server if it still is that file.
#[derive(Debug)]
pub(crate) struct SocketFile {
    path: PathBuf,
    inode: (u64, u64),
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if fs::symlink_metadata(&self.path).is_ok_and(|m| (m.dev(), m.ino()) == self.inode) {
            // Nothing depends on it: a file that stays is replaced by the next start.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Binds under a name of our own, closes the file to other users, and only then moves it to `path`: there is no moment
/// in which somebody else may connect, and a stale file is replaced in one step.
fn bind_unix(path: &Path) -> io::Result<(UnixListener, SocketFile)> {
    match fs::symlink_metadata(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => {}
        Err(e) => return Err(e),
        Ok(found) if !found.file_type().is_socket() => {
            return Err(io::Error::new(
                io::ErrorKind::AlreadyExists,
                "a file that is no socket is there",
            ));
        }
        Ok(_) => match UnixStream::connect(path) {
            Err(e) if matches!(e.kind(), io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound) => {}
            // Connected, or its queue is full: alive either way. Not ours to touch: the error says so.
            Ok(_) => return Err(io::ErrorKind::AddrInUse.into()),
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => return Err(io::ErrorKind::AddrInUse.into()),
            Err(e) => return Err(e),
        },
    }
    let temporary = path.with_file_name(format!(".k{}", std::process::id()));
    match fs::remove_file(&temporary) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
        _ => {}
    }
    let listener = UnixListener::bind(&temporary)?;
    let finish = || {
        listener.set_nonblocking(true)?;
        fs::set_permissions(&temporary, fs::Permissions::from_mode(0o600))?;
        let made = fs::symlink_metadata(&temporary)?;
        fs::rename(&temporary, path)?;
        Ok(SocketFile {
            path: path.to_owned(),
            inode: (made.dev(), made.ino()),
        })
    };
    match finish() {
        Ok(file) => Ok((listener, file)),
        Err(e) => {
            let _ = fs::remove_file(&temporary);
            Err(e)
        }
    }
}
