//! One open log file: how it is opened without being led astray, its lock, its end, and appending lines that are never cut. Used by the
//! thread of a file sink.
use super::line_ends::end_of_lines;
use std::fs::{DirBuilder, File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{DirBuilderExt, FileExt, MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

/// How files and their folders are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Making {
    /// Permission bits of a new file, before the umask.
    pub mode: u32,
    /// Makes a folder that is missing, and those above it, with mode 0750.
    pub folder: bool,
    /// Makes a file that is missing.
    pub file: bool,
    /// Follows a symbolic link at the file's name where it belongs to this user or to root. Never for names that a sink makes itself.
    pub follows_link: bool,
}

/// See the module.
#[derive(Debug)]
pub struct LogFile {
    file: File,
    device: u64,
    inode: u64,
    /// A device or a pipe has no end, no lock and no place.
    is_regular: bool,
    is_locked: bool,
    /// Bytes in the file when a write of ours ended with the end of a line; nobody knows before the first one.
    clean_end: Option<u64>,
}

const FOLDER_MODE: u32 = 0o750;
/// Another process has the lock for one write, some 50 us: 20 ms in all.
const LOCK_NAP: Duration = Duration::from_micros(200);
const LOCK_NAPS: u32 = 100;

impl LogFile {
    /// Opens for appending, making file and folder where `making` says so. Never waits for the other end of a pipe.
    ///
    /// # Errors
    /// What the system says. `ELOOP` for a link that is not followed; `PermissionDenied` in a folder that everybody may write to, for a
    /// file of another user or one with a second name: somebody may have put it there.
    pub fn open(path: &Path, making: Making) -> io::Result<LogFile> {
        let opened = match appending(path, making, libc::O_NOFOLLOW) {
            Err(error) if error.kind() == ErrorKind::NotFound && making.folder => {
                let folder = path.parent().unwrap_or(Path::new("/"));
                DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(folder)?;
                appending(path, making, libc::O_NOFOLLOW)
            }
            Err(error) if error.raw_os_error() == Some(libc::ELOOP) && making.follows_link && is_trusted_link(path) => {
                appending(path, making, 0)
            }
            other => other,
        };
        let file = opened?;
        let found = file.metadata()?;
        if is_open_to_all(path) && (found.uid() != effective_uid() || found.is_file() && found.nlink() > 1) {
            return Err(io::Error::new(
                ErrorKind::PermissionDenied,
                "the folder is open to everybody, and the file may be somebody else's",
            ));
        }
        let is_regular = found.is_file();
        // Reading is for the last byte and for recovery; a file that we may only write to does without.
        let readable = is_regular.then(|| readable(path, &found)).flatten();
        Ok(LogFile {
            file: readable.unwrap_or(file),
            device: found.dev(),
            inode: found.ino(),
            is_regular,
            is_locked: false,
            clean_end: None,
        })
    }

    /// Device and inode.
    pub fn identity(&self) -> (u64, u64) {
        (self.device, self.inode)
    }

    /// False for a device, a pipe, a terminal.
    pub fn is_regular(&self) -> bool {
        self.is_regular
    }

    /// True while `path` names this file.
    pub fn is_at(&self, path: &Path) -> bool {
        std::fs::metadata(path).is_ok_and(|named| (named.dev(), named.ino()) == (self.device, self.inode))
    }

    /// True while it has any name: what is written to a file without one is lost.
    pub fn has_a_name(&self) -> bool {
        self.file.metadata().is_ok_and(|found| found.nlink() > 0)
    }

    /// Bytes in it.
    ///
    /// # Errors
    /// What the system says.
    pub fn size(&self) -> io::Result<u64> {
        self.file.metadata().map(|found| found.len())
    }

    /// Takes the lock that all writers of this file hold while they write; never waits. False: another one has it. True without a lock
    /// where the file system knows none, and for what is no regular file.
    ///
    /// # Errors
    /// What the system says.
    fn try_lock(&mut self) -> io::Result<bool> {
        if !self.is_regular || self.is_locked {
            return Ok(true);
        }
        match crate::memory::lock::try_lock(&self.file) {
            Ok(taken) => {
                self.is_locked = taken;
                Ok(taken)
            }
            Err(error)
                if matches!(
                    error.raw_os_error(),
                    Some(libc::ENOLCK | libc::EOPNOTSUPP | libc::ENOSYS)
                ) =>
            {
                Ok(true)
            }
            Err(error) => Err(error),
        }
    }

    /// Waits a little for the lock. False: another process has it.
    ///
    /// # Errors
    /// What the system says.
    pub fn wait_for_lock(&mut self) -> io::Result<bool> {
        for _ in 0..LOCK_NAPS {
            if self.try_lock()? {
                return Ok(true);
            }
            sleep(LOCK_NAP);
        }
        Ok(false)
    }

    /// Lets go of the lock.
    pub fn unlock(&mut self) {
        if std::mem::take(&mut self.is_locked) {
            // SAFETY: flock on a descriptor that `file` keeps open during the call touches no memory.
            unsafe { libc::flock(self.file.as_raw_fd(), libc::LOCK_UN) };
        }
    }

    /// Where the next line begins. A line that its writer left unfinished (it was killed, or its disk was full) is ended first, so that it
    /// does not swallow the next one. The lock makes it certain that nobody is still at it.
    ///
    /// # Errors
    /// What the system says.
    pub fn line_start(&mut self) -> io::Result<u64> {
        let size = self.size()?;
        if size == 0 || self.clean_end == Some(size) {
            return Ok(size);
        }
        let mut last = [0];
        // What may not be read is taken as it is.
        if !matches!(self.file.read_at(&mut last, size - 1), Ok(1)) || last == *b"\n" {
            self.clean_end = Some(size);
            return Ok(size);
        }
        self.file.write_all(b"\n")?;
        self.clean_end = Some(size + 1);
        Ok(size + 1)
    }

    /// Appends whole lines at `start` ([`LogFile::line_start`]). Answers the bytes that are in the file, which end at the end of a line:
    /// a line that does not fit on the disk is taken back.
    ///
    /// # Errors
    /// What the system says, where not one line is in the file.
    pub fn append(&mut self, lines: &[u8], start: u64) -> io::Result<usize> {
        let mut done = 0;
        let failure = loop {
            match self.file.write(&lines[done..]) {
                Ok(0) if done < lines.len() => break io::Error::from(ErrorKind::WriteZero),
                Ok(written) => {
                    done += written;
                    if done == lines.len() {
                        self.clean_end = lines.ends_with(b"\n").then_some(start + done as u64);
                        return Ok(done);
                    }
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => break error,
            }
        };
        let whole = end_of_lines(&lines[..done]);
        self.clean_end = None;
        if done > whole && self.size().is_ok_and(|size| size == start + done as u64) {
            // Where it stays, the next `line_start` ends it.
            let _ = self.file.set_len(start + whole as u64);
        }
        if whole > 0 { Ok(whole) } else { Err(failure) }
    }

    /// Appends bytes to what is no regular file. Answers how many it took.
    ///
    /// # Errors
    /// What the system says.
    pub fn push(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    /// Brings content and size to the device.
    ///
    /// # Errors
    /// What the system says.
    pub fn sync(&self) -> io::Result<()> {
        if self.is_regular { self.file.sync_data() } else { Ok(()) }
    }

    /// How many bytes of `lines` are in the file at `offset`.
    pub fn matching(&self, lines: &[u8], offset: u64) -> usize {
        matching(&self.file, lines, offset)
    }
}

impl Drop for LogFile {
    fn drop(&mut self) {
        // A child process that is just being made may hold a copy of the descriptor, and with it the lock.
        self.unlock();
    }
}

/// How many bytes of `lines` a file has at `offset`.
pub fn matching(file: &File, lines: &[u8], offset: u64) -> usize {
    let mut buffer = vec![0; lines.len().min(64 << 10)];
    let mut same = 0;
    while same < lines.len() {
        let wanted = buffer.len().min(lines.len() - same);
        let read = match file.read_at(&mut buffer[..wanted], offset + same as u64) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(_) => break,
        };
        let equal = buffer[..read]
            .iter()
            .zip(&lines[same..])
            .take_while(|(found, line)| found == line)
            .count();
        same += equal;
        if equal < read {
            break;
        }
    }
    same
}

fn appending(path: &Path, making: Making, flags: i32) -> io::Result<File> {
    OpenOptions::new()
        .append(true)
        .create(making.file)
        .mode(making.mode)
        .custom_flags(flags | libc::O_CLOEXEC | libc::O_NONBLOCK | libc::O_NOCTTY)
        .open(path)
}

/// The file open for reading as well.
fn readable(path: &Path, known: &Metadata) -> Option<File> {
    let flags = libc::O_CLOEXEC | libc::O_NONBLOCK | libc::O_NOCTTY;
    let file = OpenOptions::new()
        .read(true)
        .append(true)
        .custom_flags(flags)
        .open(path)
        .ok()?;
    let found = file.metadata().ok()?;
    ((found.dev(), found.ino()) == (known.dev(), known.ino())).then_some(file)
}

fn is_trusted_link(path: &Path) -> bool {
    std::fs::symlink_metadata(path).is_ok_and(|link| link.uid() == effective_uid() || link.uid() == 0)
}

/// True for a path whose folder everybody may put files into.
fn is_open_to_all(path: &Path) -> bool {
    let folder = path.parent().and_then(|folder| std::fs::metadata(folder).ok());
    folder.is_some_and(|folder| folder.mode() & 0o002 != 0)
}

fn effective_uid() -> u32 {
    // SAFETY: geteuid has no conditions.
    unsafe { libc::geteuid() }
}
