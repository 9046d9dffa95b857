//! A file sink: lines appended to a file, or to files that are named by UTC day and number and looked after by the sink. Several processes
//! may write to the same ones: each piece is placed and written under the file's lock. Runs on the collector, or on the thread of its outlet
//! when each write waits for the device.
use super::cut_line::{CutLine, Units};
use super::day::Day;
use super::housekeeping::{Housekeeping, Request, Rules, own_files};
use super::log_file::{LogFile, Making, end_of_lines};
use super::names::{Names, Packing, Turn};
use crate::logs::sink::{LineMark, LineWriter, Place};
use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;

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

/// See the module.
pub struct FileSink {
    options: FileOptions,
    /// Names of the files; `None` for one file without turns.
    names: Option<Names>,
    open: Option<Open>,
    /// The day of the last file that was opened.
    day: Option<Day>,
    /// Where the piece under way begins, while its lock is held.
    start: Option<u64>,
    /// Why there is none.
    failure: Option<io::Error>,
    /// Since when (ms since 1970) another process has had the lock.
    locked_out_ms: Option<u64>,
    /// The last wall time that was heard of.
    now_ms: u64,
    reopens: bool,
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

/// Longest wait for the lock in one go. Another process has it for one write, some 50 us.
const LOCK_WAIT: Duration = Duration::from_millis(20);
const LOCK_NAP: Duration = Duration::from_micros(200);
/// A process that was stopped while it had the lock does not keep the others from writing for longer: their lines are appended without it.
const LOCK_PATIENCE_MS: u64 = 2_000;
/// How often a file may change under its name before that is an error.
const ATTEMPTS: u32 = 16;
/// Files left unpacked by an earlier process wait so long, since recovery looks for its lines in them first.
const PACKS_AFTER_MS: u64 = 10_000;

impl FileSink {
    /// Opens nothing yet: the first piece does.
    pub fn new(options: FileOptions) -> FileSink {
        let turns = options.daily || options.max_bytes.is_some();
        let names = Names::of(&options.path).filter(|_| turns);
        let rules = Rules {
            folder: folder_of(&options.path).to_owned(),
            names: names.clone(),
            retention_days: options.retention_days,
            max_total_bytes: options.max_total_bytes,
            packing: options.packing,
        };
        FileSink {
            options,
            names,
            open: None,
            day: None,
            start: None,
            failure: None,
            locked_out_ms: None,
            now_ms: 0,
            reopens: false,
            cut: CutLine::default(),
            housekeeping: Housekeeping::new(rules),
            care: Care::default(),
        }
    }

    /// Waits until files that are being packed or deleted are. For orderly ends and tests.
    pub fn settle(&self) {
        self.housekeeping.settle();
    }

    /// The day that lines are written for. A clock that is set back by less than a day opens no earlier file again.
    fn today(&self, now_ms: u64) -> Day {
        let now = Day::of(now_ms);
        self.day.filter(|day| now.since(*day) == -1).unwrap_or(now)
    }

    /// The file to go on with: the last one of the day, or of all.
    fn last_turn(&self, now_ms: u64) -> Option<Turn> {
        let today = self.today(now_ms);
        let names = self.names.as_ref()?;
        let files = own_files(folder_of(&self.options.path), names);
        let candidates = files
            .iter()
            .filter(|file| !self.options.daily || file.turn.day == today);
        Some(
            match candidates.max_by_key(|file| (file.turn, file.packing.is_some())) {
                None => Turn {
                    day: today,
                    sequence: 0,
                },
                // Nothing more is written to a packed one.
                Some(file) if file.packing.is_some() => following(file.turn, today),
                Some(file) => file.turn,
            },
        )
    }

    /// Which file should be open in place of the one that is, for a piece of `bytes` bytes: none when it is the right one.
    fn better(&self, open: &Open, bytes: u64, now_ms: u64) -> io::Result<Option<Option<Turn>>> {
        if self.reopens || !open.file.is_at(&open.path) {
            return Ok(Some(self.last_turn(now_ms)));
        }
        let (Some(names), Some(turn)) = (&self.names, open.turn) else {
            return Ok(None);
        };
        let today = self.today(now_ms);
        if self.options.daily && turn.day != today {
            return Ok(Some(self.last_turn(now_ms)));
        }
        let Some(max_bytes) = self.options.max_bytes else {
            return Ok(None);
        };
        let next = following(turn, today);
        let size = open.file.size()?;
        let is_full = size > 0 && size.saturating_add(bytes) > max_bytes;
        // Another process may have found it full before.
        if is_full || exists(folder_of(&self.options.path), names, next) {
            return Ok(Some(self.last_turn(now_ms).filter(|last| *last > turn).or(Some(next))));
        }
        Ok(None)
    }

    fn open_turn(&self, turn: Option<Turn>) -> io::Result<Open> {
        let path = match (&self.names, turn) {
            (Some(names), Some(turn)) => folder_of(&self.options.path).join(names.name(turn)),
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
            let _ = File::open(folder_of(&path)).and_then(|folder| folder.sync_all());
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
                self.day = turn.map(|turn| turn.day);
                let before = self.open.replace(open);
                let is_first = before.is_none();
                drop(before);
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
            let lock = wait_for_lock(&mut open.file);
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
        let today = self.today(now_ms);
        let current = self.open.as_ref().and_then(|open| open.turn);
        let current = current.filter(|turn| !self.options.daily || turn.day == today);
        let Some(active) = current.or_else(|| self.last_turn(now_ms)) else {
            return;
        };
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
            self.ready(lines.len() as u64, self.now_ms)?;
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
            self.give_up();
            self.sync_now()?;
        }
        written
    }

    fn sync_now(&mut self) -> io::Result<()> {
        self.open.as_ref().map_or(Ok(()), |open| open.file.sync())
    }

    /// The unpacked file of that device and inode, under whatever name of ours.
    fn find(&self, place: Place) -> Option<LogFile> {
        let folder = folder_of(&self.options.path);
        let own = self
            .names
            .as_ref()
            .map_or_else(Vec::new, |names| own_files(folder, names));
        let paths = own.iter().map(|file| folder.join(&file.name));
        let path = paths.chain([self.options.path.clone()]).find(|path| {
            std::fs::metadata(path).is_ok_and(|found| (found.dev(), found.ino()) == (place.device, place.inode))
        })?;
        let making = Making {
            mode: 0,
            folder: false,
            file: false,
            follows_link: self.names.is_none(),
        };
        let file = LogFile::open(&path, making).ok()?;
        (file.is_regular() && file.identity() == (place.device, place.inode)).then_some(file)
    }
}

impl LineWriter for FileSink {
    fn may_block(&self) -> bool {
        matches!(self.options.sync, Sync::Always | Sync::Level(_))
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
        let Some(mut file) = self.find(place) else {
            return 0;
        };
        let has_lock = wait_for_lock(&mut file).unwrap_or(false);
        let there = file.matching(lines, place.offset);
        let whole = end_of_lines(&lines[..there]);
        let end = place.offset + there as u64;
        if there == whole || !has_lock || !file.size().is_ok_and(|size| size == end) {
            return whole;
        }
        let line_end = lines[there..].iter().position(|byte| *byte == b'\n');
        let rest = &lines[there..line_end.map_or(lines.len(), |at| there + at + 1)];
        match file.append(rest, end) {
            Ok(done) if done == rest.len() => there + done,
            _ => whole,
        }
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
        let is_new_day = self.care.day != Some(self.today(now_ms));
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
            self.sync_now()
        }
    }

    fn reopen(&mut self) {
        self.reopens = true;
    }

    fn identity(&self) -> String {
        format!("file:{}", self.options.path.display())
    }
}

/// The turn after `turn`, begun today.
fn following(turn: Turn, today: Day) -> Turn {
    let day = turn.day.max(today);
    let sequence = if day == turn.day {
        turn.sequence.saturating_add(1)
    } else {
        0
    };
    Turn { day, sequence }
}

/// True when there is a file of that turn, packed or not.
fn exists(folder: &Path, names: &Names, turn: Turn) -> bool {
    let name = names.name(turn);
    ["", Packing::Gzip.suffix(), Packing::Zstd.suffix()]
        .iter()
        .any(|suffix| std::fs::symlink_metadata(folder.join(format!("{name}{suffix}"))).is_ok())
}

/// Bytes of `lines` that fit into `room`: whole lines, and one at least, since a line is never split.
fn fitting(lines: &[u8], room: u64) -> usize {
    let room = usize::try_from(room).unwrap_or(usize::MAX);
    if lines.len() <= room {
        return lines.len();
    }
    match end_of_lines(&lines[..room]) {
        0 => lines
            .iter()
            .position(|byte| *byte == b'\n')
            .map_or(lines.len(), |at| at + 1),
        end => end,
    }
}

/// Waits a little for the lock. False: another process has it.
fn wait_for_lock(file: &mut LogFile) -> io::Result<bool> {
    let naps = LOCK_WAIT.as_micros() / LOCK_NAP.as_micros();
    for _ in 0..naps {
        if file.try_lock()? {
            return Ok(true);
        }
        sleep(LOCK_NAP);
    }
    Ok(false)
}

fn folder_of(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new("/"))
}

#[cfg(test)]
#[path = "file_tests.rs"]
mod tests;
