//! Tests of the sweep: what it takes, and above all what it leaves alone.
#![allow(clippy::unwrap_used)]
use super::super::file::Store;
use super::super::file::tests::{bury, options};
use super::super::folder::tests::{Scratch, scratch};
use super::*;

const DAY: Duration = Duration::from_secs(24 * 3600);

/// A segment file of a process that is gone: made, marked, and let go.
fn dead(dir: &Scratch, service: &str, state: u32, recovered: u32) {
    let store = Store::open(options(dir, service));
    let segment = store.make(KIND_CELLS, 65_536, 0).unwrap().segment;
    store.mark(state, 0);
    segment
        .u32_at(RECOVERED_AT)
        .store(recovered, std::sync::atomic::Ordering::Relaxed);
    bury(segment);
}

fn count(folder: &Folder) -> usize {
    folder.names().unwrap().len()
}

fn sweep_at(folder: &Folder, retention: &Retention, now: SystemTime) -> (u32, usize) {
    (sweep(folder, "a", retention, now).removed, count(folder))
}

fn sweep_now(folder: &Folder) -> (u32, usize) {
    sweep_at(folder, &Retention::default(), SystemTime::now())
}

#[test]
fn recovered_and_cleanly_ended_segments_go_others_stay() {
    let (dir, folder) = scratch();
    dead(&dir, "a", EXIT_RUNNING, 0);
    dead(&dir, "a", EXIT_UNCAUGHT, 0);
    dead(&dir, "a", EXIT_SIGNAL, 0);
    assert_eq!(sweep_now(&folder), (0, 3));
    dead(&dir, "a", EXIT_CLEAN, 0);
    dead(&dir, "a", EXIT_RUNNING, RECOVERED);
    dead(&dir, "a", EXIT_UNCAUGHT, RECOVERED);
    assert_eq!(sweep_now(&folder), (3, 3));
}

/// [M4] a locked file is alive, whatever is written in it.
#[test]
fn a_live_segment_is_never_touched() {
    let (dir, folder) = scratch();
    let store = Store::open(options(&dir, "a"));
    let segment = store.make(KIND_CELLS, 65_536, 0).unwrap().segment;
    store.mark(EXIT_CLEAN, 0);
    segment
        .u32_at(RECOVERED_AT)
        .store(RECOVERED, std::sync::atomic::Ordering::Relaxed);
    let retention = Retention {
        age: Duration::ZERO,
        bytes: 0,
    };
    assert_eq!(sweep_at(&folder, &retention, SystemTime::now() + 100 * DAY), (0, 1));
    bury(segment);
    assert_eq!(sweep_now(&folder), (1, 0));
}

#[test]
fn another_services_segments_are_left_alone() {
    let (dir, folder) = scratch();
    dead(&dir, "b", EXIT_CLEAN, RECOVERED);
    let retention = Retention {
        age: Duration::ZERO,
        bytes: 0,
    };
    assert_eq!(sweep_at(&folder, &retention, SystemTime::now() + 100 * DAY), (0, 1));
    // Even when its name looks like ours: the header decides.
    let theirs = folder.names().unwrap().remove(0);
    let ours = format!("{}{}", name::service_prefix("a"), theirs.split_once('-').unwrap().1);
    std::fs::rename(folder.path().join(theirs), folder.path().join(ours)).unwrap();
    assert_eq!(sweep_at(&folder, &retention, SystemTime::now() + 100 * DAY), (0, 1));
}

#[test]
fn files_that_are_no_segments_are_left_alone() {
    let (_dir, folder) = scratch();
    let ours = name::service_prefix("a");
    for name in ["notes.txt", &format!("{ours}notes.txt"), &format!("{ours}1-1-x.kymo")] {
        folder.create_file(name).unwrap();
    }
    std::os::unix::fs::symlink("/etc/hostname", folder.path().join(name::of("a", 1, 1, 1, 1))).unwrap();
    let retention = Retention {
        age: Duration::ZERO,
        bytes: 0,
    };
    assert_eq!(sweep_at(&folder, &retention, SystemTime::now() + 100 * DAY), (0, 4));
}

/// [M4] a file of another user in our folder (only root can put one there) is not even judged.
#[test]
fn another_users_files_are_left_alone() {
    let (dir, folder) = scratch();
    dead(&dir, "a", EXIT_CLEAN, RECOVERED);
    let path = folder.path().join(&folder.names().unwrap()[0]);
    let owner = std::fs::metadata(&path).unwrap().uid();
    let given_away = std::os::unix::fs::chown(&path, Some(owner + 1), None).is_ok();
    assert_eq!(sweep_now(&folder), if given_away { (0, 1) } else { (1, 0) });
}

/// The age counts from when a sweep found the segment dead, to the day.
#[test]
fn what_nobody_recovers_goes_after_seven_days() {
    let (dir, folder) = scratch();
    dead(&dir, "a", EXIT_RUNNING, 0);
    let path = folder.path().join(&folder.names().unwrap()[0]);
    let started = SystemTime::now() - 30 * DAY;
    std::fs::File::open(&path).unwrap().set_modified(started).unwrap();
    assert_eq!(sweep_now(&folder), (0, 1), "its process may have died a minute ago");
    let found = std::fs::metadata(&path).unwrap().modified().unwrap();
    assert!(found > started + 29 * DAY);
    assert_eq!(
        sweep_at(&folder, &Retention::default(), found + 7 * DAY),
        (0, 1),
        "last day kept"
    );
    assert_eq!(
        std::fs::metadata(&path).unwrap().modified().unwrap(),
        found,
        "seeing it again does not make it younger"
    );
    assert_eq!(
        sweep_at(&folder, &Retention::default(), found + 7 * DAY + Duration::from_secs(1)),
        (1, 0)
    );
}

#[test]
fn the_oldest_runs_go_when_a_service_keeps_too_much() {
    let (dir, folder) = scratch();
    for _ in 0..3 {
        let store = Store::open(options(&dir, "a"));
        let run = [(); 2].map(|()| store.make(KIND_CELLS, 65_536, 0).unwrap().segment);
        run.into_iter().for_each(bury);
    }
    let now = SystemTime::now();
    assert_eq!(sweep_at(&folder, &Retention::default(), now), (0, 6));
    let mut names = folder.names().unwrap();
    names.sort();
    for (place, name) in names.iter().enumerate() {
        let time = now - DAY * (1 + [2, 0, 1][place / 2]);
        std::fs::File::open(folder.path().join(name))
            .unwrap()
            .set_modified(time)
            .unwrap();
    }
    let keep = |bytes| Retention {
        bytes,
        ..Retention::default()
    };
    assert_eq!(sweep_at(&folder, &keep(6 * 65_536), now), (0, 6), "last accepted");
    assert_eq!(
        sweep_at(&folder, &keep(6 * 65_536 - 1), now),
        (2, 4),
        "a whole run goes"
    );
    assert!(!folder.names().unwrap().contains(&names[0]), "the oldest");
    let swept = sweep(&folder, "a", &keep(0), now);
    assert_eq!(
        swept,
        Swept {
            removed: 4,
            removed_bytes: 4 * 65_536,
            kept_bytes: 0
        }
    );
}

/// [M4] an owner killed before its header was complete leaves nothing to keep; a file of another layout version does.
#[test]
fn an_incomplete_segment_goes_and_one_of_another_version_is_kept_for_its_time() {
    let (_dir, folder) = scratch();
    let name = |number| name::of("a", 1, 1, 1, number);
    folder.create_file(&name(1)).unwrap();
    folder.create_file(&name(2)).unwrap().set_len(65_536).unwrap();
    let mut page = vec![0; HEADER_SIZE];
    page[..8].copy_from_slice(&MAGIC.to_le_bytes());
    page[VERSION_AT] = VERSION as u8 + 1;
    std::fs::write(folder.path().join(name(3)), page).unwrap();
    assert_eq!(sweep_now(&folder), (2, 1));
    assert_eq!(
        sweep_at(&folder, &Retention::default(), SystemTime::now() + 8 * DAY),
        (1, 0)
    );
}

/// [M4] a sweeper that comes late to a file must not remove the one that has its name now.
#[test]
fn a_file_that_lost_its_name_is_not_ours() {
    let (_dir, folder) = scratch();
    let late = folder.create_file("a").unwrap();
    assert!(is_ours(&folder, "a", &late));
    folder.remove("a").unwrap();
    assert!(!is_ours(&folder, "a", &late));
    let _live = folder.create_file("a").unwrap();
    assert!(!is_ours(&folder, "a", &late));
}

/// [M4] each file is removed once, and only what is dead, by any number of sweepers while processes start.
#[test]
fn sweepers_race_with_each_other_and_with_starts() {
    let (dir, folder) = scratch();
    for _ in 0..40 {
        dead(&dir, "a", EXIT_CLEAN, 0);
    }
    let removed = std::thread::scope(|scope| {
        let sweepers: Vec<_> = (0..3)
            .map(|_| {
                scope.spawn(|| {
                    let own = Folder::open(dir.path()).unwrap().unwrap();
                    (0..30)
                        .map(|_| sweep(&own, "a", &Retention::default(), SystemTime::now()).removed)
                        .sum::<u32>()
                })
            })
            .collect();
        let store = Store::open(options(&dir, "a"));
        let made: Vec<_> = (0..60).map(|_| store.make(KIND_CELLS, 8192, 0).unwrap()).collect();
        assert!(
            made.iter().all(|made| made.fallback.is_none()),
            "a sweep took a file that was being made"
        );
        let removed: u32 = sweepers.into_iter().map(|sweeper| sweeper.join().unwrap()).sum();
        removed + sweep(&folder, "a", &Retention::default(), SystemTime::now()).removed
    });
    // A file caught between its making and its lock goes and is made again, so a few more than 40 may have been removed.
    assert!(
        removed >= 40 && count(&folder) == 60,
        "{removed} removed, {} files left",
        count(&folder)
    );
}
