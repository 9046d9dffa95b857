//! Options of a file sink. Plain data.
use super::names::Packing;
use std::path::{Path, PathBuf};

/// When lines are brought to the device (`fdatasync`). Without it they are safe from the death of the process, not of the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sync {
    /// Whenever the kernel does.
    Never,
    /// At each flush.
    Flush,
    /// After each piece, and so before its records leave the ring.
    Always,
    /// After each piece that has a line of this level or above, and at each flush.
    Level(u16),
}

/// Options of a file sink, checked by the caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileOptions {
    /// The file, absolute; with turns the pattern of their names (`/var/log/app.log`: `/var/log/app-2026-11-21.log`).
    pub path: PathBuf,
    /// A new file each UTC day.
    pub daily: bool,
    /// A new file when this one would grow beyond so many bytes.
    pub max_bytes: Option<u64>,
    /// Files dated more than so many days ago are deleted.
    pub retention_days: Option<u32>,
    /// The oldest files are deleted while all together have more bytes.
    pub max_total_bytes: Option<u64>,
    /// How files are packed once no more is written to them.
    pub packing: Option<Packing>,
    /// Permission bits of new files, before the umask.
    pub mode: u32,
    /// Makes the folder when it is missing, whenever that is.
    pub make_folder: bool,
    /// See [`Sync`].
    pub sync: Sync,
}

impl FileOptions {
    /// The folder of the files.
    pub fn folder(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new("/"))
    }
}
