//! Which file of a sink is the one to write to: by UTC day, and by size. Several processes come to the same answer by what is in the folder.
//! Used by the thread of the sink.
use super::day::Day;
use super::file_options::FileOptions;
use super::housekeeping::own_files;
use super::names::{Names, Packing, Turn};
use std::path::PathBuf;

/// See the module.
pub struct Turns {
    folder: PathBuf,
    names: Names,
    daily: bool,
    max_bytes: Option<u64>,
    /// The day of the last file that was opened.
    day: Option<Day>,
}

impl Turns {
    /// `None` for a sink into one file.
    pub fn of(options: &FileOptions) -> Option<Turns> {
        let has_turns = options.daily || options.max_bytes.is_some();
        let names = Names::of(&options.path).filter(|_| has_turns)?;
        Some(Turns {
            folder: options.folder().to_owned(),
            names,
            daily: options.daily,
            max_bytes: options.max_bytes,
            day: None,
        })
    }

    /// How the files are called.
    pub fn names(&self) -> &Names {
        &self.names
    }

    /// Where the file of a turn is.
    pub fn path(&self, turn: Turn) -> PathBuf {
        self.folder.join(self.names.name(turn))
    }

    /// The file of that turn is open now.
    pub fn begin(&mut self, turn: Turn) {
        self.day = Some(turn.day);
    }

    /// The day that lines are written for. A clock that is set back by less than a day opens no earlier file again.
    pub fn today(&self, now_ms: u64) -> Day {
        let now = Day::of(now_ms);
        self.day.filter(|day| now.since(*day) == -1).unwrap_or(now)
    }

    /// True while the file of that turn may be written to as far as the day is concerned.
    pub fn is_current(&self, turn: Turn, now_ms: u64) -> bool {
        !self.daily || turn.day == self.today(now_ms)
    }

    /// The file to go on with, for one that has none open: the last one of the day, or of all.
    pub fn last(&self, now_ms: u64) -> Turn {
        let today = self.today(now_ms);
        let files = own_files(&self.folder, &self.names);
        let candidates = files.iter().filter(|file| !self.daily || file.turn.day == today);
        match candidates.max_by_key(|file| (file.turn, file.packing.is_some())) {
            None => Turn {
                day: today,
                sequence: 0,
            },
            // Nothing more is written to a packed one.
            Some(file) if file.packing.is_some() => following(file.turn, today),
            Some(file) => file.turn,
        }
    }

    /// The file to leave `turn` for, which has `size` bytes, before `bytes` more are written; `None`: it is the right one.
    pub fn better(&self, turn: Turn, size: u64, bytes: u64, now_ms: u64) -> Option<Turn> {
        if !self.is_current(turn, now_ms) {
            return Some(self.last(now_ms));
        }
        let max_bytes = self.max_bytes?;
        let next = following(turn, self.today(now_ms));
        let is_full = size > 0 && size.saturating_add(bytes) > max_bytes;
        // Another process may have found it full before.
        if !is_full && !self.exists(next) {
            return None;
        }
        let last = self.last(now_ms);
        // The numbers of a day may be used up, by somebody who made such a name.
        Some(if last > turn { last } else { next }).filter(|found| *found != turn)
    }

    /// True when there is a file of that turn, packed or not.
    fn exists(&self, turn: Turn) -> bool {
        let name = self.names.name(turn);
        ["", Packing::Gzip.suffix(), Packing::Zstd.suffix()]
            .iter()
            .any(|suffix| std::fs::symlink_metadata(self.folder.join(format!("{name}{suffix}"))).is_ok())
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
