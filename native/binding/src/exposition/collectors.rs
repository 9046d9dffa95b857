//! What a scrape needs from the runtime: the main thread's event loop, and the collectors of the default metrics. Cold calls from
//! the app thread.

use crate::process::registry;
use crate::raw::{CodedError, coded};
use kymo_core::metrics::default_metrics::{Set, default_metrics};
use kymo_core::metrics::event_loop::Turns;
use kymo_core::threads::guard;
use napi::{Env, sys};
use napi_derive::napi;
use std::ffi::c_void;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// `uv_metrics_idle_time`: nanoseconds that a loop has waited for events; may be called from any thread
/// (docs.libuv.org/en/latest/metrics.html). Node measures it without being asked.
type UvMetricsIdleTime = unsafe extern "C" fn(*const sys::uv_loop_s) -> u64;

fn set(code: u32) -> Result<Set, CodedError> {
    Set::from_code(code).ok_or_else(|| coded("KYMO_METRICS_UNKNOWN", format!("set {code}")))
}

/// Adds one set of native metrics to a registry; once, however often it is asked. `main` tells that the caller is the main
/// thread, whose loop is watched from then on.
#[napi(catch_unwind)]
pub fn attach_default_collectors(env: Env, registry_id: u32, set_code: u32, main: bool) -> Result<(), CodedError> {
    let (registry, set) = (registry(registry_id)?, set(set_code)?);
    if main {
        watch(env.raw());
    }
    default_metrics().attach(&registry, set);
    Ok(())
}

/// Takes back one [`attach_default_collectors`]; the last one takes the set out.
#[napi(catch_unwind)]
pub fn detach_default_collectors(registry_id: u32, set_code: u32) -> Result<bool, CodedError> {
    Ok(default_metrics().detach(&registry(registry_id)?, set(set_code)?))
}

/// `uv_metrics_t`: counts of a loop (docs.libuv.org/en/latest/metrics.html).
#[repr(C)]
#[derive(Default)]
struct UvMetrics {
    loop_count: u64,
    events: u64,
    events_waiting: u64,
    reserved: [u64; 13],
}

/// `uv_metrics_info`, from libuv 1.45 on: copies a loop's counts.
type UvMetricsInfo = unsafe extern "C" fn(*const sys::uv_loop_s, *mut UvMetrics) -> i32;

/// True from the first [`watch`] until the main thread's environment ends.
static WATCHING: AtomicBool = AtomicBool::new(false);

/// A loop and the function that reads it.
struct Loop {
    uv_loop: *const sys::uv_loop_s,
    idle_time: UvMetricsIdleTime,
}

// SAFETY: the loop is only read, by a function that libuv documents as thread-safe. That it lives is upheld by `unwatch`, which
// runs before the loop is closed and waits for a reader. Tests: `nobody_reads_a_loop_after_its_release` in native/core, and the
// processes of test/metrics/default-metrics.test.ts that end while they are scraped.
unsafe impl Send for Loop {}

impl Loop {
    fn idle(&self) -> Duration {
        // SAFETY: see `Send`.
        Duration::from_nanos(unsafe { (self.idle_time)(self.uv_loop) })
    }
}

/// A loop and the function that reads its counts.
struct Counts {
    uv_loop: *const sys::uv_loop_s,
    info: UvMetricsInfo,
}

// SAFETY: as for `Loop`. The counts are aligned words that only the loop's thread writes and that are copied one by one: a
// reader may get one that is a turn old, which the watch allows for.
unsafe impl Send for Counts {}

impl Counts {
    fn turns(&self) -> u64 {
        let mut metrics = UvMetrics::default();
        // SAFETY: the loop lives (see `Loop`), and the result is a place for one set of counts.
        unsafe { (self.info)(self.uv_loop, &mut metrics) };
        metrics.loop_count
    }
}

/// How the turns of a loop are read, where this libuv counts them.
fn turns_of(uv_loop: *const sys::uv_loop_s) -> Option<Turns> {
    // SAFETY: looks a name up among the symbols of the program; reads nothing of ours.
    let symbol = unsafe { libc::dlsym(libc::RTLD_DEFAULT, c"uv_metrics_info".as_ptr()) };
    if symbol.is_null() {
        return None;
    }
    // SAFETY: the symbol of that name has this type since libuv 1.45, which brought it.
    let info = unsafe { std::mem::transmute::<*mut c_void, UvMetricsInfo>(symbol) };
    let counts = Counts { uv_loop, info };
    Some(Box::new(move || counts.turns()))
}

/// Begins to watch the loop of `env`; does nothing when one is watched, or when the runtime's loop is not libuv's.
fn watch(env: sys::napi_env) {
    if WATCHING.swap(true, Ordering::AcqRel) {
        return;
    }
    // SAFETY: looks a name up among the symbols of the program; reads nothing of ours.
    let symbol = unsafe { libc::dlsym(libc::RTLD_DEFAULT, c"uv_metrics_idle_time".as_ptr()) };
    let mut uv_loop = std::ptr::null_mut();
    // SAFETY: `env` is the environment of the running call, and the result a place for one pointer.
    let status = unsafe { sys::napi_get_uv_event_loop(env, &mut uv_loop) };
    if symbol.is_null() || status != sys::Status::napi_ok || uv_loop.is_null() {
        return;
    }
    // SAFETY: the symbol of that name has this type since libuv 1.39, and Node 20 has a later one.
    let idle_time = unsafe { std::mem::transmute::<*mut c_void, UvMetricsIdleTime>(symbol) };
    // SAFETY: `env` as above; the hook takes no data and lives as long as the addon, which is never unloaded.
    if unsafe { sys::napi_add_env_cleanup_hook(env, Some(unwatch), std::ptr::null_mut()) } == sys::Status::napi_ok {
        let turns = turns_of(uv_loop);
        let uv_loop = Loop { uv_loop, idle_time };
        default_metrics()
            .event_loop()
            .watch(Box::new(move || uv_loop.idle()), turns);
    }
}

/// Runs on the app thread when its environment ends, before its loop is closed.
unsafe extern "C" fn unwatch(_: *mut c_void) {
    guard(|| default_metrics().event_loop().release(), ());
    WATCHING.store(false, Ordering::Release);
}
