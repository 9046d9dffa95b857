//! Rings for JS: opening, the calls of a producer that has no room, and records as values. App threads; the calls of
//! [`WARM`] come from inside a record's writing, so they neither throw nor run JS.

use crate::process::{Mode, process};
use crate::raw::{Call, Callback, CodedError, coded, text_value};
use kymo_core::intern::{Interned, read_entries};
use kymo_core::layout::{META_AT, META_END_AT, RECORD_KEY};
use kymo_core::ring::full::{OnFull, Policy, Room};
use kymo_core::ring::recover::RingImage;
use kymo_core::ring::rings::{OpenRing, RingOptions, Rings};
use kymo_core::ring::spool;
use kymo_core::ring::value::{Value, Values};
use kymo_core::ring::{DropReason, RingMemory, read_records};
use kymo_core::threads::guard;
use napi::bindgen_prelude::{FromNapiValue, Uint8Array, Unknown};
use napi::{Env, sys};
use napi_derive::napi;
use std::collections::HashMap;
use std::ffi::{CStr, c_void};
use std::path::PathBuf;
use std::ptr::null_mut;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// Answers of `ringIntern` that are no id; the same numbers stand in `src/binding/native-ring.ts`.
const NOT_YET: f64 = -1.0;
const FULL: f64 = -2.0;
const NEVER: f64 = -3.0;

/// Values nested deeper than this are not made: JS writes at most 8 levels, but a file may say anything.
const DEEPEST: u32 = 64;

/// The warm calls.
pub const WARM: &[(&str, Callback)] = &[
    ("ringDeclare", declare),
    ("ringIntern", intern),
    ("ringKey", key),
    ("ringFull", full),
    ("ringOversized", oversized),
    ("ringWake", wake),
    ("ringDropped", dropped),
];

static RINGS: OnceLock<Rings> = OnceLock::new();

/// The process's rings, once one was opened.
pub fn rings() -> Option<&'static Rings> {
    RINGS.get()
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
    /// Its whole segment.
    #[napi(ts_type = "ArrayBuffer")]
    pub buffer: Unknown<'a>,
    /// Longest record that the overflow takes.
    pub longest_bytes: u32,
}

/// Opens a ring for the calling thread; it is retired when the thread's environment ends. Fails with `KYMO_RING_OPEN`.
#[napi(catch_unwind)]
pub fn ring_open(env: Env, options: OpenOptions) -> Result<Attachment<'static>, CodedError> {
    let refused = |why: &str| coded("KYMO_RING_OPEN", why);
    let process = process()?;
    if process.mode == Mode::Internal {
        return Err(refused("this runtime lends its JavaScript no native memory"));
    }
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
    let rings = RINGS.get_or_init(|| {
        let collector = process.collector.as_deref().cloned();
        Rings::new(Arc::clone(&process.store) as Arc<_>, collector)
    });
    let (signal, spool) = (options.signal, PathBuf::from(options.spool));
    let options_of_ring = RingOptions {
        size: options.size_bytes,
        policy,
        signal,
        spool,
    };
    let open = rings
        .open(options_of_ring, options.thread_id)
        .map_err(|why| refused(&why.to_string()))?;
    let buffer = match buffer(env, &open) {
        Ok(buffer) => buffer,
        Err(status) => {
            rings.retire(open.number);
            return Err(refused(&format!("external buffer: status {status}")));
        }
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
    let text = guard(|| open_ring(&call)?.interned.text(call.number(1) as u32), None);
    // A null pointer is `undefined` for JS.
    text.map_or(null_mut(), |text| call.give_text(text.as_bytes()))
}

unsafe extern "C" fn full(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    // SAFETY: called by the runtime.
    unsafe {
        warm(env, info, 0.0, |call, open| {
            made(open.ring.make_room(call.number(1) as u32))
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
                .map_or(0.0, |record| made(open.ring.append_oversized(record)))
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
                open.ring.memory().count(reason, call.number(2) as u64);
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

/// Records of a spool as JS values, for recovery and offline readers. Ends at the first byte that makes no sense and says
/// so in `bad`. Records that begin behind the spool's start need its `keys` so far, which the answer continues.
#[napi(
    catch_unwind,
    ts_return_type = "{ records: { kind: number; cut: boolean; values: unknown[] }[]; keys: string[]; bad?: string }"
)]
pub fn ring_decode(env: Env, records: Uint8Array, keys: Vec<String>) -> Result<Unknown<'static>, CodedError> {
    let mut decoder = Decoder { env: env.raw(), keys };
    let value = decoder.all(&records);
    // SAFETY: a live value of the running call.
    unsafe { Unknown::from_napi_value(env.raw(), value) }.map_err(|error| coded("KYMO_RING_OPEN", error.reason.clone()))
}

/// Makes JS values. Every call below makes a value in the scope of the running call, or sets one of its properties.
struct Decoder {
    env: sys::napi_env,
    keys: Vec<String>,
}

impl Decoder {
    fn all(&mut self, bytes: &[u8]) -> sys::napi_value {
        let (result, list) = (self.object(), self.array());
        self.set(result, c"records", list);
        let mut index = 0;
        for record in read_records(bytes) {
            let made = record.map_err(|bad| format!("{bad:?}")).and_then(|record| {
                if record.kind == RECORD_KEY {
                    return self.learn(record.body).map(|()| None);
                }
                let (entry, values) = (self.object(), self.array());
                let mut body = record.values();
                let mut count = 0;
                while !body.at_end() {
                    self.put(values, count, self.value(&mut body, 0)?);
                    count += 1;
                }
                self.set(entry, c"kind", self.number(f64::from(record.kind)));
                self.set(entry, c"cut", self.boolean(record.cut));
                self.set(entry, c"values", values);
                Ok(Some(entry))
            });
            match made {
                Ok(None) => {}
                Ok(Some(entry)) => {
                    self.put(list, index, entry);
                    index += 1;
                }
                Err(bad) => {
                    self.set(result, c"bad", text_value(self.env, bad.as_bytes()));
                    break;
                }
            }
        }
        let keys = self.array();
        for (id, key) in self.keys.iter().enumerate() {
            self.put(keys, id as u32, text_value(self.env, key.as_bytes()));
        }
        self.set(result, c"keys", keys);
        result
    }

    /// A key of the spool. Another process may have appended to it, and its ids begin at 0 again.
    fn learn(&mut self, body: &[u8]) -> Result<(), String> {
        let (id, text) = body.split_first_chunk::<4>().ok_or("a key without an id")?;
        let id = u32::from_le_bytes(*id) as usize;
        let text = std::str::from_utf8(text).map_err(|_| "a key that is no text")?;
        if id > self.keys.len() {
            return Err(format!("key {id} before key {}", self.keys.len()));
        }
        self.keys.truncate(id);
        self.keys.push(text.to_owned());
        Ok(())
    }

    fn value(&self, values: &mut Values<'_>, depth: u32) -> Result<sys::napi_value, String> {
        if depth > DEEPEST {
            return Err("nested too deep".to_owned());
        }
        let mut made = null_mut();
        match values.read().map_err(|bad| format!("{bad:?}"))? {
            // SAFETY: see the type.
            Value::Null => _ = unsafe { sys::napi_get_null(self.env, &mut made) },
            Value::Bool(value) => made = self.boolean(value),
            Value::I32(value) => made = self.number(f64::from(value)),
            Value::F64(value) => made = self.number(value),
            Value::Latin1(bytes) => {
                // SAFETY: see the type; the bytes are copied.
                unsafe {
                    sys::napi_create_string_latin1(self.env, bytes.as_ptr().cast(), bytes.len() as isize, &mut made)
                };
            }
            Value::Utf16(bytes) => {
                let units: Vec<u16> = bytes
                    .chunks_exact(2)
                    .map(|unit| u16::from_le_bytes([unit[0], unit[1]]))
                    .collect();
                // SAFETY: see the type; the units are copied.
                unsafe { sys::napi_create_string_utf16(self.env, units.as_ptr(), units.len() as isize, &mut made) };
            }
            Value::Interned(id) => {
                let key = self.keys.get(id as usize).ok_or_else(|| format!("unknown key {id}"))?;
                made = text_value(self.env, key.as_bytes());
            }
            Value::BigInt(digits) => {
                let digits = std::str::from_utf8(digits)
                    .ok()
                    .and_then(|digits| digits.parse::<i64>().ok());
                // SAFETY: see the type.
                unsafe { sys::napi_create_bigint_int64(self.env, digits.unwrap_or_default(), &mut made) };
            }
            Value::Object(count) => {
                made = self.object();
                for _ in 0..count {
                    let key = self.value(values, depth + 1)?;
                    let value = self.value(values, depth + 1)?;
                    self.define(made, key, value);
                }
            }
            Value::Array(count) => {
                made = self.array();
                for index in 0..count {
                    self.put(made, index, self.value(values, depth + 1)?);
                }
            }
        }
        Ok(made)
    }

    fn object(&self) -> sys::napi_value {
        let mut made = null_mut();
        // SAFETY: see the type.
        unsafe { sys::napi_create_object(self.env, &mut made) };
        made
    }

    fn array(&self) -> sys::napi_value {
        let mut made = null_mut();
        // SAFETY: see the type.
        unsafe { sys::napi_create_array(self.env, &mut made) };
        made
    }

    fn number(&self, value: f64) -> sys::napi_value {
        let mut made = null_mut();
        // SAFETY: see the type.
        unsafe { sys::napi_create_double(self.env, value, &mut made) };
        made
    }

    fn boolean(&self, value: bool) -> sys::napi_value {
        let mut made = null_mut();
        // SAFETY: see the type.
        unsafe { sys::napi_get_boolean(self.env, value, &mut made) };
        made
    }

    fn set(&self, object: sys::napi_value, name: &CStr, value: sys::napi_value) {
        // SAFETY: see the type; the name ends with a zero.
        unsafe { sys::napi_set_named_property(self.env, object, name.as_ptr(), value) };
    }

    fn put(&self, array: sys::napi_value, index: u32, value: sys::napi_value) {
        // SAFETY: see the type.
        unsafe { sys::napi_set_element(self.env, array, index, value) };
    }

    /// Defines, so that a key `__proto__` is a key like any other.
    fn define(&self, object: sys::napi_value, key: sys::napi_value, value: sys::napi_value) {
        let property = sys::napi_property_descriptor {
            utf8name: std::ptr::null(),
            name: key,
            method: None,
            getter: None,
            setter: None,
            value,
            attributes: sys::PropertyAttributes::writable
                | sys::PropertyAttributes::enumerable
                | sys::PropertyAttributes::configurable,
            data: null_mut(),
        };
        // SAFETY: see the type; one descriptor.
        unsafe { sys::napi_define_properties(self.env, object, 1, &property) };
    }
}
