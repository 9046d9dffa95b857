//! Who is alive: an exclusive `flock` on the open segment file, held by its process for as long as it runs (M4). The
//! kernel lets go of it at any kind of death, and it tells the truth across pid namespaces, which a pid does not. A
//! mapping of the file holds it too. Any thread.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;

/// Takes the lock for as long as `file` (or a duplicate of it) stays open; never waits. `false`: somebody else holds it,
/// through any other open of the same file, in this process too. One system call.
pub fn try_lock(file: &File) -> io::Result<bool> {
    loop {
        // SAFETY: flock on a descriptor that `file` keeps open during the call touches no memory.
        if unsafe { libc::flock(file.as_raw_fd(), libc::LOCK_EX | libc::LOCK_NB) } == 0 {
            return Ok(true);
        }
        let error = io::Error::last_os_error();
        match error.kind() {
            io::ErrorKind::WouldBlock => return Ok(false),
            io::ErrorKind::Interrupted => {}
            _ => return Err(error),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::folder::tests::scratch;
    use super::*;

    /// [M4] the lock belongs to the open file, and goes with its last descriptor.
    #[test]
    fn a_lock_is_held_until_the_file_is_closed() {
        let (_dir, folder) = scratch();
        let held = folder.create_file("a").unwrap();
        let other = folder.open_file("a").unwrap();
        assert!(try_lock(&held).unwrap());
        assert!(
            try_lock(&held).unwrap(),
            "taking it twice through the same file is no harm"
        );
        assert!(!try_lock(&other).unwrap());
        let duplicate = held.try_clone().unwrap();
        drop(held);
        assert!(!try_lock(&other).unwrap(), "a duplicate holds it");
        drop(duplicate);
        assert!(try_lock(&other).unwrap());
    }
}
