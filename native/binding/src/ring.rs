//! Rings for JS: opening, the calls of a producer that has no room, and records as values. App threads; the calls of
//! [`WARM`] come from inside a record's writing, so they neither throw nor run JS.

use crate::logs::ring::logs_of;
use crate::process::{Mode, Process, process};
use crate::raw::{Call, Callback, CodedError, coded};
use kymo_core::intern::{Interned, read_entries};
use kymo_core::layout::{META_AT, META_END_AT};
use kymo_core::metrics::self_metrics::SELF_REGISTRY;
use kymo_core::ring::full::{OnFull, Policy, Room};
use kymo_core::ring::recover::RingImage;
use kymo_core::ring::rings::{Destination, OpenRing, RingOptions, Rings};
use kymo_core::ring::spool;
use kymo_core::ring::{DropReason, RingMemory};
use kymo_core::threads::guard;
use kymo_core::traces::clock::WallClock;
use napi::bindgen_prelude::{FromNapiValue, Uint8Array, Unknown};
use napi::{Env, sys};
use napi_derive::napi;
use std::collections::HashMap;
use std::ffi::c_void;
use std::path::PathBuf;
use std::ptr::null_mut;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// Answers of `ringIntern` that are no id; the same numbers stand in `src/binding/native-ring.ts`.
const NOT_YET: f64 = -1.0;
const FULL: f64 = -2.0;
const NEVER: f64 = -3.0;

/// The warm calls.
pub const WARM: &[(&str, Callback)] = &[
    ("ringDeclare", declare),
    ("ringIntern", intern),
    ("ringKey", key),
    ("ringFull", full),
    ("ringOversized", oversized),
    ("ringPush", push),
    ("ringWake", wake),
    ("ringDropped", dropped),
];

static RINGS: OnceLock<Arc<Rings>> = OnceLock::new();

/// The process's rings, once one was opened.
pub fn rings() -> Option<&'static Rings> {
    RINGS.get().map(|rings| &**rings)
}

/// How a ring is opened, see `src/binding/native-ring.ts`.
#[napi(object)]
pub struct OpenOptions {
    /// Bytes, a power of two.
    pub size_bytes: u32,
    /// `block`, `drop-oldest` or `drop-newest`.
    pub on_full: String,
    /// Longest wait of `block` per stall, in ms.
    pub block_budget_ms: Option<f64>,
    /// Label value of its drops.
    pub signal: String,
    /// File that gets the records.
    pub spool: String,
    /// Node's thread id.
    pub thread_id: u32,
}

/// An opened ring.
#[napi(object)]
pub struct Attachment<'a> {
    /// Its number.
    pub ring: u32,
    /// Its whole segment, where the runtime lends native memory to JS.
    #[napi(ts_type = "ArrayBuffer")]
    pub buffer: Option<Unknown<'a>>,
    /// Longest record that the overflow takes.
    pub longest_bytes: u32,
}

/// Opens a ring for the calling thread; it is retired when the thread's environment ends. Fails with `KYMO_RING_OPEN`.
#[napi(catch_unwind)]
pub fn ring_open(env: Env, options: OpenOptions) -> Result<Attachment<'static>, CodedError> {
    let refused = |why: &str| coded("KYMO_RING_OPEN", why);
    let process = process()?;
    let on_full = match options.on_full.as_str() {
        "block" => OnFull::Block,
        "drop-oldest" => OnFull::DropOldest,
        "drop-newest" => OnFull::DropNewest,
        other => return Err(refused(&format!("onFull is {other}"))),
    };
    let mut policy = Policy::new(on_full);
    if let Some(budget) = options.block_budget_ms {
        let budget = Duration::try_from_secs_f64(budget / 1000.0);
        policy.block_budget = budget.map_err(|_| refused("blockBudgetMs is no time"))?;
    }
    let rings = rings_of(process);
    let (signal, destination) = (options.signal, Destination::Spool(PathBuf::from(options.spool)));
    let options_of_ring = RingOptions {
        size: options.size_bytes,
        policy,
        signal,
        destination,
    };
    let open = rings
        .open(options_of_ring, options.thread_id)
        .map_err(|why| refused(&why.to_string()))?;
    lend(env, rings, &open, process.mode == Mode::External)
}

/// The process's rings, made when somebody asks first.
pub fn rings_of(process: &Process) -> &'static Rings {
    RINGS.get_or_init(|| {
        let collector = process.collector.as_deref().cloned();
        let rings = Arc::new(Rings::new(Arc::clone(&process.store) as Arc<_>, collector));
        process
            .registries
            .open(Some(SELF_REGISTRY))
            .attach(Arc::clone(&rings) as Arc<_>);
        rings
    })
}

/// Tells the threads that write spans which wall anchor is in force.
pub fn set_clock((number, clock): (u16, WallClock)) {
    if let Some(rings) = rings() {
        rings.each(|ring| ring.set_clock(number, clock.wall_minus_mono_ms()));
    }
}

/// Gives an opened ring to the calling thread; it is retired when the thread's environment ends.
pub fn lend(env: Env, rings: &Rings, open: &OpenRing, external: bool) -> Result<Attachment<'static>, CodedError> {
    // Where external buffers are refused, records come through `ringPush` (M5).
    let buffer = match external {
        false => None,
        true => match buffer(env, open) {
            Ok(buffer) => Some(buffer),
            Err(status) => {
                rings.retire(open.number);
                return Err(coded("KYMO_RING_OPEN", format!("external buffer: status {status}")));
            }
        },
    };
    let number = open.number as usize as *mut c_void;
    // SAFETY: the hook gets a number, not an address; it runs once, in an addon that is never unloaded.
    unsafe { sys::napi_add_env_cleanup_hook(env.raw(), Some(retire), number) };
    Ok(Attachment {
        ring: open.number,
        buffer,
        longest_bytes: open.longest(),
    })
}

fn buffer(env: Env, open: &OpenRing) -> Result<Unknown<'static>, sys::napi_status> {
    let segment = open.ring.memory().segment();
    let mut value = null_mut();
    // SAFETY: the mapping stays for the rest of the process (`Segment`), so there is nothing to finalize.
    let status = unsafe {
        sys::napi_create_external_arraybuffer(
            env.raw(),
            segment.base().cast(),
            segment.size(),
            None,
            null_mut(),
            &mut value,
        )
    };
    if status != sys::Status::napi_ok {
        return Err(status);
    }
    // SAFETY: a live value of the running call.
    unsafe { Unknown::from_napi_value(env.raw(), value) }.map_err(|_| sys::Status::napi_generic_failure)
}

/// Runs when the environment of the thread that opened the ring ends.
unsafe extern "C" fn retire(number: *mut c_void) {
    guard(
        || {
            rings()
                .into_iter()
                .for_each(|rings| rings.retire(number as usize as u32))
        },
        (),
    );
}

/// What became of a ring's records.
#[napi(object)]
pub struct RingState {
    /// Records lost, by reason.
    pub dropped: HashMap<String, f64>,
    /// Why the spool's last write failed.
    pub spool_error: Option<String>,
    /// The overflow is there.
    pub overflow: bool,
}

/// Drops by reason, and the spool's trouble. Fails with `KYMO_RING_OPEN` when there is no such ring.
#[napi(catch_unwind)]
pub fn ring_state(ring: u32) -> Result<RingState, CodedError> {
    let open = rings()
        .and_then(|rings| rings.get(ring))
        .ok_or_else(|| coded("KYMO_RING_OPEN", "no such ring"))?;
    let dropped = open
        .dropped()
        .map(|(reason, count)| (reason.word().to_owned(), count as f64))
        .collect();
    let spool_error = open.spool_error().map(|error| error.to_string());
    Ok(RingState {
        dropped,
        spool_error,
        overflow: open.ring.has_overflow(),
    })
}

/// Waits until all rings' sinks have what was there at the call; false at the deadline. Blocks the calling thread.
#[napi(catch_unwind)]
pub fn ring_flush(deadline_ms: f64) -> bool {
    let deadline = Duration::try_from_secs_f64(deadline_ms / 1000.0).unwrap_or_default();
    rings().is_none_or(|rings| rings.flush(deadline))
}

fn open_ring(call: &Call) -> Option<Arc<OpenRing>> {
    rings()?.get(call.number(0) as u32)
}

/// Runs a warm call; a panic, which is counted, gives `fallback`.
///
/// # Safety
/// `env` and `info` are those the runtime passed to the running callback.
unsafe fn warm(
    env: sys::napi_env,
    info: sys::napi_callback_info,
    fallback: f64,
    body: impl FnOnce(&Call, &OpenRing) -> f64,
) -> sys::napi_value {
    // SAFETY: by the function's contract.
    let call = unsafe { Call::new(env, info) };
    let answer = guard(
        || open_ring(&call).map_or(fallback, |open| body(&call, &open)),
        fallback,
    );
    call.give(answer)
}

unsafe extern "C" fn declare(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    // SAFETY: called by the runtime.
    unsafe {
        warm(env, info, NEVER, |call, open| {
            open.interned.declare(&call.text(1)).map_or(FULL, f64::from)
        })
    }
}

unsafe extern "C" fn intern(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    // SAFETY: called by the runtime.
    unsafe {
        warm(env, info, NEVER, |call, open| {
            match open.interned.intern(&call.text(1)) {
                Interned::Id(id) => f64::from(id),
                Interned::NotYet => NOT_YET,
                Interned::Full => FULL,
                Interned::Never => NEVER,
            }
        })
    }
}

unsafe extern "C" fn key(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    // SAFETY: called by the runtime.
    let call = unsafe { Call::new(env, info) };
    let give = || {
        let open = open_ring(&call)?;
        Some(call.give_text(open.interned.text(call.number(1) as u32)?.as_bytes()))
    };
    // A null pointer is `undefined` for JS.
    guard(|| give().unwrap_or(null_mut()), null_mut())
}

unsafe extern "C" fn full(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    // SAFETY: called by the runtime.
    unsafe {
        warm(env, info, 0.0, |call, open| {
            let length = call.number(1) as u32;
            made(match logs_of(open) {
                Some(logs) => logs.make_room(open, length, call.number(2) as u16),
                None => open.ring.make_room(length),
            })
        })
    }
}

unsafe extern "C" fn oversized(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    // SAFETY: called by the runtime.
    unsafe {
        warm(env, info, 0.0, |call, open| {
            let length = call.number(2) as usize;
            call.bytes(1)
                .and_then(|bytes| bytes.get(..length))
                .map_or(0.0, |record| {
                    made(match logs_of(open) {
                        Some(logs) => logs.append_oversized(open, record),
                        None => open.ring.append_oversized(record),
                    })
                })
        })
    }
}

unsafe extern "C" fn push(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    // SAFETY: called by the runtime.
    unsafe {
        warm(env, info, 0.0, |call, open| {
            let length = call.number(2) as usize;
            let record = call.bytes(1).and_then(|bytes| bytes.get(..length));
            let push = |record| match logs_of(open) {
                Some(logs) => logs.push(open, record),
                None => open.push(record),
            };
            record.map_or(0.0, |record| f64::from(u8::from(push(record))))
        })
    }
}

fn made(room: Room) -> f64 {
    f64::from(u8::from(room == Room::Made))
}

unsafe extern "C" fn wake(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    // SAFETY: called by the runtime.
    unsafe {
        warm(env, info, 0.0, |_, open| {
            open.ring.wake();
            0.0
        })
    }
}

unsafe extern "C" fn dropped(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    // SAFETY: called by the runtime.
    unsafe {
        warm(env, info, 0.0, |call, open| {
            if let Some(&reason) = DropReason::ALL.get(call.number(1) as usize) {
                let records = call.number(2) as u64;
                match logs_of(open) {
                    Some(logs) => logs.count_dropped(Some(open), reason, call.number(3) as u16, records),
                    None => open.ring.memory().count(reason, records),
                }
            }
            0.0
        })
    }
}

/// Completes the spool of a dead process from the bytes of its ring's segment and of its overflow's. Call it once for each
/// dead segment, before a ring opens the spool. Returns the records appended. Fails with `KYMO_RING_OPEN` when the bytes
/// hold no ring or the spool cannot be written.
#[napi(catch_unwind)]
pub fn ring_finish_spool(ring: Uint8Array, overflow: Option<Uint8Array>, path: String) -> Result<f64, CodedError> {
    let refused = |why: String| coded("KYMO_RING_OPEN", why);
    let parse = |bytes| RingImage::parse(bytes).map_err(|bad| refused(format!("{bad:?}")));
    let image = parse(&ring)?;
    let overflow = overflow.as_deref().map(parse).transpose()?;
    if overflow.as_ref().is_some_and(|overflow| overflow.id != image.id) {
        return Err(refused("the overflow belongs to another ring".to_owned()));
    }
    // `parse` made sure of a whole header.
    let end = ring[META_END_AT..]
        .first_chunk()
        .map_or(0, |end| u32::from_le_bytes(*end) as usize);
    let keys = read_entries(ring.get(META_AT..end).unwrap_or_default());
    let finished = spool::finish(PathBuf::from(path).as_path(), &image, overflow.as_ref(), keys);
    finished
        .map(|records| records as f64)
        .map_err(|error| refused(error.to_string()))
}
