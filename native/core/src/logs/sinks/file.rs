//! A file sink: lines appended to a file, or to files that are named by UTC day and number and looked after by the sink. Several processes
//! may write to the same ones: each piece is placed and written under the file's lock. Runs on the collector, or on the thread of its outlet
//! when it ever waits for the device.
use super::cut_line::{CutLine, Units};
use super::day::Day;
use super::file_options::{FileOptions, Sync};
use super::housekeeping::{Housekeeping, Request, Rules, own_files};
use super::left_lines::resume;
use super::line_ends::fitting;
use super::log_file::{LogFile, Making};
use super::names::Turn;
use super::turns::Turns;
use crate::logs::sink::{LineMark, LineWriter, Place};
use std::fs::File;
use std::io::{self, ErrorKind};
use std::path::PathBuf;

/// See the module.
pub struct FileSink {
    options: FileOptions,
    /// `None` for one file.
    turns: Option<Turns>,
    open: Option<Open>,
    /// Where the piece under way begins, while its lock is held.
    start: Option<u64>,
    /// Why there is none.
    failure: Option<io::Error>,
    /// Since when (ms since 1970) another process has had the lock.
    locked_out_ms: Option<u64>,
    /// The last wall time that was heard of.
    now_ms: u64,
    reopens: bool,
    /// Files that were left since the last sync, with lines that it has to bring to the device.
    unsynced: Vec<LogFile>,
    /// Of a line that a pipe took in part.
    cut: CutLine,
    housekeeping: Housekeeping,
    care: Care,
}

struct Open {
    file: LogFile,
    path: PathBuf,
    turn: Option<Turn>,
}

/// When the files were last looked after.
#[derive(Default)]
struct Care {
    first_ms: Option<u64>,
    day: Option<Day>,
    has_packed: bool,
    /// Bytes written since.
    written: u64,
}

/// A process that was stopped while it had the lock does not keep the others from writing for longer: their lines are appended without it.
const LOCK_PATIENCE_MS: u64 = 2_000;
/// How often a file may change under its name before that is an error.
const ATTEMPTS: u32 = 16;
/// Files that are kept open for the next flush.
const MOST_UNSYNCED: usize = 4;
/// Files left unpacked by an earlier process wait so long, since recovery looks for its lines in them first.
const PACKS_AFTER_MS: u64 = 10_000;

impl FileSink {
    /// Opens nothing yet: the first piece does.
    pub fn new(options: FileOptions) -> FileSink {
        let turns = Turns::of(&options);
        let rules = Rules {
            folder: options.folder().to_owned(),
            names: turns.as_ref().map(|turns| turns.names().clone()),
            retention_days: options.retention_days,
            max_total_bytes: options.max_total_bytes,
            packing: options.packing,
        };
        FileSink {
            options,
            turns,
            open: None,
            start: None,
            failure: None,
            locked_out_ms: None,
            now_ms: 0,
            reopens: false,
            unsynced: Vec::new(),
            cut: CutLine::default(),
            housekeeping: Housekeeping::new(rules),
            care: Care::default(),
        }
    }

    /// Waits until files that are being packed or deleted are. For orderly ends and tests.
    pub fn settle(&self) {
        self.housekeeping.settle();
    }

    /// The file to go on with.
    fn last_turn(&self, now_ms: u64) -> Option<Turn> {
        self.turns.as_ref().map(|turns| turns.last(now_ms))
    }

    /// Which file should be open in place of the one that is, for a piece of `bytes` bytes: none when it is the right one.
    fn better(&self, open: &Open, bytes: u64, now_ms: u64) -> io::Result<Option<Option<Turn>>> {
        if self.reopens || !open.file.is_at(&open.path) {
            return Ok(Some(self.last_turn(now_ms)));
        }
        let (Some(turns), Some(turn)) = (&self.turns, open.turn) else {
            return Ok(None);
        };
        let size = open.file.size()?;
        Ok(turns.better(turn, size, bytes, now_ms).map(Some))
    }

    fn open_turn(&self, turn: Option<Turn>) -> io::Result<Open> {
        let path = match (&self.turns, turn) {
            (Some(turns), Some(turn)) => turns.path(turn),
            _ => self.options.path.clone(),
        };
        let making = Making {
            mode: self.options.mode,
            folder: self.options.make_folder,
            file: true,
            follows_link: turn.is_none(),
        };
        let file = LogFile::open(&path, making)?;
        if self.options.sync != Sync::Never {
            // The name of a new file is its folder's content.
            let _ = File::open(self.options.folder()).and_then(|folder| folder.sync_all());
        }
        Ok(Open { file, path, turn })
    }

    /// Goes on with another file; true when it did. When it cannot be had, the one before stays as long as it has a name: lines in a
    /// file that should have been left are better than no lines.
    fn change_to(&mut self, turn: Option<Turn>, now_ms: u64) -> io::Result<bool> {
        self.give_up();
        match self.open_turn(turn) {
            Ok(open) => {
                self.reopens = false;
                if let (Some(turns), Some(turn)) = (&mut self.turns, turn) {
                    turns.begin(turn);
                }
                let before = self.open.replace(open);
                let is_first = before.is_none();
                if let Some(before) = before.filter(|_| self.options.sync != Sync::Never) {
                    self.unsynced.push(before.file);
                }
                if self.unsynced.len() > MOST_UNSYNCED {
                    // Nobody flushes. Those lines are not promised to anybody; one file less is open.
                    let _ = self.unsynced.remove(0).sync();
                }
                self.look_after(!is_first, now_ms);
                Ok(true)
            }
            Err(_) if self.open.as_ref().is_some_and(|open| open.file.has_a_name()) => Ok(false),
            Err(error) => {
                self.open = None;
                Err(error)
            }
        }
    }

    /// Has the right file open and locked.
    fn ready(&mut self, bytes: u64, now_ms: u64) -> io::Result<Option<Place>> {
        let mut is_stuck = false;
        for _ in 0..ATTEMPTS {
            let Some(mut open) = self.open.take() else {
                self.change_to(self.last_turn(now_ms), now_ms)?;
                continue;
            };
            let lock = open.file.wait_for_lock();
            let better = if is_stuck || !open.file.is_regular() && !self.reopens {
                Ok(None)
            } else {
                self.better(&open, bytes, now_ms)
            };
            self.open = Some(open);
            if let Some(turn) = better? {
                is_stuck = !self.change_to(turn, now_ms)?;
                continue;
            }
            return self.begin(lock?, now_ms);
        }
        Err(io::Error::other("the file is another one at each look"))
    }

    fn begin(&mut self, has_lock: bool, now_ms: u64) -> io::Result<Option<Place>> {
        let Some(open) = &mut self.open else {
            return Ok(None);
        };
        if !open.file.is_regular() {
            self.start = Some(0);
            return Ok(None);
        }
        if has_lock {
            self.locked_out_ms = None;
        } else {
            let since = *self.locked_out_ms.get_or_insert(now_ms);
            if now_ms.saturating_sub(since) < LOCK_PATIENCE_MS {
                return Err(io::Error::new(
                    ErrorKind::WouldBlock,
                    "another process is writing to the file",
                ));
            }
        }
        let offset = open.file.line_start()?;
        self.start = Some(offset);
        let (device, inode) = open.file.identity();
        // Without the lock, somebody else's lines may come before.
        Ok(has_lock.then_some(Place { device, inode, offset }))
    }

    /// Ends the place: others may write.
    fn give_up(&mut self) {
        self.start = None;
        if let Some(open) = &mut self.open {
            open.file.unlock();
        }
    }

    /// Has files deleted and, with `packs`, packed, on their own thread.
    fn look_after(&mut self, packs: bool, now_ms: u64) {
        let Some(turns) = &self.turns else { return };
        let today = turns.today(now_ms);
        let current = self.open.as_ref().and_then(|open| open.turn);
        let current = current.filter(|turn| turns.is_current(*turn, now_ms));
        let active = current.unwrap_or_else(|| turns.last(now_ms));
        self.care.day = Some(today);
        self.care.written = 0;
        self.housekeeping.request(Request { today, active, packs });
    }

    fn write_lines(&mut self, lines: &[u8], syncs: bool) -> io::Result<usize> {
        if let Some(failure) = self.failure.take() {
            return Err(failure);
        }
        if self.start.is_none() {
            // The rest of a piece whose beginning filled the file before.
            if let Err(error) = self.ready(lines.len() as u64, self.now_ms) {
                self.give_up();
                return Err(error);
            }
        }
        let (Some(open), Some(start)) = (&mut self.open, self.start) else {
            return Err(io::Error::from(ErrorKind::NotFound));
        };
        if !open.file.is_regular() {
            return self.cut.write(lines, Units::Lines, |bytes| open.file.push(bytes));
        }
        let fitting = match self.options.max_bytes {
            Some(max_bytes) => fitting(lines, max_bytes.saturating_sub(start)),
            None => lines.len(),
        };
        let written = open.file.append(&lines[..fitting], start);
        let done = match &written {
            Ok(done) => *done,
            Err(_) => 0,
        };
        self.care.written += done as u64;
        self.start = Some(start + done as u64);
        if done < lines.len() {
            self.give_up();
        }
        if syncs && written.is_ok() {
            // Others need not wait for the device.
            self.give_up();
            // After a failure nobody knows what is on the device: the lines are written again.
            self.sync_all()?;
        }
        written
    }

    fn sync_all(&mut self) -> io::Result<()> {
        while let Some(file) = self.unsynced.last() {
            file.sync()?;
            self.unsynced.pop();
        }
        self.open.as_ref().map_or(Ok(()), |open| open.file.sync())
    }
}

impl LineWriter for FileSink {
    /// A disk may be slow, and a folder far away; lines are made while others are written (twice the lines a second at the same CPU time).
    fn may_block(&self) -> bool {
        true
    }

    fn place(&mut self, bytes: u64, now_ms: u64) -> Option<Place> {
        self.give_up();
        self.now_ms = now_ms;
        match self.ready(bytes, now_ms) {
            Ok(place) => {
                self.failure = None;
                place
            }
            Err(error) => {
                self.give_up();
                self.failure = Some(error);
                None
            }
        }
    }

    fn write(&mut self, lines: &[u8]) -> io::Result<usize> {
        self.write_lines(lines, self.options.sync == Sync::Always)
    }

    fn wants_marks(&self) -> bool {
        matches!(self.options.sync, Sync::Level(_))
    }

    fn write_marked(&mut self, lines: &[u8], marks: &[LineMark]) -> io::Result<usize> {
        let syncs = match self.options.sync {
            Sync::Always => true,
            Sync::Level(level) => marks.iter().any(|mark| mark.level >= level),
            Sync::Never | Sync::Flush => false,
        };
        self.write_lines(lines, syncs)
    }

    fn resume(&mut self, place: Place, lines: &[u8]) -> usize {
        let folder = self.options.folder();
        let turns = self.turns.as_ref();
        let own = turns.map_or_else(Vec::new, |turns| own_files(folder, turns.names()));
        let paths = own.iter().map(|file| folder.join(&file.name));
        resume(paths.chain([self.options.path.clone()]), place, lines)
    }

    fn placed(&mut self) {
        self.give_up();
    }

    fn tick(&mut self, now_ms: u64) {
        self.give_up();
        self.now_ms = now_ms;
        if self.open.as_ref().is_some_and(|open| !open.file.has_a_name()) {
            // Deleted or packed: an open descriptor would keep its room on the disk.
            self.open = None;
        }
        let first_ms = *self.care.first_ms.get_or_insert(now_ms);
        let is_settled = now_ms.saturating_sub(first_ms) >= PACKS_AFTER_MS;
        let turns = self.turns.as_ref();
        let is_new_day = turns.is_some_and(|turns| self.care.day != Some(turns.today(now_ms)));
        let has_grown = self
            .options
            .max_total_bytes
            .is_some_and(|total| self.care.written > total / 16);
        if is_new_day || has_grown || is_settled && !self.care.has_packed {
            self.care.has_packed |= is_settled;
            self.look_after(is_settled, now_ms);
        }
    }

    fn sync(&mut self) -> io::Result<()> {
        if self.options.sync == Sync::Never {
            Ok(())
        } else {
            self.sync_all()
        }
    }

    fn reopen(&mut self) {
        self.reopens = true;
    }

    fn identity(&self) -> String {
        format!("file:{}", self.options.path.display())
    }
}

#[cfg(test)]
#[path = "file_tests.rs"]
mod tests;
