// Tests of the file sink: turns, other processes, files that are moved under it, disks that are full. On a memory file system.
#![allow(clippy::unwrap_used)]

use super::super::day::DAY_MS;
use super::super::names::{Names, Packing};
use super::*;
use crate::memory::folder::tests::Scratch;
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::Path;

/// 2026-11-21, 00:00 UTC.
const MIDNIGHT: u64 = 20_778 * DAY_MS;
const NOON: u64 = MIDNIGHT + DAY_MS / 2;

fn options(folder: &Path) -> FileOptions {
    FileOptions {
        path: folder.join("app.log"),
        daily: true,
        max_bytes: None,
        retention_days: Some(14),
        max_total_bytes: None,
        packing: None,
        mode: 0o640,
        make_folder: true,
        sync: Sync::Never,
    }
}

fn plain(folder: &Path) -> FileOptions {
    FileOptions {
        daily: false,
        ..options(folder)
    }
}

/// As an outlet does: place, write all, placed.
fn put(sink: &mut FileSink, lines: &str, now_ms: u64) -> io::Result<()> {
    sink.place(lines.len() as u64, now_ms);
    let mut rest = lines.as_bytes();
    while !rest.is_empty() {
        let done = sink.write(rest)?;
        rest = &rest[done..];
    }
    sink.placed();
    Ok(())
}

fn files(folder: &Path) -> BTreeMap<String, String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    let read = |path: PathBuf| String::from_utf8_lossy(&std::fs::read(path).unwrap_or_default()).into_owned();
    entries
        .map(|entry| entry.unwrap())
        .map(|entry| (entry.file_name().into_string().unwrap(), read(entry.path())))
        .collect()
}

fn names(folder: &Path) -> Vec<String> {
    files(folder).into_keys().collect()
}

fn unpacked(path: &Path) -> String {
    let bytes = std::fs::read(path).unwrap();
    let mut text = String::new();
    if bytes.starts_with(&[0x1f, 0x8b]) {
        flate2::read::GzDecoder::new(&bytes[..])
            .read_to_string(&mut text)
            .unwrap();
    } else {
        zstd::stream::read::Decoder::new(&bytes[..])
            .unwrap()
            .read_to_string(&mut text)
            .unwrap();
    }
    text
}

/// [H-25] the last millisecond of a day is in its file, the first one of the next in the next.
#[test]
fn a_new_file_begins_at_midnight_utc() {
    let dir = Scratch::new();
    let mut sink = FileSink::new(options(dir.path()));
    put(&mut sink, "last\n", MIDNIGHT - 1).unwrap();
    put(&mut sink, "first\n", MIDNIGHT).unwrap();
    let found = files(dir.path());
    assert_eq!(found["app-2026-11-20.log"], "last\n");
    assert_eq!(found["app-2026-11-21.log"], "first\n");
    assert_eq!(found.len(), 2);
}

/// [H-25] nothing is written while the process is idle, and the next write, days later, goes to the file of its day.
#[test]
fn an_idle_process_goes_on_in_the_file_of_the_day() {
    let dir = Scratch::new();
    let mut sink = FileSink::new(options(dir.path()));
    put(&mut sink, "a\n", NOON).unwrap();
    for second in 0..100 {
        sink.tick(MIDNIGHT + DAY_MS - 50_000 + second * 1_000);
    }
    sink.settle();
    assert_eq!(
        names(dir.path()),
        ["app-2026-11-21.log"],
        "an idle day makes no empty file"
    );
    put(&mut sink, "b\n", NOON + 3 * DAY_MS).unwrap();
    assert_eq!(names(dir.path()), ["app-2026-11-21.log", "app-2026-11-24.log"]);
}

#[test]
fn a_clock_that_is_set_back_opens_yesterdays_file_no_more() {
    let dir = Scratch::new();
    let mut sink = FileSink::new(options(dir.path()));
    put(&mut sink, "a\n", MIDNIGHT).unwrap();
    put(&mut sink, "b\n", MIDNIGHT - 1).unwrap();
    assert_eq!(names(dir.path()), ["app-2026-11-21.log"]);
    put(&mut sink, "c\n", MIDNIGHT - DAY_MS - 1).unwrap();
    assert_eq!(
        names(dir.path()),
        ["app-2026-11-19.log", "app-2026-11-21.log"],
        "it was wrong before"
    );
}

#[test]
fn a_file_takes_exactly_its_bytes_and_the_next_line_begins_another() {
    let dir = Scratch::new();
    let mut sink = FileSink::new(FileOptions {
        max_bytes: Some(20),
        ..options(dir.path())
    });
    for line in [
        "0123456789\n",
        "12345678\n",
        "x\n",
        "0123456789012345678901234567890\n",
        "y\n",
    ] {
        put(&mut sink, line, NOON).unwrap();
    }
    let found = files(dir.path());
    assert_eq!(
        found["app-2026-11-21.log"], "0123456789\n12345678\n",
        "20 bytes are the last accepted"
    );
    assert_eq!(found["app-2026-11-21.1.log"], "x\n");
    assert_eq!(
        found["app-2026-11-21.2.log"], "0123456789012345678901234567890\n",
        "a line is never split"
    );
    assert_eq!(found["app-2026-11-21.3.log"], "y\n");
    put(&mut sink, "z\n", NOON + DAY_MS).unwrap();
    assert_eq!(
        files(dir.path())["app-2026-11-22.log"],
        "z\n",
        "each day counts from the beginning"
    );
}

#[test]
fn a_day_whose_numbers_are_used_up_goes_on_in_its_last_file() {
    let dir = Scratch::new();
    std::fs::write(dir.path().join("app-2026-11-21.4294967295.log"), "last\n").unwrap();
    let mut sink = FileSink::new(FileOptions {
        max_bytes: Some(20),
        ..options(dir.path())
    });
    for _ in 0..10 {
        put(&mut sink, "line\n", NOON).unwrap();
    }
    assert_eq!(
        files(dir.path())["app-2026-11-21.4294967295.log"],
        format!("last\n{}", "line\n".repeat(10))
    );
}

#[test]
fn a_piece_that_is_longer_than_a_file_is_spread_over_several() {
    let dir = Scratch::new();
    let mut sink = FileSink::new(FileOptions {
        max_bytes: Some(25),
        ..options(dir.path())
    });
    let lines: String = (0..20).map(|number| format!("line {number:03}\n")).collect();
    put(&mut sink, &lines, NOON).unwrap();
    let found = files(dir.path());
    assert!(
        found
            .values()
            .all(|content| content.len() <= 25 && content.ends_with('\n')),
        "{found:?}"
    );
    let together: String = (0..10)
        .map(|number| match number {
            0 => found["app-2026-11-21.log"].clone(),
            _ => found[&format!("app-2026-11-21.{number}.log")].clone(),
        })
        .collect();
    assert_eq!(together, lines);
}

#[test]
fn a_sink_without_days_goes_on_in_its_last_file_and_numbers_within_the_day() {
    let dir = Scratch::new();
    let sized = FileOptions {
        max_bytes: Some(10),
        ..plain(dir.path())
    };
    put(&mut FileSink::new(sized.clone()), "12345678\n", NOON).unwrap();
    let mut later = FileSink::new(sized);
    put(&mut later, "\n", NOON + 2 * DAY_MS).unwrap();
    assert_eq!(files(dir.path())["app-2026-11-21.log"], "12345678\n\n");
    put(&mut later, "next\n", NOON + 2 * DAY_MS).unwrap();
    put(&mut later, "123456789\n", NOON + 2 * DAY_MS).unwrap();
    assert_eq!(
        names(dir.path()),
        ["app-2026-11-21.log", "app-2026-11-23.1.log", "app-2026-11-23.log"]
    );
}

#[test]
fn a_sink_without_turns_appends_to_the_very_file() {
    let dir = Scratch::new();
    std::fs::write(dir.path().join("app.log"), "before\n").unwrap();
    let mut sink = FileSink::new(plain(dir.path()));
    put(&mut sink, "a\n", NOON).unwrap();
    put(&mut sink, "b\n", NOON + 40 * DAY_MS).unwrap();
    sink.tick(NOON + 40 * DAY_MS);
    sink.settle();
    assert_eq!(
        files(dir.path()),
        BTreeMap::from([("app.log".into(), "before\na\nb\n".into())])
    );
    assert_eq!(sink.identity(), format!("file:{}/app.log", dir.path().display()));
}

/// [H-26] today - D > 14 days: the 14th day back stays, the 15th goes, and only of the sink's own.
#[test]
fn files_of_more_than_14_days_are_deleted_at_the_start_and_at_each_turn() {
    let dir = Scratch::new();
    let others = [
        "app.log",
        "app-2026-01-01.log.bak",
        "app-2026-01-01",
        "other-2026-01-01.log",
        "app-2026-02-30.log",
        "app-01.log",
    ];
    for name in others {
        std::fs::write(dir.path().join(name), "theirs").unwrap();
    }
    let own = |days_back: u64| format!("app-{}.log", Day::of(NOON - days_back * DAY_MS).text());
    for days_back in 0..40 {
        std::fs::write(dir.path().join(own(days_back)), "old\n").unwrap();
    }
    std::fs::write(dir.path().join(format!("{}.gz", own(20))), "old").unwrap();
    std::fs::write(dir.path().join("app-2026-10-01.3.log"), "old").unwrap();
    // What cannot be deleted, since it is a folder, and a link, which is not followed and none of ours.
    std::fs::create_dir(dir.path().join("app-2025-01-01.log")).unwrap();
    symlink(dir.path().join("app.log"), dir.path().join("app-2025-01-02.log")).unwrap();

    let mut sink = FileSink::new(options(dir.path()));
    put(&mut sink, "new\n", NOON).unwrap();
    sink.settle();
    let mut expected: Vec<String> = (0..=14).map(own).collect();
    expected.extend(others.map(str::to_owned));
    expected.extend(["app-2025-01-01.log".to_owned(), "app-2025-01-02.log".to_owned()]);
    expected.sort();
    assert_eq!(names(dir.path()), expected);

    put(&mut sink, "newer\n", NOON + DAY_MS).unwrap();
    sink.settle();
    assert!(!names(dir.path()).contains(&own(14)));
    assert!(names(dir.path()).contains(&own(13)));
    assert_eq!(
        names(dir.path())
            .iter()
            .filter(|name| options_names().parse(name).is_some())
            .count(),
        17
    );
}

fn options_names() -> Names {
    Names::of(Path::new("app.log")).unwrap()
}

/// [H-26] also while nothing is written.
#[test]
fn an_idle_process_deletes_what_gets_too_old() {
    let dir = Scratch::new();
    let mut sink = FileSink::new(options(dir.path()));
    put(&mut sink, "a\n", NOON).unwrap();
    sink.tick(NOON + 14 * DAY_MS);
    sink.settle();
    assert_eq!(names(dir.path()).len(), 1);
    sink.tick(NOON + 15 * DAY_MS);
    sink.settle();
    assert!(names(dir.path()).is_empty());
    put(&mut sink, "b\n", NOON + 15 * DAY_MS).unwrap();
    assert_eq!(names(dir.path()), ["app-2026-12-06.log"]);
}

#[test]
fn the_oldest_files_go_when_all_together_are_too_large_but_never_the_one_in_use() {
    let dir = Scratch::new();
    let mut sink = FileSink::new(FileOptions {
        max_bytes: Some(10),
        max_total_bytes: Some(30),
        ..options(dir.path())
    });
    std::fs::write(dir.path().join("other.log"), "x".repeat(100)).unwrap();
    for number in 0..9 {
        put(&mut sink, &format!("line {number}...\n"), NOON).unwrap();
        sink.settle();
    }
    assert_eq!(
        names(dir.path()),
        [
            "app-2026-11-21.6.log",
            "app-2026-11-21.7.log",
            "app-2026-11-21.8.log",
            "other.log"
        ]
    );
    let mut large = FileSink::new(FileOptions {
        max_total_bytes: Some(30),
        ..options(dir.path())
    });
    put(&mut large, &"x\n".repeat(100), NOON).unwrap();
    large.tick(NOON);
    large.settle();
    assert_eq!(names(dir.path()), ["app-2026-11-21.8.log", "other.log"]);
}

#[test]
fn a_file_that_was_left_is_packed_with_its_permissions_and_times() {
    for packing in [Packing::Gzip, Packing::Zstd] {
        let dir = Scratch::new();
        let mut sink = FileSink::new(FileOptions {
            packing: Some(packing),
            mode: 0o600,
            ..options(dir.path())
        });
        let lines = "a line that comes often\n".repeat(10_000);
        put(&mut sink, &lines, NOON).unwrap();
        let modified = std::fs::metadata(dir.path().join("app-2026-11-21.log"))
            .unwrap()
            .modified()
            .unwrap();
        put(&mut sink, "next\n", NOON + DAY_MS).unwrap();
        sink.settle();
        let name = format!("app-2026-11-21.log{}", packing.suffix());
        assert_eq!(names(dir.path()), [name.as_str(), "app-2026-11-22.log"]);
        let path = dir.path().join(name);
        assert_eq!(unpacked(&path), lines);
        let found = std::fs::metadata(path).unwrap();
        assert_eq!(found.permissions().mode() & 0o777, 0o600);
        assert_eq!(found.modified().unwrap(), modified);
        assert!(found.len() < lines.len() as u64 / 50);
    }
}

#[test]
fn files_of_an_earlier_process_are_packed_once_recovery_is_over() {
    let dir = Scratch::new();
    let packed = FileOptions {
        packing: Some(Packing::Gzip),
        ..options(dir.path())
    };
    put(&mut FileSink::new(packed.clone()), "yesterday\n", NOON - DAY_MS).unwrap();
    // Left by a process that died in the middle of it.
    std::fs::write(dir.path().join("app-2026-11-20.log.gz.part"), "torn").unwrap();
    let mut sink = FileSink::new(packed);
    put(&mut sink, "today\n", NOON).unwrap();
    for second in 0..10 {
        sink.tick(NOON + second * 1_000);
        sink.settle();
        assert!(names(dir.path()).contains(&"app-2026-11-20.log".to_owned()));
    }
    sink.tick(NOON + 10_000);
    sink.settle();
    assert_eq!(names(dir.path()), ["app-2026-11-20.log.gz", "app-2026-11-21.log"]);
    assert_eq!(unpacked(&dir.path().join("app-2026-11-20.log.gz")), "yesterday\n");
}

#[test]
fn a_process_that_sees_the_new_file_late_writes_to_no_packed_one() {
    let dir = Scratch::new();
    let sized = FileOptions {
        packing: Some(Packing::Gzip),
        max_bytes: Some(12),
        ..options(dir.path())
    };
    let (mut quick, mut slow) = (FileSink::new(sized.clone()), FileSink::new(sized));
    put(&mut quick, "1234567890\n", NOON).unwrap();
    put(&mut slow, "", NOON).unwrap();
    for _ in 0..3 {
        put(&mut quick, "1234567890\n", NOON).unwrap();
        quick.settle();
    }
    put(&mut slow, "\n", NOON).unwrap();
    let found = files(dir.path());
    assert_eq!(found["app-2026-11-21.3.log"], "1234567890\n\n");
    assert_eq!(found.len(), 4);
    // The same at midnight, and for one that begins when all files of its day are packed.
    put(&mut quick, "a\n", NOON + DAY_MS).unwrap();
    quick.settle();
    put(&mut slow, "b\n", NOON + DAY_MS).unwrap();
    assert_eq!(files(dir.path())["app-2026-11-22.log"], "a\nb\n");
    assert_eq!(unpacked(&dir.path().join("app-2026-11-21.3.log.gz")), "1234567890\n\n");
    // Whoever is in the next day packs all that is left of this one, what comes late included.
    slow.settle();
    let mut late = FileSink::new(FileOptions {
        packing: Some(Packing::Gzip),
        ..options(dir.path())
    });
    put(&mut late, "late\n", NOON).unwrap();
    assert_eq!(files(dir.path())["app-2026-11-21.4.log"], "late\n");
}

/// What logrotate does without telling anybody.
#[test]
fn a_file_that_was_moved_or_deleted_is_made_anew() {
    let dir = Scratch::new();
    let path = dir.path().join("app.log");
    let mut sink = FileSink::new(plain(dir.path()));
    put(&mut sink, "a\n", NOON).unwrap();
    std::fs::rename(&path, dir.path().join("app.log.1")).unwrap();
    put(&mut sink, "b\n", NOON).unwrap();
    std::fs::remove_file(&path).unwrap();
    put(&mut sink, "c\n", NOON).unwrap();
    std::fs::rename(&path, dir.path().join("app.log.2")).unwrap();
    std::fs::write(&path, "theirs\n").unwrap();
    put(&mut sink, "d\n", NOON).unwrap();
    let found = files(dir.path());
    assert_eq!(found["app.log.1"], "a\n");
    assert_eq!(found["app.log.2"], "c\n");
    assert_eq!(found["app.log"], "theirs\nd\n");
    std::fs::remove_dir_all(dir.path()).unwrap();
    put(&mut sink, "e\n", NOON).unwrap();
    assert_eq!(files(dir.path())["app.log"], "e\n", "a removed folder is made again");
}

/// What logrotate does with `copytruncate`.
#[test]
fn a_file_that_was_emptied_is_written_from_its_beginning() {
    let dir = Scratch::new();
    let mut sink = FileSink::new(plain(dir.path()));
    put(&mut sink, "a\n", NOON).unwrap();
    File::options()
        .write(true)
        .open(dir.path().join("app.log"))
        .unwrap()
        .set_len(0)
        .unwrap();
    let place = sink.place(2, NOON).unwrap();
    assert_eq!(place.offset, 0);
    sink.write(b"b\n").unwrap();
    sink.placed();
    assert_eq!(files(dir.path())["app.log"], "b\n");
}

#[test]
fn the_old_file_is_kept_as_long_as_no_new_one_is_to_be_had() {
    let dir = Scratch::new();
    let path = dir.path().join("app.log");
    let mut sink = FileSink::new(plain(dir.path()));
    put(&mut sink, "a\n", NOON).unwrap();
    std::fs::rename(&path, dir.path().join("app.log.1")).unwrap();
    std::fs::create_dir(&path).unwrap();
    put(&mut sink, "b\n", NOON).unwrap();
    sink.reopen();
    put(&mut sink, "c\n", NOON).unwrap();
    assert_eq!(
        std::fs::read_to_string(dir.path().join("app.log.1")).unwrap(),
        "a\nb\nc\n"
    );
    std::fs::remove_file(dir.path().join("app.log.1")).unwrap();
    assert!(
        put(&mut sink, "d\n", NOON).is_err(),
        "what is written to a file without a name is lost"
    );
    std::fs::remove_dir(&path).unwrap();
    put(&mut sink, "e\n", NOON).unwrap();
    assert_eq!(files(dir.path())["app.log"], "e\n", "it comes back by itself");

    let mut daily = FileSink::new(options(dir.path()));
    put(&mut daily, "a\n", NOON).unwrap();
    std::fs::create_dir(dir.path().join("app-2026-11-22.log")).unwrap();
    put(&mut daily, "b\n", NOON + DAY_MS).unwrap();
    assert_eq!(files(dir.path())["app-2026-11-21.log"], "a\nb\n");
    std::fs::remove_dir(dir.path().join("app-2026-11-22.log")).unwrap();
    put(&mut daily, "c\n", NOON + DAY_MS).unwrap();
    assert_eq!(files(dir.path())["app-2026-11-22.log"], "c\n");
}

#[test]
fn a_folder_that_is_none_or_missing_is_an_error_until_it_is_there() {
    let dir = Scratch::new();
    let inside = dir.path().join("not/yet");
    let mut sink = FileSink::new(FileOptions {
        make_folder: false,
        ..options(&inside)
    });
    assert!(sink.place(2, NOON).is_none());
    assert_eq!(sink.write(b"a\n").unwrap_err().kind(), ErrorKind::NotFound);
    sink.tick(NOON);
    std::fs::create_dir_all(&inside).unwrap();
    put(&mut sink, "a\n", NOON).unwrap();
    assert_eq!(names(&inside), ["app-2026-11-21.log"]);

    std::fs::write(dir.path().join("file"), "").unwrap();
    let mut sink = FileSink::new(options(&dir.path().join("file")));
    assert!(put(&mut sink, "a\n", NOON).is_err());

    let mut sink = FileSink::new(options(&dir.path().join("made/for/it")));
    put(&mut sink, "a\n", NOON).unwrap();
    let made = std::fs::metadata(dir.path().join("made/for")).unwrap();
    assert_eq!(
        made.permissions().mode() & 0o027,
        0,
        "no entry for others, no writing for the group"
    );
}

/// [H-27] what a process left unfinished does not swallow the next line.
#[test]
fn a_torn_last_line_is_ended_before_the_next_one() {
    let dir = Scratch::new();
    std::fs::write(dir.path().join("app.log"), "{\"a\":1}\n{\"b\":").unwrap();
    let mut sink = FileSink::new(plain(dir.path()));
    let place = sink.place(8, NOON).unwrap();
    assert_eq!(place.offset, 14, "the place is behind the line ending");
    sink.write(b"{\"c\":3}\n").unwrap();
    sink.placed();
    assert_eq!(files(dir.path())["app.log"], "{\"a\":1}\n{\"b\":\n{\"c\":3}\n");
    // Another process was killed while this one was idle.
    File::options()
        .append(true)
        .open(dir.path().join("app.log"))
        .unwrap()
        .write_all(b"torn")
        .unwrap();
    put(&mut sink, "next\n", NOON).unwrap();
    assert!(files(dir.path())["app.log"].ends_with("\ntorn\nnext\n"));
}

#[test]
fn lines_that_a_dead_process_had_written_are_found_and_the_cut_one_is_completed() {
    let dir = Scratch::new();
    let lines = b"first\nsecond\nthird\n";
    for written in 0..=lines.len() {
        let path = dir.path().join("app-2026-11-21.log");
        std::fs::write(&path, [b"before\n", &lines[..written]].concat()).unwrap();
        let found = std::fs::metadata(&path).unwrap();
        let place = Place {
            device: found.dev(),
            inode: found.ino(),
            offset: 7,
        };
        let mut sink = FileSink::new(options(dir.path()));
        let there = sink.resume(place, lines);
        assert!(there >= written && lines[..there].last() != Some(&b'x'));
        assert!(there == 0 || lines[there - 1] == b'\n');
        put(&mut sink, std::str::from_utf8(&lines[there..]).unwrap(), NOON + DAY_MS).unwrap();
        let together: String = files(dir.path()).into_values().collect();
        assert_eq!(
            together, "before\nfirst\nsecond\nthird\n",
            "{written} bytes were written"
        );
        assert_eq!(sink.resume(Place { offset: 8, ..place }, lines), 0, "other lines");
        assert_eq!(sink.resume(Place { inode: 1, ..place }, lines), 0, "another file");
        std::fs::remove_dir_all(dir.path()).unwrap();
        std::fs::create_dir(dir.path()).unwrap();
    }
}

#[test]
fn a_cut_line_that_others_wrote_behind_comes_again_whole() {
    let dir = Scratch::new();
    let path = dir.path().join("app.log");
    std::fs::write(&path, "first\nsec\nother\n").unwrap();
    let found = std::fs::metadata(&path).unwrap();
    let place = Place {
        device: found.dev(),
        inode: found.ino(),
        offset: 0,
    };
    let mut sink = FileSink::new(plain(dir.path()));
    assert_eq!(sink.resume(place, b"first\nsecond\n"), 6);
    assert_eq!(files(dir.path())["app.log"], "first\nsec\nother\n");
}

#[test]
fn a_name_that_somebody_else_prepared_is_not_followed() {
    let dir = Scratch::new();
    let target = dir.path().join("victim");
    std::fs::write(&target, "precious\n").unwrap();
    symlink(&target, dir.path().join("app-2026-11-21.log")).unwrap();
    let mut sink = FileSink::new(options(dir.path()));
    assert!(sink.place(2, NOON).is_none());
    assert_eq!(sink.write(b"a\n").unwrap_err().raw_os_error(), Some(libc::ELOOP));
    assert_eq!(std::fs::read_to_string(&target).unwrap(), "precious\n");

    // The one name that the user gave may be a link of the user's, as in images that link it to /dev/stdout.
    let link = dir.path().join("app.log");
    symlink(&target, &link).unwrap();
    put(&mut FileSink::new(plain(dir.path())), "a\n", NOON).unwrap();
    assert_eq!(std::fs::read_to_string(&target).unwrap(), "precious\na\n");
    if std::os::unix::fs::lchown(&link, Some(12_345), None).is_ok() {
        assert!(
            put(&mut FileSink::new(plain(dir.path())), "b\n", NOON).is_err(),
            "another user's link"
        );
    }
}

#[test]
fn in_a_folder_open_to_everybody_only_a_file_of_ones_own_is_used() {
    let dir = Scratch::new();
    std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
    let path = dir.path().join("app.log");
    put(&mut FileSink::new(plain(dir.path())), "own\n", NOON).unwrap();
    std::fs::hard_link(&path, dir.path().join("second")).unwrap();
    assert!(put(&mut FileSink::new(plain(dir.path())), "a\n", NOON).is_err());
    std::fs::remove_file(dir.path().join("second")).unwrap();
    put(&mut FileSink::new(plain(dir.path())), "a\n", NOON).unwrap();
    if chown(&path, Some(12_345), None).is_ok() {
        let mut sink = FileSink::new(plain(dir.path()));
        sink.place(2, NOON);
        assert_eq!(sink.write(b"b\n").unwrap_err().kind(), ErrorKind::PermissionDenied);
        std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o775)).unwrap();
        put(&mut sink, "c\n", NOON).unwrap();
    }
}

/// A device takes lines without a place; one that is always full answers so and hurts nobody.
#[test]
#[cfg(target_os = "linux")]
fn devices_and_pipes_have_no_place() {
    let mut sink = FileSink::new(FileOptions {
        path: PathBuf::from("/dev/full"),
        ..plain(Path::new("/dev"))
    });
    assert!(sink.place(2, NOON).is_none());
    assert_eq!(sink.write(b"a\n").unwrap_err().raw_os_error(), Some(libc::ENOSPC));
    let mut sink = FileSink::new(FileOptions {
        path: PathBuf::from("/dev/null"),
        ..plain(Path::new("/dev"))
    });
    assert!(sink.place(2, NOON).is_none());
    assert_eq!(sink.write(b"a\nb\n").unwrap(), 4);
}

/// [H-27] each piece is where its place said, whole, whoever else writes; each file keeps its size.
#[test]
fn several_writers_share_files_and_a_turn_happens_once() {
    const WRITERS: usize = 4;
    const PIECES: usize = 150;
    const MAX_BYTES: u64 = 4_000;
    let dir = Scratch::new();
    let sized = FileOptions {
        max_bytes: Some(MAX_BYTES),
        ..options(dir.path())
    };
    let piece = |writer: usize, number: usize| {
        (0..1 + number % 3)
            .map(|line| format!("writer {writer} piece {number} line {line}\n"))
            .collect::<String>()
    };
    let mut threads = Vec::new();
    for writer in 0..WRITERS {
        let sized = sized.clone();
        threads.push(std::thread::spawn(move || {
            let mut sink = FileSink::new(sized);
            let mut places = Vec::new();
            let mut number = 0;
            while number < PIECES {
                let lines = piece(writer, number);
                let place = sink.place(lines.len() as u64, NOON);
                match sink.write(lines.as_bytes()) {
                    Ok(done) => {
                        assert_eq!(done, lines.len());
                        places.push((place.unwrap(), lines));
                        number += 1;
                    }
                    Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
                }
                sink.placed();
            }
            places
        }));
    }
    let places: Vec<_> = threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
    let mut contents = BTreeMap::new();
    for name in names(dir.path()) {
        let path = dir.path().join(&name);
        let found = std::fs::metadata(&path).unwrap();
        assert!(found.len() <= MAX_BYTES);
        contents.insert(found.ino(), std::fs::read(&path).unwrap());
    }
    for (place, lines) in &places {
        let from = place.offset as usize;
        assert_eq!(&contents[&place.inode][from..from + lines.len()], lines.as_bytes());
    }
    let written: usize = places.iter().map(|(_, lines)| lines.len()).sum();
    assert_eq!(contents.values().map(Vec::len).sum::<usize>(), written);
    // Each file but the last was filled before the next was begun: as many as one writer would have made.
    assert!(
        contents.len() <= written / (MAX_BYTES as usize - 200) + 1,
        "{} files",
        contents.len()
    );
}

#[test]
fn a_process_that_stopped_with_the_lock_keeps_others_waiting_for_two_seconds_only() {
    let dir = Scratch::new();
    let (mut stopped, mut sink) = (FileSink::new(plain(dir.path())), FileSink::new(plain(dir.path())));
    stopped.place(2, NOON).unwrap();
    for now_ms in [NOON, NOON + 1_999] {
        assert!(sink.place(2, now_ms).is_none());
        assert_eq!(sink.write(b"a\n").unwrap_err().kind(), ErrorKind::WouldBlock);
        sink.placed();
    }
    assert!(
        sink.place(2, NOON + 2_000).is_none(),
        "without the lock nobody knows the place"
    );
    assert_eq!(sink.write(b"a\n").unwrap(), 2);
    sink.placed();
    stopped.placed();
    assert!(sink.place(2, NOON + 3_000).is_some());
    assert_eq!(files(dir.path())["app.log"], "a\n");
}

#[test]
fn a_lock_is_held_for_a_piece_only() {
    let dir = Scratch::new();
    let (mut one, mut other) = (FileSink::new(plain(dir.path())), FileSink::new(plain(dir.path())));
    one.place(2, NOON).unwrap();
    one.tick(NOON);
    assert!(
        other.place(2, NOON).is_some(),
        "given up at the latest by the next tick"
    );
    other.placed();
    one.place(2, NOON).unwrap();
    drop(one);
    assert!(other.place(2, NOON).is_some());
}

#[test]
fn files_may_wait_for_a_device_and_ask_for_levels_where_one_is_synced() {
    let dir = Scratch::new();
    let with = |sync| {
        FileSink::new(FileOptions {
            sync,
            ..options(dir.path())
        })
    };
    assert!(
        [Sync::Never, Sync::Flush, Sync::Always, Sync::Level(50)]
            .map(with)
            .iter()
            .all(FileSink::may_block)
    );
    assert!(with(Sync::Level(50)).wants_marks() && !with(Sync::Always).wants_marks());
    for sync in [Sync::Never, Sync::Flush, Sync::Always, Sync::Level(50)] {
        let mut sink = with(sync);
        sink.sync().unwrap();
        let mark = |level| LineMark {
            bytes: 2,
            level,
            time_ms: 0.0,
        };
        sink.place(4, NOON);
        assert_eq!(sink.write_marked(b"a\nb\n", &[mark(30), mark(50)]).unwrap(), 4);
        sink.placed();
        for turn in 1..8 {
            put(&mut sink, "c\n", NOON + turn * DAY_MS).unwrap();
        }
        sink.sync().unwrap();
        assert!(sink.unsynced.is_empty(), "files that were left are synced as well");
    }
}
