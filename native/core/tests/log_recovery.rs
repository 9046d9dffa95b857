//! Processes that end at any moment of a delivery, as recovery finds them: images of segments and files, taken while the real drain writes,
//! are recovered by another set of logs. `test/faults/logs-*.test.ts` kills real processes.
#![cfg(not(loom))]
#![allow(clippy::unwrap_used)]

mod log_process;

use kymo_core::logs::recover::Recovered;
use kymo_core::logs::sinks::file::FileSink;
use kymo_core::logs::{LineWriter, Place};
use log_process::{LONG, Process, Scratch, file_options, hold_drain, say};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// The moments of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Moment {
    Placed,
    HalfWritten,
    Written,
    Finished,
}

/// A file sink that has an image taken at one moment.
struct Watched {
    file: FileSink,
    path: PathBuf,
    moment: Moment,
    piece: usize,
    pieces: Arc<AtomicUsize>,
    take: Arc<dyn Fn() + Send + std::marker::Sync>,
}

impl Watched {
    fn at(&self, moment: Moment) {
        if moment == self.moment && self.pieces.load(Ordering::Relaxed) == self.piece {
            (self.take)();
        }
    }
}

impl LineWriter for Watched {
    fn may_block(&self) -> bool {
        false
    }
    fn place(&mut self, bytes: u64, now_ms: u64) -> Option<Place> {
        self.file.place(bytes, now_ms)
    }
    fn write(&mut self, lines: &[u8]) -> io::Result<usize> {
        self.at(Moment::Placed);
        if self.moment == Moment::HalfWritten && self.pieces.load(Ordering::Relaxed) == self.piece {
            // What a process leaves that is killed inside of its write.
            let size = fs::metadata(&self.path).unwrap().len();
            let torn = fs::OpenOptions::new().append(true).open(&self.path).unwrap();
            io::Write::write_all(&mut &torn, &lines[..lines.len() / 2 + 1]).unwrap();
            (self.take)();
            torn.set_len(size).unwrap();
        }
        let written = self.file.write(lines)?;
        self.at(Moment::Written);
        Ok(written)
    }
    fn placed(&mut self) {
        self.file.placed();
        self.at(Moment::Finished);
        self.pieces.fetch_add(1, Ordering::Relaxed);
    }
    fn identity(&self) -> String {
        self.file.identity()
    }
}

/// Takes lines into memory, in a process that lives on.
struct Kept(Arc<Mutex<Vec<u8>>>);

impl LineWriter for Kept {
    fn may_block(&self) -> bool {
        true
    }
    fn place(&mut self, _: u64, _: u64) -> Option<Place> {
        None
    }
    fn write(&mut self, lines: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(lines);
        Ok(lines.len())
    }
    fn identity(&self) -> String {
        "kept".to_owned()
    }
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    let mode: fs::Permissions = std::os::unix::fs::PermissionsExt::from_mode(0o700);
    fs::set_permissions(to, mode).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        match entry.file_type().unwrap().is_dir() {
            true => copy_folder(&entry.path(), &to.join(entry.file_name())),
            false => {
                fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
            }
        }
    }
}

/// Recovers an image; the log file keeps its inode, since intents name it. Answers what the file has then.
fn recovered(image: &Path, log: &Path, content: &[u8]) -> (Recovered, String) {
    fs::write(log, content).unwrap();
    let process = Process::new(image);
    let outlet = process.outlet(Box::new(FileSink::new(file_options(log))));
    let route = process.lead("main", &[&outlet]);
    let found = process.recover(route);
    let text = fs::read_to_string(log).unwrap();
    drop(process);
    // Once recovered, nothing is found again.
    let again = Process::new(image);
    let outlet = again.outlet(Box::new(FileSink::new(file_options(log))));
    let route = again.lead("main", &[&outlet]);
    assert_eq!(again.recover(route), Recovered::default());
    assert_eq!(fs::read_to_string(log).unwrap(), text);
    (found, text)
}

/// [W3] wherever a SIGKILL falls in a delivery, each line is in the file once and in order after the next start. Two threads, whose
/// records lie in their rings and overflows, several batches.
#[test]
fn a_process_that_ends_at_any_moment_loses_and_repeats_no_line() {
    for moment in [Moment::Placed, Moment::HalfWritten, Moment::Written, Moment::Finished] {
        for piece in 0..3 {
            let scratch = Scratch::new();
            let (memory, image) = (scratch.0.join("memory"), scratch.0.join("image"));
            fs::create_dir(&memory).unwrap();
            let log = scratch.0.join("a.log");
            fs::write(&log, "").unwrap();
            let process = Process::new(&memory);
            let content: Arc<Mutex<Option<Vec<u8>>>> = Arc::default();
            let (seen, from, to, path) = (Arc::clone(&content), memory.clone(), image.clone(), log.clone());
            let watched = Watched {
                file: FileSink::new(file_options(&log)),
                path: log.clone(),
                moment,
                piece,
                pieces: Arc::default(),
                take: Arc::new(move || {
                    let mut seen = seen.lock().unwrap();
                    if seen.is_none() {
                        copy_folder(&from, &to);
                        *seen = Some(fs::read(&path).unwrap());
                    }
                }),
            };
            let outlet = process.outlet(Box::new(watched));
            let other = process.outlet(Box::new(Kept(Arc::default())));
            let mut threads = [process.thread(1 << 18, 0), process.thread(1 << 18, 1)];
            while process.logs.rings().iter().any(|open| !open.ring.has_overflow()) {
                std::thread::sleep(Duration::from_millis(1));
            }
            // Nothing leads anywhere until all lines are there, so that the first batch finds both threads' lines.
            let route = process.logs.route("main");
            let hold = hold_drain(&process.collector);
            let lines: Vec<String> = (0..4000).map(|line| format!("{line} {}\n", "x".repeat(100))).collect();
            for (number, line) in lines.iter().enumerate() {
                say(&mut threads[number % 2], route, number as f64, line);
            }
            process.lead_held("main", &[&outlet, &other], hold);
            assert!(process.logs.flush(LONG));
            let content = content.lock().unwrap().take();
            let Some(content) = content else {
                panic!("no image of {moment:?} {piece}")
            };
            drop(process);
            let (found, text) = recovered(&image, &log, &content);
            let expected: String = lines.concat();
            let summary = format!(
                "recovered {} log lines of process {}\n",
                found.lines,
                std::process::id()
            );
            let expected = if found.lines > 0 { expected + &summary } else { expected };
            assert!(
                text == expected,
                "{moment:?} {piece}: {} {}",
                first_difference(&text, &expected),
                found.lines
            );
            assert_eq!(
                (found.runs, found.lost),
                (u32::from(found.lines > 0 || found.runs > 0), 0)
            );
        }
    }
}

fn first_difference(text: &str, expected: &str) -> String {
    let mut lines = text.lines().zip(expected.lines()).enumerate();
    match lines.find(|(_, (one, other))| one != other) {
        Some((at, (one, other))) => format!("line {at}: {:.20} instead of {:.20}", one, other),
        None => format!("{} lines instead of {}", text.lines().count(), expected.lines().count()),
    }
}

/// A sink that takes nothing keeps its lines in the segments, and a sink beside it gets none twice.
#[test]
fn a_sink_that_never_moved_gets_everything_and_its_neighbour_nothing_twice() {
    let scratch = Scratch::new();
    let memory = scratch.0.join("memory");
    fs::create_dir(&memory).unwrap();
    let (log, other) = (scratch.0.join("a.log"), scratch.0.join("b.log"));
    let image = scratch.0.join("image");
    {
        let process = Process::new(&memory);
        let moving = process.outlet(Box::new(FileSink::new(file_options(&log))));
        let stuck = process.outlet(Box::new(Stuck));
        let mut producer = process.thread(1 << 20, 0);
        let route = process.lead("main", &[&moving, &stuck]);
        for line in 0..100 {
            say(&mut producer, route, line as f64, &format!("{line}\n"));
        }
        let taken = || fs::read_to_string(&log).is_ok_and(|text| text.lines().count() == 100);
        while !taken() {
            std::thread::sleep(Duration::from_millis(1));
        }
        copy_folder(&memory, &image);
        assert!(
            !process.logs.flush(Duration::from_millis(20)),
            "one of them has not got it"
        );
        stuck.close(Duration::ZERO);
    }
    let process = Process::new(&image);
    let moving = process.outlet(Box::new(FileSink::new(file_options(&log))));
    let mut options = file_options(&other);
    options.path.clone_from(&other);
    let fresh = process.outlet(Box::new(FileSink::new(options)));
    let route = process.lead("main", &[&moving, &fresh]);
    let found = process.recover(route);
    assert_eq!(
        found,
        Recovered {
            runs: 1,
            lines: 100,
            lost: 0
        }
    );
    let expected: String = (0..100).map(|line| format!("{line}\n")).collect();
    assert_eq!(fs::read_to_string(&log).unwrap(), expected);
    let summary = format!("recovered 100 log lines of process {}\n", std::process::id());
    assert_eq!(fs::read_to_string(&other).unwrap(), expected + &summary);
}

struct Stuck;

impl LineWriter for Stuck {
    fn may_block(&self) -> bool {
        false
    }
    fn place(&mut self, _: u64, _: u64) -> Option<Place> {
        None
    }
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::WouldBlock.into())
    }
    fn identity(&self) -> String {
        "stuck".to_owned()
    }
}

/// Lines of a route that nobody leads anywhere yet stay where they are, for who does.
#[test]
fn each_route_gets_its_own_lines_and_the_segments_go_with_the_last() {
    let scratch = Scratch::new();
    let (memory, image) = (scratch.0.join("memory"), scratch.0.join("image"));
    fs::create_dir(&memory).unwrap();
    {
        let process = Process::new(&memory);
        let _hold = hold_drain(&process.collector);
        let mut producer = process.thread(1 << 16, 0);
        let (one, other) = (process.logs.route("one"), process.logs.route("other"));
        for line in 0..10 {
            say(&mut producer, [one, other][line % 2], line as f64, &format!("{line}\n"));
        }
        copy_folder(&memory, &image);
        process.lead("one", &[]);
        process.lead("other", &[]);
    }
    let segments = || -> usize {
        let folder = fs::read_dir(&image).unwrap().next().unwrap().unwrap().path();
        fs::read_dir(folder).unwrap().count()
    };
    let before = segments();
    // The order of names is another one in this process, and so are the numbers.
    for (name, rest, expected) in [("other", before, "1\n3\n5\n7\n9\n"), ("one", 0, "0\n2\n4\n6\n8\n")] {
        let process = Process::new(&image);
        let log = scratch.0.join(name);
        let outlet = process.outlet(Box::new(FileSink::new(file_options(&log))));
        let route = process.lead(name, &[&outlet]);
        assert_eq!(
            process.recover(route),
            Recovered {
                runs: 1,
                lines: 5,
                lost: 0
            }
        );
        assert_eq!(process.recover(route), Recovered::default(), "once is enough");
        let text = fs::read_to_string(&log).unwrap();
        assert!(text.starts_with(expected) && text.lines().count() == 6, "{text}");
        assert_eq!(segments(), rest);
    }
}

/// [M4] two starts at once: while one has the segments, the other finds nothing.
#[test]
fn a_run_is_recovered_by_one_of_two_that_start_at_once() {
    let scratch = Scratch::new();
    let (memory, image) = (scratch.0.join("memory"), scratch.0.join("image"));
    fs::create_dir(&memory).unwrap();
    {
        let process = Process::new(&memory);
        let hold = hold_drain(&process.collector);
        let mut producer = process.thread(1 << 16, 0);
        let route = process.logs.route("main");
        (0..100).for_each(|line| say(&mut producer, route, line as f64, &format!("{line}\n")));
        copy_folder(&memory, &image);
        process.lead_held("main", &[], hold);
    }
    let log = scratch.0.join("a.log");
    let starts = [(); 2].map(|()| {
        let (image, log) = (image.clone(), log.clone());
        std::thread::spawn(move || {
            let process = Process::new(&image);
            let outlet = process.outlet(Box::new(FileSink::new(file_options(&log))));
            let route = process.lead("main", &[&outlet]);
            process.recover(route).lines
        })
    });
    let lines: u64 = starts.into_iter().map(|start| start.join().unwrap()).sum();
    assert_eq!(lines, 100);
    assert_eq!(fs::read_to_string(&log).unwrap().lines().count(), 101);
}
