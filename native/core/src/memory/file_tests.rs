//! Tests of making segments: what a file says, what the budget refuses, what takes a file's place.
#![allow(clippy::unwrap_used)]
use super::super::folder::tests::Scratch;
use super::super::reader::read_segment;
use super::*;
use std::os::unix::fs::PermissionsExt;

pub fn options(dir: &Scratch, service: &str) -> StoreOptions {
    StoreOptions {
        dir: Some(dir.path().to_path_buf()),
        service: service.to_owned(),
        limit: None,
        // No proc in there: no cgroup bounds, whatever this machine has.
        root: dir.path().to_path_buf(),
    }
}

/// What the kernel does with a segment at the end of its process: unmapped and closed, the lock goes.
pub fn bury(segment: Segment) {
    // SAFETY: the segment is consumed here; no test marks or writes it afterwards.
    unsafe { libc::munmap(segment.base().cast(), segment.size()) };
}

fn names(store: &Store) -> Vec<String> {
    let mut names = store.folder().unwrap().names().unwrap();
    names.sort();
    names
}

/// [M1] [M4] the file says by itself whose it is, before anybody gets the segment.
#[test]
fn a_segment_file_describes_itself_and_is_locked() {
    let dir = Scratch::new();
    let service = format!("{}{}", "s".repeat(127), "ä");
    let store = Store::open(options(&dir, &service));
    let made = store.make(KIND_CELLS, 100_000, 7).unwrap();
    assert!(made.fallback.is_none());
    assert_eq!(made.segment.size(), 25 * 4096, "whole pages");
    let [name] = <[String; 1]>::try_from(names(&store)).unwrap();
    let path = store.folder().unwrap().path().join(&name);
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let file = store.folder().unwrap().open_file(&name).unwrap();
    assert!(!try_lock(&file).unwrap());
    let read = read_segment(&std::fs::read(&path).unwrap()).unwrap();
    assert_eq!(read.service, "s".repeat(127), "cut where a character ends");
    assert_eq!(
        (read.kind, read.size, read.pid, read.thread),
        (KIND_CELLS, 102_400, std::process::id(), 7)
    );
    assert_eq!(
        (read.boot_id, read.process_start),
        (clock::boot_id(), clock::process_start_ticks())
    );
    assert_eq!((read.anchors, read.owners), (store.anchors(), 1));
    assert_eq!(
        (read.exit_state, read.metrics.len(), read.damaged),
        (EXIT_RUNNING, 0, 0)
    );
}

/// [M1] what is written through the mapping is in the file, at once, for `read(2)`.
#[test]
fn a_write_to_the_mapping_is_in_the_file() {
    let dir = Scratch::new();
    let store = Store::open(options(&dir, "a"));
    let segment = store.make(KIND_CELLS, 8192, 0).unwrap().segment;
    prefault(&segment);
    segment.cell(1023).store(1.5_f64.to_bits(), Ordering::Relaxed);
    let bytes = std::fs::read(store.folder().unwrap().path().join(&names(&store)[0])).unwrap();
    assert_eq!(bytes[8184..], 1.5_f64.to_le_bytes());
}

/// [M3] the last segment that the limit allows is made, the next one is refused and leaves no file.
#[test]
fn segments_stop_at_the_limit() {
    let dir = Scratch::new();
    let store = Store::open(StoreOptions {
        limit: Some(3 * 65_536),
        ..options(&dir, "a")
    });
    for _ in 0..3 {
        assert!(store.make(KIND_CELLS, 65_536, 0).unwrap().fallback.is_none());
    }
    assert!(store.failures().all(|(_, count)| count == 0));
    let refused = store.make(KIND_CELLS, 4096, 0).map(|_| ());
    assert_eq!(refused, Err(MemoryError::Budget { wanted: 4096, left: 0 }));
    assert_eq!(names(&store).len(), 3);
    assert_eq!(store.failures().next(), Some(("memory_budget", 1)));
    assert_eq!(
        store.used(),
        Used {
            files: 3 * 65_536,
            anonymous: 0
        }
    );
}

/// [M4] a file that a sweeper holds, or has removed, between its making and its lock is given up.
#[test]
fn a_file_that_a_sweeper_was_faster_at_is_given_up() {
    let dir = Scratch::new();
    let folder = Folder::open_or_create(dir.path()).unwrap();
    let outrun = Err(MemoryError::Io {
        step: "flock",
        errno: libc::EAGAIN,
    });
    let fresh = folder.create_file("a").unwrap();
    let sweeper = folder.open_file("a").unwrap();
    assert!(try_lock(&sweeper).unwrap());
    assert_eq!(claim(&fresh), outrun, "the sweeper looks at it");
    folder.remove("a").unwrap();
    drop(sweeper);
    assert_eq!(claim(&fresh), outrun, "it has no name any more");
    assert_eq!(claim(&folder.create_file("a").unwrap()), Ok(()));
}

/// A process that has used its memory up must not read the cgroups for each series that it drops.
#[test]
fn a_refusal_is_remembered_for_as_much_or_more() {
    let (dir, root) = (Scratch::new(), Scratch::new());
    let cgroup = |max: &str| {
        std::fs::create_dir_all(root.path().join("proc/self")).unwrap();
        std::fs::write(root.path().join("proc/self/cgroup"), "0::/\n").unwrap();
        std::fs::write(
            root.path().join("proc/self/mountinfo"),
            "1 1 0:1 / / rw - cgroup2 c rw\n",
        )
        .unwrap();
        std::fs::write(root.path().join("memory.max"), max).unwrap();
        std::fs::write(root.path().join("memory.current"), "0").unwrap();
    };
    cgroup("262144");
    let store = Store::open(StoreOptions {
        root: root.path().to_path_buf(),
        ..options(&dir, "a")
    });
    let _first = store.make(KIND_CELLS, 8192, 0).unwrap();
    assert!(store.make(KIND_CELLS, 16_384, 0).is_err());
    cgroup("99999999");
    assert!(store.make(KIND_CELLS, 16_384, 0).is_err(), "remembered");
    assert!(
        store.make(KIND_CELLS, 8192, 0).is_ok(),
        "less than what was refused is asked for anew"
    );
    if let Some((at, ..)) = &mut store.ledger().refused {
        *at -= REFUSAL_HOLDS;
    }
    assert!(store.make(KIND_CELLS, 16_384, 0).is_ok(), "forgotten");
}

/// [M3] the cgroup is asked before anything is taken; the first segment alone is made in spite of it, and not as a file.
#[test]
fn a_cgroup_without_headroom_leaves_one_anonymous_segment() {
    let dir = Scratch::new();
    let root = Scratch::new();
    std::fs::create_dir_all(root.path().join("proc/self")).unwrap();
    std::fs::create_dir_all(root.path().join("cg")).unwrap();
    std::fs::write(root.path().join("proc/self/cgroup"), "0::/\n").unwrap();
    std::fs::write(
        root.path().join("proc/self/mountinfo"),
        "1 1 0:1 / /cg rw - cgroup2 c rw\n",
    )
    .unwrap();
    std::fs::write(root.path().join("cg/memory.max"), "10000000\n").unwrap();
    std::fs::write(root.path().join("cg/memory.current"), "9000000\n").unwrap();
    let store = Store::open(StoreOptions {
        root: root.path().to_path_buf(),
        ..options(&dir, "a")
    });
    let first = store.make(KIND_CELLS, 1 << 20, 0).unwrap();
    assert_eq!(
        first.fallback,
        Some(MemoryError::Budget {
            wanted: 1 << 20,
            left: 62_500
        })
    );
    assert!(matches!(first.segment.backing(), Backing::Anonymous));
    assert!(store.make(KIND_CELLS, 1 << 20, 0).is_err());
    assert!(names(&store).is_empty());
}

/// [M4] without a folder to trust, everything works in anonymous memory, and the reason is there.
#[test]
fn a_refused_folder_means_anonymous_memory_with_a_reason() {
    let dir = Scratch::new();
    let path = dir.path().join(Folder::open_or_create(dir.path()).unwrap().name());
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    let store = Store::open(options(&dir, "a"));
    for _ in 0..2 {
        let made = store.make(KIND_CELLS, 8192, 0).unwrap();
        assert_eq!(made.fallback.unwrap().reason(), "memory_folder");
        made.segment.cell(1023).store(1, Ordering::Relaxed);
    }
    assert_eq!(std::fs::read_dir(path).unwrap().count(), 0);
    assert_eq!(store.failures().nth(1), Some(("memory_folder", 2)));
    assert!(store.refusal().is_some());
    let wanted = Store::open(StoreOptions {
        dir: None,
        ..options(&dir, "a")
    });
    assert!(
        wanted.make(KIND_CELLS, 8192, 0).unwrap().fallback.is_none(),
        "asked for, so no fallback"
    );
}

#[test]
fn a_mark_reaches_segments_made_before_and_after_it() {
    let dir = Scratch::new();
    let store = Store::open(options(&dir, "a"));
    let before = store.make(KIND_CELLS, 8192, 0).unwrap().segment;
    store.mark(EXIT_UNCAUGHT, -7);
    let after = store.make(KIND_CELLS, 8192, 1).unwrap().segment;
    for segment in [before, after] {
        assert_eq!(segment.u32_at(EXIT_STATE_AT).load(Ordering::Relaxed), EXIT_UNCAUGHT);
        assert_eq!(segment.i32_at(EXIT_DETAIL_AT).load(Ordering::Relaxed), -7);
    }
    assert_eq!(store.marked(), (EXIT_UNCAUGHT, -7));
}

#[test]
fn removed_files_leave_the_mappings_usable() {
    let dir = Scratch::new();
    let store = Store::open(options(&dir, "a"));
    let segment = store.make(KIND_CELLS, 8192, 0).unwrap().segment;
    assert_eq!(store.remove_files(), 1);
    assert!(names(&store).is_empty());
    segment.cell(600).store(9, Ordering::Relaxed);
    assert_eq!(segment.cell(600).load(Ordering::Relaxed), 9);
    assert_eq!(store.remove_files(), 0);
}

/// Populating must not change a cell that was written before.
#[test]
fn prefaulting_changes_nothing() {
    let segment = Segment::anonymous(KIND_CELLS, 3 * 4096).unwrap();
    segment.u64_at(8192).store(77, Ordering::Relaxed);
    prefault(&segment);
    assert_eq!(segment.u64_at(8192).load(Ordering::Relaxed), 77);
    assert_eq!(segment.u64_at(4096).load(Ordering::Relaxed), 0);
}

/// [M3] [M5] memory that the runtime makes comes from the same budget, and a refusal is counted.
#[test]
fn lent_memory_counts_against_the_limit() {
    let store = Store::open(StoreOptions {
        dir: None,
        service: "a".to_owned(),
        limit: Some(3 * 65_536),
        root: "/absent".into(),
    });
    for _ in 0..3 {
        assert_eq!(store.lend(65_536), Ok(()));
    }
    let left = 0;
    assert_eq!(store.lend(1), Err(MemoryError::Budget { wanted: 1, left }));
    assert_eq!(store.used().anonymous, 3 * 65_536);
    assert!(store.failures().any(|failure| failure == ("memory_budget", 1)));
}
