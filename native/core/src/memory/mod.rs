//! Memory that JS writes and Rust reads: segments, who owns them, and the room inside them. Any thread.

pub mod budget;
pub mod cgroup;
pub mod clock;
pub mod exit;
pub mod file;
pub mod folder;
pub mod labels;
pub mod lock;
pub mod name;
pub mod reader;
pub mod recover;
pub mod recovered_metric;
pub mod segment;
pub mod space;
pub mod sweep;
pub mod table;

use std::fmt;

/// Why a segment could not be had. The caller falls back to anonymous memory or counts a drop; nothing is thrown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MemoryError {
    /// The budget of M3 is used up.
    Budget {
        /// Bytes asked for.
        wanted: u64,
        /// Bytes left.
        left: u64,
    },
    /// The folder cannot be trusted or made (M4); the text says why.
    Folder(String),
    /// A system call failed.
    Io {
        /// Which one.
        step: &'static str,
        /// Its errno.
        errno: i32,
    },
    /// 65,535 segments exist.
    TooMany,
}

impl MemoryError {
    /// The current errno of a failed `step`.
    pub fn io(step: &'static str) -> MemoryError {
        MemoryError::Io {
            step,
            errno: std::io::Error::last_os_error().raw_os_error().unwrap_or(0),
        }
    }

    /// The word that counts it: a label value of `kymo_dropped_total` and `kymo_memory_fallbacks_total`.
    pub fn reason(&self) -> &'static str {
        match self {
            MemoryError::Budget { .. } => "memory_budget",
            MemoryError::Folder(_) => "memory_folder",
            MemoryError::Io { .. } => "memory_io",
            MemoryError::TooMany => "memory_segments",
        }
    }
}

impl fmt::Display for MemoryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            MemoryError::Budget { wanted, left } => write!(f, "{wanted} bytes wanted, {left} left in the budget"),
            MemoryError::Folder(why) => write!(f, "segment folder: {why}"),
            MemoryError::Io { step, errno } => write!(f, "{step}: {}", std::io::Error::from_raw_os_error(*errno)),
            MemoryError::TooMany => f.write_str("65,535 segments exist"),
        }
    }
}

impl std::error::Error for MemoryError {}
