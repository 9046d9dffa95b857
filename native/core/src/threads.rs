//! Native threads of Kymo: they receive no signal of the application's, and a panic in one ends neither the process nor
//! goes unnoticed (T1). The caller's thread runs `spawn`, FFI edges run `guard`.

use std::io;
use std::mem::MaybeUninit;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;

static PANICS: AtomicU64 = AtomicU64::new(0);

/// Panics caught in native code since the process began; each is a bug, shown as `kymo_panics_total`.
pub fn panics() -> u64 {
    PANICS.load(Ordering::Relaxed)
}

/// Counts a panic that was caught elsewhere.
pub fn count_panic() {
    PANICS.fetch_add(1, Ordering::Relaxed);
}

/// Starts a thread with all signals blocked, so that the kernel delivers the application's signals to its own threads only. A
/// panic ends `body`, is counted, and lets `join` return normally. `name` shows in debuggers; Linux cuts it to 15 bytes.
///
/// # Errors
/// What the system says when it gives no thread; nothing has run then.
pub fn spawn(name: &str, body: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    // A thread inherits the mask of its maker: blocked before and restored after, there is no moment at which the new
    // thread could take a signal.
    let _blocked = Blocked::all()?;
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(move || guard(body, ()))
}

/// Runs `body` at an edge that a panic must not cross (a call from C, C++ or V8); a panic is counted and gives `fallback`.
pub fn guard<T>(body: impl FnOnce() -> T, fallback: T) -> T {
    // What `body` leaves half done stays behind locks, which poison, or is published last.
    catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|panic| {
        PANICS.fetch_add(1, Ordering::Relaxed);
        // The payload's own drop may panic as well, with another payload.
        let mut payload = Some(panic);
        for _ in 0..8 {
            payload = payload.and_then(|panic| catch_unwind(AssertUnwindSafe(move || drop(panic))).err());
        }
        std::mem::forget(payload);
        fallback
    })
}

/// All signals of this thread are blocked while it lives.
struct Blocked {
    before: libc::sigset_t,
}

impl Blocked {
    fn all() -> io::Result<Blocked> {
        let mut all = MaybeUninit::<libc::sigset_t>::uninit();
        let mut before = MaybeUninit::<libc::sigset_t>::uninit();
        // SAFETY: sigfillset initialises `all`; pthread_sigmask reads it and, when it succeeds, initialises `before`.
        unsafe {
            libc::sigfillset(all.as_mut_ptr());
            match libc::pthread_sigmask(libc::SIG_SETMASK, all.as_ptr(), before.as_mut_ptr()) {
                0 => Ok(Blocked {
                    before: before.assume_init(),
                }),
                errno => Err(io::Error::from_raw_os_error(errno)),
            }
        }
    }
}

impl Drop for Blocked {
    fn drop(&mut self) {
        // SAFETY: `before` was initialised in `all`; restoring a mask that was valid cannot fail.
        unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &self.before, std::ptr::null_mut()) };
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn is_blocked(signal: i32) -> bool {
        let mut mask = MaybeUninit::<libc::sigset_t>::uninit();
        // SAFETY: with no new set, pthread_sigmask only writes the current one to the pointer.
        unsafe {
            assert_eq!(
                libc::pthread_sigmask(libc::SIG_BLOCK, std::ptr::null(), mask.as_mut_ptr()),
                0
            );
            libc::sigismember(mask.as_ptr(), signal) == 1
        }
    }

    /// [T1] no signal of the application reaches a native thread, and the maker's own mask is what it was.
    #[test]
    fn native_threads_block_all_signals_and_their_maker_does_not() {
        let signals = [
            libc::SIGTERM,
            libc::SIGINT,
            libc::SIGHUP,
            libc::SIGUSR1,
            libc::SIGUSR2,
            libc::SIGPROF,
            libc::SIGCHLD,
        ];
        let before = signals.map(is_blocked);
        let (send, receive) = std::sync::mpsc::channel();
        spawn("kymo-test", move || send.send(signals.map(is_blocked)).unwrap())
            .unwrap()
            .join()
            .unwrap();
        assert_eq!(receive.recv().unwrap(), [true; 7]);
        assert_eq!(signals.map(is_blocked), before);
        assert_eq!(before, [false; 7]);
    }

    /// [T1] a panic is caught and counted; the thread is joined like any other.
    #[test]
    fn a_panic_is_counted_and_stays_where_it_was() {
        let before = panics();
        spawn("kymo-test", || panic!("expected by the test"))
            .unwrap()
            .join()
            .unwrap();
        assert_eq!(guard(|| 5, 0), 5);
        assert_eq!(guard(|| panic!("expected by the test"), 7), 7);
        assert!(panics() >= before + 2);
    }

    /// [T1] a payload that panics when dropped does not get through either.
    #[test]
    fn a_panic_whose_payload_panics_is_caught() {
        struct Bomb;
        impl Drop for Bomb {
            fn drop(&mut self) {
                panic!("dropped");
            }
        }
        assert_eq!(guard(|| std::panic::panic_any(Bomb), 3), 3);
    }

    #[test]
    fn a_thread_carries_its_name() {
        let (send, receive) = std::sync::mpsc::channel();
        spawn("kymo-named", move || {
            send.send(std::thread::current().name().map(str::to_owned)).unwrap()
        })
        .unwrap();
        assert_eq!(receive.recv().unwrap().as_deref(), Some("kymo-named"));
    }
}
