//! Texts on their way to JS. A large one is lent, not copied: copying a megabyte into the runtime's heap takes longer than
//! rendering it. App threads.

use crate::raw::text_value;
use napi::sys;
use std::cell::{Cell, RefCell};
use std::ffi::{c_char, c_void};
use std::sync::OnceLock;

/// Shorter texts are copied: that takes a few microseconds, and leaves their memory for the next one.
const LENT_MIN: usize = 256 * 1024;
/// Memory of a text that is kept for the next one, per thread.
const SPARE_MAX: usize = 16 * 1024 * 1024;

thread_local! {
    /// Memory that a text was in; kept, so that who renders again pays for none.
    static SPARE: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    /// Length of the last text that was lent, with some room: the next one is about as long.
    static LENT: Cell<usize> = const { Cell::new(0) };
}

/// An empty buffer, with room for as much as an earlier text had.
pub fn spare() -> Vec<u8> {
    let spare = SPARE.try_with(|spare| spare.try_borrow_mut().map(|mut spare| std::mem::take(&mut *spare)));
    let mut text = spare.ok().and_then(Result::ok).unwrap_or_default();
    text.reserve(LENT.try_with(Cell::get).unwrap_or_default());
    text
}

/// Takes a buffer back.
fn give_back(mut text: Vec<u8>) {
    text.clear();
    if text.capacity() <= SPARE_MAX {
        // A thread that ends has no place for it any more: then it is freed here.
        let _ = SPARE.try_with(|spare| {
            if let Ok(mut spare) = spare.try_borrow_mut()
                && spare.capacity() < text.capacity()
            {
                *spare = std::mem::take(&mut text);
            }
        });
    }
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
        return Ok(value);
    }
    // SAFETY: the runtime took nothing, so that `held` is still this function's.
    Err(*unsafe { Box::from_raw(held) })
}

/// The string over this memory is gone. On the app thread, in a collection: no call into the runtime.
unsafe extern "C" fn release(_: sys::napi_env, _: *mut c_void, held: *mut c_void) {
    // SAFETY: made by `lend`, and given to the runtime for one call of this.
    let text = unsafe { Box::from_raw(held.cast::<Vec<u8>>()) };
    kymo_core::threads::guard(|| give_back(*text), ());
}
