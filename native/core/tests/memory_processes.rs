//! Memory rules that only real processes can break: liveness, exit handlers, limits of the system. The children are this
//! test program again, in the role that an environment variable names.
#![cfg(not(loom))]
#![allow(clippy::unwrap_used)]

use kymo_core::layout::*;
use kymo_core::memory::exit::ending;
use kymo_core::memory::file::{Store, StoreOptions};
use kymo_core::memory::folder::Folder;
use kymo_core::memory::recover::{EndedBy, RecoveredRun, recover};
use kymo_core::memory::segment::{Backing, Segment};
use kymo_core::memory::sweep::{Retention, sweep};
use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::SystemTime;

const ROLE: &str = "KYMO_TEST_ROLE";
const DIR: &str = "KYMO_TEST_DIR";

/// A private folder on a memory file system, removed at the end.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Scratch {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let base = if cfg!(target_os = "linux") {
            PathBuf::from("/dev/shm")
        } else {
            std::env::temp_dir()
        };
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = base.join(format!("kymo-processes-{}-{number}", std::process::id()));
        std::fs::create_dir(&path).unwrap();
        Scratch(path)
    }

    fn folder(&self) -> Folder {
        Folder::open_or_create(&self.0).unwrap()
    }

    fn names(&self) -> Vec<String> {
        self.folder().names().unwrap()
    }

    fn recovered(&self) -> Vec<RecoveredRun> {
        recover(&self.folder(), "a", false)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn command(role: &str, dir: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "child_role", "--nocapture", "--test-threads=1"]);
    command
        .env(ROLE, role)
        .env(DIR, dir)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn run(role: &str, dir: &Path) -> Output {
    command(role, dir).stdin(Stdio::null()).output().unwrap()
}

/// Starts a child and waits until it says `ready`.
fn started(command: &mut Command) -> Child {
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.as_mut().unwrap());
    let mut line = String::new();
    while !line.contains("ready") {
        line.clear();
        assert_ne!(
            lines.read_line(&mut line).unwrap(),
            0,
            "the child ended before it was ready"
        );
    }
    child
}

fn open(dir: &Path, root: &Path) -> Arc<Store> {
    let options = StoreOptions {
        dir: Some(dir.to_path_buf()),
        service: "a".to_owned(),
        limit: None,
        root: root.to_path_buf(),
    };
    Arc::new(Store::open(options))
}

/// A counter `jobs_total` with 41 in it, and one more each time it is counted.
fn counting(store: &Store) -> (Segment, u32) {
    let segment = store.make(KIND_CELLS, 65_536, 0).unwrap().segment;
    let cell = segment.size() as u32 / 8 - 1;
    segment.u32_at(CELL_FLOOR_AT).store(cell * 8, Ordering::Relaxed);
    let words = |words: &[u32]| words.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<u8>>();
    segment
        .append_meta(META_METRIC, &[&words(&[1, 0, 1, 10, 0, 0, 0]), b"jobs_total"])
        .unwrap();
    segment.append_meta(META_SERIES, &[&words(&[1, cell, 1, 0])]).unwrap();
    segment.cell(cell).store(41_f64.to_bits(), Ordering::Relaxed);
    (segment, cell)
}

fn say(word: &str) {
    use std::io::Write;
    let mut out = std::io::stdout().lock();
    writeln!(out, "{word}").unwrap();
    out.flush().unwrap();
}

/// What a child does; nothing when this is no child.
#[test]
fn child_role() {
    let (Ok(role), Ok(dir)) = (std::env::var(ROLE), std::env::var(DIR)) else {
        return;
    };
    let dir = Path::new(&dir);
    if role == "fsize" {
        let limit = libc::rlimit {
            rlim_cur: 32_768,
            rlim_max: 32_768,
        };
        // SAFETY: reads one rlimit.
        assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_FSIZE, &limit) }, 0);
    }
    let store = open(dir, dir);
    ending().own(&store);
    let (segment, cell) = counting(&store);
    segment.cell(cell).store(42_f64.to_bits(), Ordering::Relaxed);
    match &*role {
        "wait" => {
            say("ready");
            let _ = std::io::stdin().read(&mut [0]);
        }
        "drain" => {
            ending().before_exit(Box::new(|_| say("drained")));
            std::thread::spawn(|| std::process::exit(0)).join().unwrap();
        }
        "stuck" => {
            ending().before_exit(Box::new(|_| say("drained")));
            ending().before_exit(Box::new(|until| {
                while std::time::Instant::now() < until {
                    std::thread::sleep(until - std::time::Instant::now());
                }
                std::thread::park();
                std::process::abort();
            }));
            std::process::exit(0)
        }
        "exit-0" => std::process::exit(0),
        "exit-7" => std::process::exit(7),
        "clean-7" => {
            store.mark(EXIT_CLEAN, 7);
            std::process::exit(7)
        }
        "uncaught" => {
            store.mark(EXIT_UNCAUGHT, 1);
            std::process::exit(1)
        }
        "abort" => std::process::abort(),
        "fork" => {
            // SAFETY: the child only exits; this process has no other thread that holds a lock it needs.
            let child = unsafe { libc::fork() };
            if child == 0 {
                // Two writers to one cell would be one too many: the mapping is not there (Linux).
                let maps = std::fs::read_to_string("/proc/self/maps").unwrap_or_default();
                std::process::exit(i32::from(maps.contains(".kymo")));
            }
            let mut status = 0;
            // SAFETY: waits for the child made above.
            assert_eq!(unsafe { libc::waitpid(child, &mut status, 0) }, child);
            say(&format!(
                "child {status}, {} files",
                store.folder().unwrap().names().unwrap().len()
            ));
            std::process::exit(0)
        }
        "spawner" => {
            // In a process of its own: between fork and exec any other child holds the lock for a moment.
            let mut child = Command::new("cat")
                .stdin(Stdio::piped())
                .stdout(Stdio::null())
                .spawn()
                .unwrap();
            // SAFETY: the segment is not used any more; this is what the kernel does at the end of a process. The exit
            // handler does not mark it: `_exit` runs none.
            unsafe { libc::munmap(segment.base().cast(), segment.size()) };
            drop(segment);
            say(&format!(
                "{} recovered",
                recover(store.folder().unwrap(), "a", false).len()
            ));
            child.kill().unwrap();
            child.wait().unwrap();
            // SAFETY: ends the process at once.
            unsafe { libc::_exit(0) };
        }
        "fsize" => {
            assert!(matches!(segment.backing(), Backing::Anonymous));
            say(&format!(
                "failures {:?}",
                store.failures().filter(|(_, count)| *count > 0).collect::<Vec<_>>()
            ));
            std::process::exit(0)
        }
        other => panic!("no such role: {other}"),
    }
}

/// [M1] [M4] SIGKILL: alive until then, recovered with the last value after it.
#[test]
fn what_a_killed_process_counted_is_recovered() {
    let dir = Scratch::new();
    let mut child = started(&mut command("wait", &dir.0));
    assert!(dir.recovered().is_empty(), "it is alive");
    assert_eq!(
        sweep(&dir.folder(), "a", &Retention::default(), SystemTime::now()).removed,
        0
    );
    child.kill().unwrap();
    child.wait().unwrap();
    let [run] = <[RecoveredRun; 1]>::try_from(dir.recovered()).unwrap();
    assert_eq!((run.pid, run.ended_by), (child.id(), EndedBy::Unclean));
    assert_eq!(
        (&*run.metrics[0].metric.name, &run.metrics[0].series[0].values[..]),
        ("jobs_total", &[42.0][..])
    );
}

/// [T1] ends that the C exit handler sees: a clean one removes the files, an uncaught exception keeps them.
#[test]
fn the_exit_handler_tells_clean_ends_from_others() {
    let expected = [
        ("exit-0", Some(0), None),
        ("clean-7", Some(7), None),
        ("uncaught", Some(1), Some(EndedBy::Uncaught(1))),
        ("abort", None, Some(EndedBy::Unclean)),
    ];
    for (role, code, left) in expected {
        let dir = Scratch::new();
        let ended = run(role, &dir.0);
        assert_eq!(
            ended.status.code(),
            code,
            "{role}: {}",
            String::from_utf8_lossy(&ended.stderr)
        );
        assert_eq!(dir.recovered().first().map(|run| run.ended_by), left, "{role}");
        assert_eq!(dir.names().len(), usize::from(left.is_some()), "{role}");
    }
}

/// [T1] an exit with a code that nobody explained keeps its files where the system tells the code.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[test]
fn an_unexplained_exit_code_keeps_the_files() {
    let dir = Scratch::new();
    assert_eq!(run("exit-7", &dir.0).status.code(), Some(7));
    assert_eq!(dir.recovered()[0].ended_by, EndedBy::Unclean);
}

/// [T1] registered work runs in `exit`, on whichever thread calls it.
#[test]
fn the_exit_handler_drains() {
    let dir = Scratch::new();
    let ended = run("drain", &dir.0);
    assert!(String::from_utf8_lossy(&ended.stdout).contains("drained"));
    assert_eq!((ended.status.code(), dir.names().len()), (Some(0), 0));
}

/// [T1] a drain that is stuck for ever delays the end by the deadline, not for ever, and later ones do not run on.
#[test]
fn a_stuck_drain_does_not_hold_the_process() {
    let dir = Scratch::new();
    let ended = run("stuck", &dir.0);
    assert!(!String::from_utf8_lossy(&ended.stdout).contains("drained"));
    assert_eq!(
        (ended.status.code(), ended.status.signal(), dir.names().len()),
        (Some(0), None, 0)
    );
}

/// [M2] [T1] a child made by fork inherits the handler and leaves its parent's files alone; it does not inherit the mapping.
#[test]
fn a_forked_child_does_not_remove_its_parents_files() {
    let dir = Scratch::new();
    let ended = run("fork", &dir.0);
    let text = String::from_utf8_lossy(&ended.stdout).into_owned();
    assert!(
        text.contains("child 0, 1 files"),
        "{text} {}",
        String::from_utf8_lossy(&ended.stderr)
    );
    assert_eq!(dir.names().len(), 0, "the parent removed them");
}

/// [M3] a file size limit means anonymous memory and a count, not SIGXFSZ.
#[test]
fn a_file_size_limit_is_no_death_sentence() {
    let dir = Scratch::new();
    let ended = run("fsize", &dir.0);
    let text = String::from_utf8_lossy(&ended.stdout).into_owned();
    assert!(
        text.contains(r#"failures [("memory_io", 1)]"#),
        "{text} {:?}",
        ended.status
    );
    assert_eq!(dir.names().len(), 0);
}

/// [M4] a program that the owner started does not keep a dead owner's lock (close-on-exec).
#[test]
fn a_program_that_the_owner_started_does_not_keep_it_alive() {
    let dir = Scratch::new();
    let ended = run("spawner", &dir.0);
    let text = String::from_utf8_lossy(&ended.stdout).into_owned();
    assert!(
        text.contains("1 recovered"),
        "{text} {}",
        String::from_utf8_lossy(&ended.stderr)
    );
}

/// [M4] a live process of another pid namespace, where its pid means nothing here, is alive for the sweep, and dead after
/// its end. Where the system allows no namespaces, the same is tried without one.
#[cfg(target_os = "linux")]
#[test]
fn a_process_of_another_pid_namespace_is_alive() {
    let dir = Scratch::new();
    let inner = command("wait", &dir.0);
    let spaces = Command::new("unshare")
        .args(["-Urpf", "true"])
        .status()
        .is_ok_and(|status| status.success());
    let mut outer = Command::new(if spaces { "unshare" } else { "env" });
    if spaces {
        outer.args(["-Urpf", "--kill-child"]);
    }
    outer.arg(inner.get_program()).args(inner.get_args());
    outer
        .env(ROLE, "wait")
        .env(DIR, &dir.0)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut child = started(&mut outer);
    let everything = Retention {
        age: std::time::Duration::ZERO,
        bytes: 0,
    };
    assert!(dir.recovered().is_empty());
    assert_eq!(sweep(&dir.folder(), "a", &everything, SystemTime::now()).removed, 0);
    let name = dir.names().remove(0);
    let page = std::fs::read(dir.folder().path().join(&name)).unwrap();
    let pid = u32::from_le_bytes(page[PID_AT..PID_AT + 4].try_into().unwrap());
    assert_eq!(pid == 1, spaces, "its pid there");
    // Its standard input ends: it exits with 0, cleanly.
    drop(child.stdin.take());
    child.wait().unwrap();
    assert!(dir.names().is_empty());
}
