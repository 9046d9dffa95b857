//! Where lines and records end: the two kinds of sinks. Runs on the collector, or on the thread of an outlet whose writer may block.
use super::LogRecord;
use std::io;

/// A place in a regular file, for the write intent that recovery reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Device of the file.
    pub device: u64,
    /// Inode of the file.
    pub inode: u64,
    /// Bytes in the file before the next write.
    pub offset: u64,
}

/// What a writer may ask to be told of each line, see [`LineWriter::write_marked`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LineMark {
    /// Bytes of the line, its ending included.
    pub bytes: u32,
    /// As [`LogRecord::level`].
    pub level: u16,
    /// As [`LogRecord::time_ms`].
    pub time_ms: f64,
}

/// Takes whole lines: a file, a descriptor, a socket. One thread uses it at a time.
pub trait LineWriter: Send {
    /// True when a write may wait for somebody: it gets a thread of its own, so that no other sink waits with it.
    fn may_block(&self) -> bool;

    /// Called before each piece of `bytes` bytes: opens, rotates, locks. Where it will be written; `None` when that is no regular file, or
    /// could not be had, which the next write tells. `now_ms` is wall time in ms since 1970.
    fn place(&mut self, bytes: u64, now_ms: u64) -> Option<Place>;

    /// Writes some of `lines`, which are whole lines or the rest of a piece of them. Answers the bytes that are written, which end at
    /// the end of a line.
    ///
    /// # Errors
    /// Anything the system says: nothing of `lines` counts as written, the place is given up, and the piece is placed anew later.
    /// `WouldBlock` from one whose reader does not read.
    fn write(&mut self, lines: &[u8]) -> io::Result<usize>;

    /// True for one that is to be called by [`LineWriter::write_marked`].
    fn wants_marks(&self) -> bool {
        false
    }

    /// As [`LineWriter::write`], with one mark for each line of `lines`.
    ///
    /// # Errors
    /// As there.
    fn write_marked(&mut self, lines: &[u8], _marks: &[LineMark]) -> io::Result<usize> {
        self.write(lines)
    }

    /// For recovery: a dead process was writing `lines` at `place` when it ended. Answers how many bytes of them, up to the end of a
    /// line, are there; a line that the end cut off, and nobody wrote behind, is completed first. 0 where nobody can tell: a line
    /// twice is better than none.
    fn resume(&mut self, _place: Place, _lines: &[u8]) -> usize {
        0
    }

    /// The piece that was placed is written, or given up.
    fn placed(&mut self) {}

    /// About once a second, also when nothing is written.
    fn tick(&mut self, _now_ms: u64) {}

    /// Brings what is written to the device, where the options ask for it.
    ///
    /// # Errors
    /// What the system says.
    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }

    /// Opens anew by name: somebody moved the file.
    fn reopen(&mut self) {}

    /// The same at every start of a service for the same place, such as `file:/var/log/a.log` or `fd:1`: recovery finds the sink by it.
    fn identity(&self) -> String;
}

/// Takes records themselves: exporters, and sinks in JavaScript. Shared, since its other end is another thread.
pub trait RecordSink: Send + Sync {
    /// Takes a copy; false when it has no room, which it counts.
    fn accept(&self, record: &LogRecord<'_>) -> bool;

    /// See [`LineWriter::identity`].
    fn identity(&self) -> String;
}
