//! How a file sink names its files, and how it knows them again: `app-2026-11-21.log`, `app-2026-11-21.1.log`,
//! `app-2026-11-20.log.gz`. What does not read exactly so is somebody else's and never touched. Any thread.
use super::day::Day;
use std::ffi::OsStr;
use std::path::Path;

/// How a rotated file is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packing {
    /// RFC 1952.
    Gzip,
    /// RFC 8878.
    Zstd,
}

impl Packing {
    /// What follows the name of the file.
    pub fn suffix(self) -> &'static str {
        match self {
            Packing::Gzip => ".gz",
            Packing::Zstd => ".zst",
        }
    }
}

/// The day and the number of a file: files of one sink, oldest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Turn {
    /// The UTC day it was begun for.
    pub day: Day,
    /// 0 for the first file of the day.
    pub sequence: u32,
}

/// A file of a sink by its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnFile {
    /// Which one.
    pub turn: Turn,
    /// Packed, and how.
    pub packing: Option<Packing>,
    /// Its name in the folder.
    pub name: String,
}

/// The pattern of a sink's names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names {
    /// Before the day, with the dash.
    before: String,
    /// After day and number: `.log`, or nothing.
    after: String,
}

impl Names {
    /// The pattern for a path such as `/var/log/app.log`. `None` when its last part is no UTF-8, or none.
    pub fn of(path: &Path) -> Option<Names> {
        let stem = path.file_stem().and_then(OsStr::to_str)?;
        let after = match path.extension() {
            None => String::new(),
            Some(extension) => format!(".{}", extension.to_str()?),
        };
        Some(Names {
            before: format!("{stem}-"),
            after,
        })
    }

    /// The name of a file.
    pub fn name(&self, turn: Turn) -> String {
        let (before, day, after) = (&self.before, turn.day.text(), &self.after);
        match turn.sequence {
            0 => format!("{before}{day}{after}"),
            number => format!("{before}{day}.{number}{after}"),
        }
    }

    /// Which file of this sink a name is.
    pub fn parse(&self, name: &str) -> Option<OwnFile> {
        let (plain, packing) = [Packing::Gzip, Packing::Zstd]
            .into_iter()
            .find_map(|packing| Some((name.strip_suffix(packing.suffix())?, Some(packing))))
            .unwrap_or((name, None));
        let turn = self.turn(plain).map(|turn| (turn, packing));
        // A sink whose own extension is `.gz` names plain files so.
        let turn = turn.or_else(|| self.turn(name).map(|turn| (turn, None)));
        turn.map(|(turn, packing)| OwnFile {
            turn,
            packing,
            name: name.to_owned(),
        })
    }

    fn turn(&self, name: &str) -> Option<Turn> {
        let middle = name.strip_prefix(&self.before)?.strip_suffix(&self.after)?;
        let (day, number) = middle.split_at_checked(10)?;
        let day = Day::parse(day)?;
        let sequence = match number.strip_prefix('.') {
            None if number.is_empty() => 0,
            // As written: no sign, no leading zero.
            Some(digits) if !digits.starts_with('0') && digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                digits.parse().ok()?
            }
            _ => return None,
        };
        Some(Turn { day, sequence })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn turn(day: &str, sequence: u32) -> Turn {
        Turn {
            day: Day::parse(day).unwrap(),
            sequence,
        }
    }

    #[test]
    fn a_name_has_the_day_and_from_the_second_file_on_a_number() {
        let names = Names::of(Path::new("/var/log/app.log")).unwrap();
        assert_eq!(names.name(turn("2026-11-21", 0)), "app-2026-11-21.log");
        assert_eq!(names.name(turn("2026-11-21", 12)), "app-2026-11-21.12.log");
        let bare = Names::of(Path::new("/var/log/app")).unwrap();
        assert_eq!(bare.name(turn("2026-11-21", 1)), "app-2026-11-21.1");
    }

    #[test]
    fn what_was_named_is_known_again_packed_or_not() {
        for path in [
            "app.log",
            "app",
            "a.b.log",
            "app-2026-01-01.log",
            ".log",
            "é.jsonl",
            "x.gz",
        ] {
            let names = Names::of(Path::new(path)).unwrap();
            for turn in [
                turn("2026-11-21", 0),
                turn("1970-01-01", 1),
                turn("9999-12-31", u32::MAX),
            ] {
                let name = names.name(turn);
                let found = names.parse(&name).unwrap();
                assert_eq!((found.turn, &found.name), (turn, &name), "{path}");
                assert_eq!(found.packing, None, "{name}");
                for packing in [Packing::Gzip, Packing::Zstd] {
                    let packed = names.parse(&format!("{name}{}", packing.suffix())).unwrap();
                    assert_eq!((packed.turn, packed.packing), (turn, Some(packing)));
                }
            }
        }
    }

    /// [H-26] only files that the sink itself named are its own.
    #[test]
    fn the_files_of_others_are_not_known() {
        let names = Names::of(Path::new("/var/log/app.log")).unwrap();
        for name in [
            "app.log",
            "app-2026-11-21",
            "app-2026-11-21.log.1",
            "app-2026-11-21.log.bz2",
            "app-2026-11-21.log.gz.gz",
            "app-2026-11-21.log.gz.part",
            "app-2026-11-21.01.log",
            "app-2026-11-21.+1.log",
            "app-2026-11-21.0.log",
            "app-2026-11-21..log",
            "app-2026-11-21.4294967296.log",
            "app-2026-11-31.log",
            "app-worker-2026-11-21.log",
            "myapp-2026-11-21.log",
            "app-2026-11-21-old.log",
            "APP-2026-11-21.log",
            "app-.log",
            "app-é026-11-21.log",
            "",
        ] {
            assert_eq!(names.parse(name), None, "{name}");
        }
        assert_eq!(Names::of(Path::new("/")), None);
        assert_eq!(Names::of(Path::new("..")), None);
    }

    #[test]
    fn files_are_in_the_order_in_which_they_were_begun() {
        assert!(turn("2026-11-20", 9) < turn("2026-11-21", 0));
        assert!(turn("2026-11-21", 9) < turn("2026-11-21", 10));
    }
}
