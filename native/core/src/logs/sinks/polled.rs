//! Writes to descriptors that wait for their reader no longer than said, whatever flags the descriptor has, and never change those: they
//! are shared with other processes. Runs on the threads of outlets.
use std::io::{self, ErrorKind};
use std::os::fd::RawFd;
use std::time::Duration;

/// How long one call waits for a reader: then its outlet looks after other things, and asks again.
pub const PATIENCE: Duration = Duration::from_millis(250);

/// Waits until `descriptor` takes bytes, or says why not. False: it does not within `wait`.
///
/// # Errors
/// What the system says; `EBADF` for what is not open.
pub fn wait_writable(descriptor: RawFd, wait: Duration) -> io::Result<bool> {
    let mut asked = libc::pollfd {
        fd: descriptor,
        events: libc::POLLOUT,
        revents: 0,
    };
    let wait_ms = i32::try_from(wait.as_millis()).unwrap_or(i32::MAX);
    // SAFETY: poll reads and writes the one entry it is told of.
    let count = unsafe { libc::poll(&mut asked, 1, wait_ms) };
    if count < 0 {
        let error = io::Error::last_os_error();
        return if error.kind() == ErrorKind::Interrupted {
            Ok(false)
        } else {
            Err(error)
        };
    }
    if asked.revents & libc::POLLNVAL != 0 {
        return Err(io::Error::from_raw_os_error(libc::EBADF));
    }
    // An error or a reader that is gone: the write says which.
    Ok(count > 0)
}

/// Writes some of `bytes` by `write(2)` once the descriptor takes some.
///
/// # Errors
/// What the system says; `WouldBlock` when nobody reads.
pub fn write(descriptor: RawFd, bytes: &[u8]) -> io::Result<usize> {
    if !wait_writable(descriptor, PATIENCE)? {
        return Err(io::Error::from(ErrorKind::WouldBlock));
    }
    // SAFETY: `bytes` is readable for its length.
    taken(unsafe { libc::write(descriptor, bytes.as_ptr().cast(), bytes.len()) })
}

/// Sends some of `bytes`, or one datagram, into a connected socket.
///
/// # Errors
/// What the system says; `WouldBlock` when nobody reads.
pub fn send(descriptor: RawFd, bytes: &[u8]) -> io::Result<usize> {
    for patience in [PATIENCE, Duration::ZERO] {
        // SAFETY: `bytes` is readable for its length.
        let sent = taken(unsafe { libc::send(descriptor, bytes.as_ptr().cast(), bytes.len(), NOW) });
        let is_full = matches!(&sent, Err(error) if error.kind() == ErrorKind::WouldBlock || error.raw_os_error() == Some(libc::ENOBUFS));
        if !is_full || patience.is_zero() || !wait_writable(descriptor, patience)? {
            return if is_full {
                Err(io::Error::from(ErrorKind::WouldBlock))
            } else {
                sent
            };
        }
    }
    Err(io::Error::from(ErrorKind::WouldBlock))
}

/// Throws away what the other side of a stream socket sent. False when it has closed the connection.
pub fn is_open(descriptor: RawFd) -> bool {
    let mut ignored = [0_u8; 4096];
    loop {
        // SAFETY: `ignored` is writable for its length.
        match taken(unsafe {
            libc::recv(
                descriptor,
                ignored.as_mut_ptr().cast(),
                ignored.len(),
                libc::MSG_DONTWAIT,
            )
        }) {
            Ok(0) => return false,
            Ok(_) => {}
            Err(error) => return matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted),
        }
    }
}

/// A reader that is gone is an error, no signal. macOS sends one, which native threads block.
#[cfg(target_os = "linux")]
const NOW: i32 = libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL;
#[cfg(not(target_os = "linux"))]
const NOW: i32 = libc::MSG_DONTWAIT;

fn taken(count: isize) -> io::Result<usize> {
    usize::try_from(count).map_err(|_| io::Error::last_os_error())
}
