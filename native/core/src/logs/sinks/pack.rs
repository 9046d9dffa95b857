//! Packing of a file that nobody writes to any more: gzip or zstd beside it under a temporary name, then renamed, then the original goes.
//! Runs on `kymo-log-files`.
use super::names::Packing;
use crate::memory::lock::try_lock;
use flate2::Compression;
use flate2::write::GzEncoder;
use std::fs::{File, FileTimes, OpenOptions, Permissions};
use std::io::{self, BufReader, ErrorKind, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Zstd's and gzip's own defaults: about 300 and 40 MB/s of log lines.
const ZSTD_LEVEL: i32 = 3;
const READ_BYTES: usize = 256 << 10;

/// Opens a file and takes its lock, without waiting. `None` when somebody else has it, or it is not at its name any more.
///
/// # Errors
/// What the system says; a link or what is no regular file is an error too.
pub fn try_lock_at(path: &Path) -> io::Result<Option<File>> {
    let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_CLOEXEC | libc::O_NOCTTY;
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    let found = file.metadata()?;
    if !found.is_file() {
        return Err(io::Error::from(ErrorKind::InvalidInput));
    }
    let is_ours = match try_lock(&file) {
        Ok(taken) => taken,
        Err(error) => matches!(
            error.raw_os_error(),
            Some(libc::ENOLCK | libc::EOPNOTSUPP | libc::ENOSYS)
        ),
    };
    let is_still =
        std::fs::symlink_metadata(path).is_ok_and(|named| (named.dev(), named.ino()) == (found.dev(), found.ino()));
    Ok((is_ours && is_still).then_some(file))
}

/// Packs a file, with its permissions and times, and removes the original once the packed one is on the device. False when another process
/// is at it.
///
/// # Errors
/// What the system says; the original is as it was then.
pub fn pack(path: &Path, packing: Packing) -> io::Result<bool> {
    // The lock keeps late writers away, and other processes from packing the same file.
    let Some(original) = try_lock_at(path)? else {
        return Ok(false);
    };
    let packed = with_suffix(path, packing.suffix());
    let part = with_suffix(&packed, ".part");
    let done = copy(&original, &part, packing).and_then(|()| std::fs::rename(&part, &packed));
    if let Err(error) = done {
        let _ = std::fs::remove_file(&part);
        return Err(error);
    }
    std::fs::remove_file(path)?;
    Ok(true)
}

fn copy(original: &File, part: &Path, packing: Packing) -> io::Result<()> {
    // Left by a process that died while it packed: the lock on the original says that it is dead.
    match std::fs::remove_file(part) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let found = original.metadata()?;
    let target = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .custom_flags(libc::O_NOFOLLOW)
        .open(part)?;
    let mut source = BufReader::with_capacity(READ_BYTES, original);
    match packing {
        Packing::Gzip => {
            let mut encoder = GzEncoder::new(&target, Compression::default());
            pour(&mut source, &mut encoder)?;
            encoder.finish()?;
        }
        Packing::Zstd => {
            let mut encoder = zstd::stream::write::Encoder::new(&target, ZSTD_LEVEL)?;
            encoder.include_checksum(true)?;
            pour(&mut source, &mut encoder)?;
            encoder.finish()?;
        }
    }
    // SAFETY: fchown on a descriptor that `target` keeps open touches no memory. It fails for a file of another user, which is then ours.
    unsafe { libc::fchown(target.as_raw_fd(), found.uid(), found.gid()) };
    target.set_permissions(Permissions::from_mode(found.mode() & 0o777))?;
    target.set_times(FileTimes::new().set_modified(found.modified()?))?;
    target.sync_all()
}

fn pour(source: &mut impl Read, target: &mut impl Write) -> io::Result<u64> {
    io::copy(source, target)
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}
