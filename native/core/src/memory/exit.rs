//! The end of the process. `process.exit()` and uncaught exceptions run no clean-up hooks of an addon, but a C exit handler
//! runs in each of these, after all JavaScript and with native threads alive: it drains what is registered here, within a
//! deadline, and removes the segment files of a clean end. Runs on the thread that calls `exit`, last of all (T1).

use super::file::Store;
use crate::layout::*;
use crate::threads;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, Once, PoisonError, mpsc};
use std::time::{Duration, Instant};

/// What all drains together may take.
pub const DEADLINE: Duration = Duration::from_secs(2);

/// Work that is left at the end: drain a ring, join a thread. It gets the moment after which nobody waits for it.
pub type Drain = Box<dyn FnOnce(Instant) + Send>;

/// What has to be done when a process ends. One per process, see [`ending`]; tests make their own.
#[derive(Default)]
pub struct Ending {
    drains: Mutex<Vec<Drain>>,
    stores: Mutex<Vec<Arc<Store>>>,
}

impl Ending {
    /// Has `drain` run at the end. The last one registered runs first, as with C's own handlers, so that what was built on
    /// something is taken down before it.
    pub fn before_exit(&self, drain: Drain) {
        locked(&self.drains).push(drain);
    }

    /// Has the files of `store` removed at a clean end.
    pub fn own(&self, store: &Arc<Store>) {
        locked(&self.stores).push(Arc::clone(store));
    }

    /// Runs the drains on a thread of their own and waits for them until `deadline` has passed; then decides about the
    /// files. `code` is the exit code where the system tells it. A second call does nothing.
    pub fn run(&self, code: Option<i32>, deadline: Duration) {
        let drains: Vec<Drain> = locked(&self.drains).drain(..).rev().collect();
        if !drains.is_empty() {
            let until = Instant::now() + deadline;
            let (done, finished) = mpsc::channel();
            // A thread of its own, since a drain may be stuck in a write to a pipe that nobody reads; `exit` takes it along.
            let drained = threads::spawn("kymo-exit", move || {
                for drain in drains {
                    threads::guard(|| drain(until), ());
                }
                let _ = done.send(());
            });
            if drained.is_ok() {
                let _ = finished.recv_timeout(deadline);
            }
        }
        for store in locked(&self.stores).drain(..) {
            // Nobody said how it ends: the addon was loaded in a worker only, whose process gives no word. `exit` was called,
            // so it is orderly; with a code other than 0 it may have been an uncaught exception, so what is there stays.
            if store.marked().0 == EXIT_RUNNING && code.unwrap_or(0) == 0 {
                store.mark(EXIT_CLEAN, 0);
            }
            if store.marked().0 == EXIT_CLEAN {
                store.remove_files();
            }
        }
    }
}

/// The ending of this process. The first call registers the C exit handler.
pub fn ending() -> &'static Ending {
    static ENDING: Ending = Ending {
        drains: Mutex::new(Vec::new()),
        stores: Mutex::new(Vec::new()),
    };
    static REGISTER: Once = Once::new();
    REGISTER.call_once(|| {
        let pid = std::process::id();
        OWNER.store(pid, Ordering::Relaxed);
        register();
    });
    &ENDING
}

/// The process that registered the handler: a child made by fork inherits it, and must not touch its parent's files.
static OWNER: AtomicU32 = AtomicU32::new(0);

fn at_exit(code: Option<i32>) {
    if OWNER.load(Ordering::Relaxed) == std::process::id() {
        threads::guard(|| ending().run(code, DEADLINE), ());
    }
}

/// glibc tells its handlers the exit code.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn register() {
    unsafe extern "C" {
        fn on_exit(handler: extern "C" fn(i32, *mut libc::c_void), argument: *mut libc::c_void) -> i32;
    }
    extern "C" fn handler(code: i32, _: *mut libc::c_void) {
        at_exit(Some(code));
    }
    // SAFETY: the handler is code of this image, which is never unloaded (`-z nodelete`), and ignores its argument. Where
    // registering fails, files stay for the next start's sweep. Attacked by tests/memory_processes.rs.
    unsafe { on_exit(handler, std::ptr::null_mut()) };
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn register() {
    extern "C" fn handler() {
        at_exit(None);
    }
    // SAFETY: as above.
    unsafe { libc::atexit(handler) };
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::file::tests::options;
    use super::super::folder::tests::Scratch;
    use super::*;

    /// For a test that waits for drains which do end: printing a panic takes seconds under valgrind.
    const LONG: Duration = Duration::from_secs(600);

    fn store(dir: &Scratch) -> Arc<Store> {
        let store = Arc::new(Store::open(options(dir, "a")));
        store.make(KIND_CELLS, 8192, 0).unwrap();
        store
    }

    fn files(store: &Store) -> usize {
        store.folder().unwrap().names().unwrap().len()
    }

    /// [T1] the last registered drain runs first; one that panics does not keep the others from running.
    #[test]
    fn drains_run_in_reverse_and_survive_a_panic() {
        let ending = Ending::default();
        let order = Arc::new(Mutex::new(Vec::new()));
        for number in 0..3 {
            let order = Arc::clone(&order);
            ending.before_exit(Box::new(move |_| {
                order.lock().unwrap().push(number);
                assert_ne!(number, 1, "a drain that panics");
            }));
        }
        ending.run(Some(0), LONG);
        assert_eq!(*order.lock().unwrap(), [2, 1, 0]);
        ending.run(Some(0), LONG);
        assert_eq!(order.lock().unwrap().len(), 3, "once is enough");
    }

    /// [T1] a drain that never comes back does not hold the process, and the files are still dealt with.
    #[test]
    fn a_stuck_drain_is_left_behind_at_the_deadline() {
        let dir = Scratch::new();
        let store = store(&dir);
        let ending = Ending::default();
        ending.own(&store);
        let (hold, held) = mpsc::channel::<()>();
        ending.before_exit(Box::new(move |_| {
            let _ = held.recv();
        }));
        ending.run(Some(0), Duration::from_millis(20));
        assert_eq!(files(&store), 0);
        drop(hold);
    }

    /// A clean end leaves no files; any other leaves them for recovery.
    #[test]
    fn files_go_with_a_clean_end_only() {
        for (mark, code, left) in [
            (Some(EXIT_CLEAN), Some(1), 0),
            (Some(EXIT_UNCAUGHT), Some(1), 1),
            (Some(EXIT_SIGNAL), Some(0), 1),
            (None, Some(0), 0),
            (None, None, 0),
            (None, Some(7), 1),
        ] {
            let dir = Scratch::new();
            let store = store(&dir);
            let ending = Ending::default();
            ending.own(&store);
            if let Some(state) = mark {
                store.mark(state, 0);
            }
            ending.run(code, DEADLINE);
            assert_eq!(files(&store), left, "{mark:?} {code:?}");
        }
    }
}
