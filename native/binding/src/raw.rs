//! Raw Node-API for warm calls: 3 to 9 times cheaper than the generated wrappers. App threads, inside their own calls.

use napi::sys;
use std::ffi::{CString, c_char, c_void};

/// An error with a code of `src/core/errors.ts`.
pub type CodedError = napi::Error<&'static str>;

/// Makes a coded error.
pub fn coded(code: &'static str, text: impl Into<String>) -> CodedError {
    CodedError::new(code, text.into())
}

/// Arguments that the first read has room for; a call with more is read twice.
const USUAL_ARGS: usize = 16;

/// The arguments of a call.
pub struct Call {
    env: sys::napi_env,
    args: Vec<sys::napi_value>,
}

impl Call {
    /// Reads the arguments of the running call.
    ///
    /// # Safety
    /// `env` and `info` are those the runtime passed to the running callback.
    pub unsafe fn new(env: sys::napi_env, info: sys::napi_callback_info) -> Call {
        let mut args = vec![std::ptr::null_mut(); USUAL_ARGS];
        let read = |args: &mut [sys::napi_value]| {
            let mut count = args.len();
            // SAFETY: by the function's contract; `args` has room for `count` values.
            let status = unsafe {
                sys::napi_get_cb_info(
                    env,
                    info,
                    &mut count,
                    args.as_mut_ptr(),
                    std::ptr::null_mut(),
                    std::ptr::null_mut(),
                )
            };
            (status, count)
        };
        let (mut status, mut count) = read(&mut args);
        if count > USUAL_ARGS {
            args.resize(count, std::ptr::null_mut());
            (status, count) = read(&mut args);
        }
        args.truncate(if status == sys::Status::napi_ok { count } else { 0 });
        Call { env, args }
    }

    /// How many arguments came.
    pub fn len(&self) -> usize {
        self.args.len()
    }

    /// Argument `at` as a number; NaN when it is none.
    pub fn number(&self, at: usize) -> f64 {
        let mut value = f64::NAN;
        if let Some(arg) = self.args.get(at) {
            // SAFETY: a live value of the running call; another type leaves `value` as it is.
            unsafe { sys::napi_get_value_double(self.env, *arg, &mut value) };
        }
        value
    }

    /// Argument `at` as a boolean; false when it is none.
    pub fn boolean(&self, at: usize) -> bool {
        let mut value = false;
        if let Some(arg) = self.args.get(at) {
            // SAFETY: as in `number`.
            unsafe { sys::napi_get_value_bool(self.env, *arg, &mut value) };
        }
        value
    }

    /// Argument `at` as text; lone surrogates become U+FFFD. Empty when it is no string.
    pub fn text(&self, at: usize) -> String {
        let Some(arg) = self.args.get(at) else {
            return String::new();
        };
        let mut inline = [0_u8; 256];
        let mut len = 0;
        // SAFETY: as in `number`; at most `inline.len()` bytes are written, the closing zero included.
        unsafe { sys::napi_get_value_string_utf8(self.env, *arg, inline.as_mut_ptr().cast(), inline.len(), &mut len) };
        // A character of up to four bytes may have been left out at the end: read again with the whole length.
        if len < inline.len() - 4 {
            return String::from_utf8_lossy(&inline[..len]).into_owned();
        }
        // SAFETY: without a buffer the call only gives the length in bytes.
        unsafe { sys::napi_get_value_string_utf8(self.env, *arg, std::ptr::null_mut(), 0, &mut len) };
        let mut long = vec![0_u8; len + 1];
        // SAFETY: room for the whole string and the closing zero.
        unsafe { sys::napi_get_value_string_utf8(self.env, *arg, long.as_mut_ptr().cast(), long.len(), &mut len) };
        long.truncate(len);
        String::from_utf8_lossy(&long).into_owned()
    }

    /// Argument `at` as the bytes of a `Uint8Array`, in place; valid until JS runs again. `None` when it is none.
    pub fn bytes(&self, at: usize) -> Option<&[u8]> {
        let arg = *self.args.get(at)?;
        let (mut kind, mut length, mut data) = (0, 0, std::ptr::null_mut());
        let none = std::ptr::null_mut();
        // SAFETY: a live value of the running call; another type fails and leaves the places as they are.
        let status = unsafe {
            sys::napi_get_typedarray_info(self.env, arg, &mut kind, &mut length, &mut data, none, none.cast())
        };
        if status != sys::Status::napi_ok || kind != sys::TypedarrayType::uint8_array || data.is_null() {
            return None;
        }
        // SAFETY: the array has `length` bytes; the running call keeps it alive, and no JS runs meanwhile.
        Some(unsafe { std::slice::from_raw_parts(data.cast(), length) })
    }

    /// The string argument `at` in memory of its own, lone surrogates included: a slice would keep its whole parent alive. Where
    /// the runtime offers it, equal strings share one copy in old space, so that keys neither repeat nor fill the nursery.
    pub fn copied(&self, at: usize) -> sys::napi_value {
        let Some(arg) = self.args.get(at) else {
            return std::ptr::null_mut();
        };
        let (mut len, mut result) = (0, std::ptr::null_mut());
        // SAFETY: without a buffer the call only gives the length in UTF-16 units.
        unsafe { sys::napi_get_value_string_utf16(self.env, *arg, std::ptr::null_mut(), 0, &mut len) };
        let mut units = vec![0_u16; len + 1];
        // SAFETY: room for the whole string and the closing zero.
        unsafe { sys::napi_get_value_string_utf16(self.env, *arg, units.as_mut_ptr(), units.len(), &mut len) };
        units.truncate(len);
        let narrow: Option<Vec<u8>> = units.iter().map(|unit| u8::try_from(*unit).ok()).collect();
        let keys = property_keys();
        // SAFETY: both buffers live through the call, which copies them; `CreateKey` has the type of the function looked up.
        unsafe {
            match (&narrow, keys) {
                (Some(bytes), Some(keys)) => {
                    (keys.latin1)(self.env, bytes.as_ptr().cast(), bytes.len() as isize, &mut result)
                }
                (Some(bytes), None) => {
                    sys::napi_create_string_latin1(self.env, bytes.as_ptr().cast(), bytes.len() as isize, &mut result)
                }
                (None, Some(keys)) => (keys.utf16)(self.env, units.as_ptr(), units.len() as isize, &mut result),
                (None, None) => {
                    sys::napi_create_string_utf16(self.env, units.as_ptr(), units.len() as isize, &mut result)
                }
            }
        };
        result
    }

    /// A number for JS.
    pub fn give(&self, value: f64) -> sys::napi_value {
        let mut result = std::ptr::null_mut();
        // SAFETY: makes a value in the running call's scope.
        unsafe { sys::napi_create_double(self.env, value, &mut result) };
        result
    }

    /// Text for JS; plain ASCII, as almost every scrape is, is copied without decoding.
    pub fn give_text(&self, text: &[u8]) -> sys::napi_value {
        text_value(self.env, text)
    }
}

type CreateKey<T> = unsafe extern "C" fn(sys::napi_env, *const T, isize, *mut sys::napi_value) -> sys::napi_status;

/// `node_api_create_property_key_*`: in the runtimes from Node 20.18 and 22.9 on, so looked up by name.
struct PropertyKeys {
    latin1: CreateKey<c_char>,
    utf16: CreateKey<u16>,
}

fn property_keys() -> Option<&'static PropertyKeys> {
    static KEYS: std::sync::OnceLock<Option<PropertyKeys>> = std::sync::OnceLock::new();
    let find = || {
        // SAFETY: looks names up among the symbols of the program; reads nothing of ours.
        let (latin1, utf16) = unsafe {
            (
                libc::dlsym(libc::RTLD_DEFAULT, c"node_api_create_property_key_latin1".as_ptr()),
                libc::dlsym(libc::RTLD_DEFAULT, c"node_api_create_property_key_utf16".as_ptr()),
            )
        };
        if latin1.is_null() || utf16.is_null() {
            return None;
        }
        // SAFETY: functions of these names have these types (Node-API, "node_api_create_property_key_latin1").
        Some(unsafe {
            PropertyKeys {
                latin1: std::mem::transmute::<*mut c_void, CreateKey<c_char>>(latin1),
                utf16: std::mem::transmute::<*mut c_void, CreateKey<u16>>(utf16),
            }
        })
    };
    KEYS.get_or_init(find).as_ref()
}

/// A JS string of UTF-8 bytes.
pub fn text_value(env: sys::napi_env, text: &[u8]) -> sys::napi_value {
    let mut result = std::ptr::null_mut();
    let data: *const c_char = text.as_ptr().cast();
    // SAFETY: `data` has `len` bytes, which are copied.
    unsafe {
        if text.is_ascii() {
            sys::napi_create_string_latin1(env, data, text.len() as isize, &mut result);
        } else {
            sys::napi_create_string_utf8(env, data, text.len() as isize, &mut result);
        }
    }
    result
}

/// A callback of a warm call.
pub type Callback = unsafe extern "C" fn(sys::napi_env, sys::napi_callback_info) -> sys::napi_value;

/// Puts functions on the addon's exports.
///
/// # Safety
/// `env` and `exports` belong to the running initialisation.
pub unsafe fn export(env: sys::napi_env, exports: sys::napi_value, functions: &[(&str, Callback)]) {
    for (name, callback) in functions {
        let name = CString::new(*name).unwrap_or_default();
        let mut function = std::ptr::null_mut();
        // SAFETY: by the function's contract; the callback is a plain function without data.
        unsafe {
            let data: *mut c_void = std::ptr::null_mut();
            let created = sys::napi_create_function(env, name.as_ptr(), -1, Some(*callback), data, &mut function);
            if created == sys::Status::napi_ok {
                sys::napi_set_named_property(env, exports, name.as_ptr(), function);
            }
        }
    }
}
