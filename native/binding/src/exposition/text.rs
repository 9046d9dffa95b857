//! Texts on their way to JS. A large one is lent, not copied: copying a megabyte into the runtime's heap takes longer than
//! rendering it. App threads.

use crate::metrics::sweeping;
use crate::raw::text_value;
use napi::sys;
use std::ffi::{c_char, c_void};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// Shorter texts are copied: that takes a few microseconds, and leaves their memory for the next one.
const LENT_MIN: usize = 256 * 1024;
/// Memory of texts that is kept for the next ones: strings are collected many at a time, after some 64 MB of them.
const SPARE_MAX: usize = 64 * 1024 * 1024;
/// Memory that no text needed for this long goes back.
const KEPT: Duration = Duration::from_secs(5);

/// Memory that texts were in; kept for a while, since pages that are there already cost nothing.
static SPARE: Mutex<Spare> = Mutex::new(Spare {
    buffers: Vec::new(),
    bytes: 0,
    expected: 0,
    used: None,
});

struct Spare {
    buffers: Vec<Vec<u8>>,
    /// Capacity of all of them.
    bytes: usize,
    /// Length of the last text that was lent, with some room: the next one is about as long.
    expected: usize,
    used: Option<Instant>,
}

fn spares() -> MutexGuard<'static, Spare> {
    SPARE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// An empty buffer, with room for as much as an earlier text had.
pub fn spare() -> Vec<u8> {
    let (mut text, expected) = {
        let mut spare = spares();
        let text = spare.buffers.pop().unwrap_or_default();
        spare.bytes -= text.capacity();
        (text, spare.expected)
    };
    if text.capacity() < expected {
        text.reserve(expected);
        populate(&mut text);
    }
    text
}

/// Frees what no text needed for a while. The sweep calls it.
pub fn trim() {
    let gone = {
        let mut spare = spares();
        if spare.used.is_none_or(|used| used.elapsed() < KEPT) {
            return;
        }
        (spare.bytes, spare.used) = (0, None);
        std::mem::take(&mut spare.buffers)
    };
    drop(gone);
}

/// Takes a buffer back.
fn give_back(mut text: Vec<u8>) {
    text.clear();
    let mut spare = spares();
    if spare.bytes + text.capacity() <= SPARE_MAX {
        spare.bytes += text.capacity();
        spare.used = Some(Instant::now());
        spare.buffers.push(text);
    }
}

/// Asks the kernel for all pages of a buffer at once: one by one, as they are written, they take several times as long.
fn populate(text: &mut Vec<u8>) {
    #[cfg(target_os = "linux")]
    if text.capacity() >= LENT_MIN {
        const PAGE: usize = 4096;
        let room = text.spare_capacity_mut();
        let skipped = room.as_ptr().addr().next_multiple_of(PAGE) - room.as_ptr().addr();
        let length = (room.len() - skipped) / PAGE * PAGE;
        // SAFETY: whole pages inside the buffer, which is this function's alone; the call changes no content. A kernel that does
        // not know it, or larger pages, give an error, and the pages come as they are written.
        unsafe { libc::madvise(room.as_mut_ptr().add(skipped).cast(), length, libc::MADV_POPULATE_WRITE) };
    }
    #[cfg(not(target_os = "linux"))]
    let _ = text;
}

/// UTF-8 that becomes a JS string.
pub struct Text(pub Vec<u8>);

impl napi::bindgen_prelude::ToNapiValue for Text {
    unsafe fn to_napi_value(env: sys::napi_env, value: Self) -> napi::Result<sys::napi_value> {
        let Text(text) = value;
        let text = if text.len() >= LENT_MIN && text.is_ascii() {
            match lend(env, text) {
                Ok(value) => return Ok(value),
                Err(text) => text,
            }
        } else {
            text
        };
        let value = text_value(env, &text);
        give_back(text);
        Ok(value)
    }
}

impl napi::bindgen_prelude::TypeName for Text {
    fn type_name() -> &'static str {
        "string"
    }

    fn value_type() -> napi::ValueType {
        napi::ValueType::String
    }
}

/// `node_api_create_external_string_latin1`.
type CreateExternal = unsafe extern "C" fn(
    sys::napi_env,
    *mut c_char,
    usize,
    sys::napi_finalize,
    *mut c_void,
    *mut sys::napi_value,
    *mut bool,
) -> sys::napi_status;

/// In the runtimes from Node 18.18 and 20.4 on, so looked up by name.
fn create_external() -> Option<CreateExternal> {
    static CREATE: OnceLock<Option<CreateExternal>> = OnceLock::new();
    *CREATE.get_or_init(|| {
        // SAFETY: looks a name up among the symbols of the program; reads nothing of ours.
        let symbol = unsafe { libc::dlsym(libc::RTLD_DEFAULT, c"node_api_create_external_string_latin1".as_ptr()) };
        // SAFETY: a function of this name has this type (Node-API, "node_api_create_external_string_latin1").
        (!symbol.is_null()).then(|| unsafe { std::mem::transmute::<*mut c_void, CreateExternal>(symbol) })
    })
}

/// A string over the memory of `text`, which comes back when the string is collected; the text again where that is not to be had.
fn lend(env: sys::napi_env, text: Vec<u8>) -> Result<sys::napi_value, Vec<u8>> {
    let Some(create) = create_external() else {
        return Err(text);
    };
    spares().expected = text.len() + text.len() / 8;
    let length = text.len() as i64;
    let held = Box::into_raw(Box::new(text));
    let mut value = std::ptr::null_mut();
    let mut copied = false;
    // SAFETY: `held` was made just now and is written by nobody until `release` has it; a runtime that copies instead calls
    // `release` itself. Attacked by test/compat/prom-client/native-side.test.ts.
    let status = unsafe {
        let (data, length) = ((*held).as_mut_ptr().cast::<c_char>(), (*held).len());
        create(env, data, length, Some(release), held.cast(), &mut value, &mut copied)
    };
    if status == sys::Status::napi_ok && !value.is_null() {
        // The runtime counts lent strings, and yet collects none of them for their size alone: a program that asked for texts
        // in a loop would fill the machine. One that was copied instead was released already, so that this evens out.
        adjust(env, length);
        sweeping();
        return Ok(value);
    }
    // SAFETY: the runtime took nothing, so that `held` is still this function's.
    Err(*unsafe { Box::from_raw(held) })
}

/// Tells the runtime's collector of memory that a value of it holds, or holds no more.
fn adjust(env: sys::napi_env, by: i64) {
    let mut total = 0;
    if !env.is_null() {
        // SAFETY: the environment of the running call or finalizer; one of the few calls that a finalizer may make.
        unsafe { sys::napi_adjust_external_memory(env, by, &mut total) };
    }
}

/// The string over this memory is gone. On the app thread, in a collection.
unsafe extern "C" fn release(env: sys::napi_env, _: *mut c_void, held: *mut c_void) {
    // SAFETY: made by `lend`, and given to the runtime for one call of this.
    let text = unsafe { Box::from_raw(held.cast::<Vec<u8>>()) };
    adjust(env, -(text.len() as i64));
    kymo_core::threads::guard(|| give_back(*text), ());
}
