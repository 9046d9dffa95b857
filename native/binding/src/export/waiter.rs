//! A promise that any thread may settle. App threads make it.

use napi::bindgen_prelude::{FromNapiValue, Unknown};
use napi::{Env, sys};
use std::ffi::c_void;
use std::ptr::null_mut;

/// What it resolves with.
pub enum Answer {
    /// A word.
    Word(&'static str),
    /// Yes or no.
    Bool(bool),
}

/// The settling end: settle it once; dropped unsettled, the promise stays pending.
pub struct Waiter {
    function: sys::napi_threadsafe_function,
}

// SAFETY: a thread-safe function may be called and released by any thread; we hold one of its two uses.
unsafe impl Send for Waiter {}

/// What the thread-safe function carries: the promise's settling side, owned by the environment.
struct Pending {
    deferred: sys::napi_deferred,
}

impl Waiter {
    /// Makes a promise. With `keeps_alive` the process does not end by itself while it is pending.
    pub fn new(env: Env, keeps_alive: bool) -> napi::Result<(Waiter, Unknown<'static>)> {
        let (mut deferred, mut promise, mut name, mut function) = (null_mut(), null_mut(), null_mut(), null_mut());
        let raw = env.raw();
        // SAFETY: calls on the thread of the running call, each with places for what it gives. The finalizer gets the box back.
        let status = unsafe {
            sys::napi_create_promise(raw, &mut deferred, &mut promise);
            sys::napi_create_string_latin1(raw, c"kymo.waiter".as_ptr(), -1, &mut name);
            let pending = Box::into_raw(Box::new(Pending { deferred })).cast::<c_void>();
            sys::napi_create_threadsafe_function(
                raw,
                null_mut(),
                null_mut(),
                name,
                0,
                1,
                pending,
                Some(drop_pending),
                pending,
                Some(settle),
                &mut function,
            )
        };
        if status != sys::Status::napi_ok {
            return Err(napi::Error::from_reason("a promise could not be made"));
        }
        if !keeps_alive {
            // SAFETY: made just above, on this thread.
            unsafe { sys::napi_unref_threadsafe_function(raw, function) };
        }
        // SAFETY: a live value of the running call.
        let promise = unsafe { Unknown::from_napi_value(raw, promise) }?;
        Ok((Waiter { function }, promise))
    }

    /// Settles the promise soon, on its own thread. Nothing happens when that thread is ending.
    pub fn settle(self, answer: Answer) {
        let answer = Box::into_raw(Box::new(answer));
        // SAFETY: `self` holds a use of the function. The callback takes the box; when it will not run, it is ours again.
        let status = unsafe {
            sys::napi_call_threadsafe_function(
                self.function,
                answer.cast(),
                sys::ThreadsafeFunctionCallMode::nonblocking,
            )
        };
        if status != sys::Status::napi_ok {
            // SAFETY: the call was refused, so nobody else has the box.
            drop(unsafe { Box::from_raw(answer) });
        }
        if status == sys::Status::napi_closing {
            // Its thread has ended, and this answer took our use of the function back: it must not be touched again.
            std::mem::forget(self);
        }
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        // SAFETY: gives back the one use that `self` held; the function is not touched afterwards.
        unsafe {
            sys::napi_release_threadsafe_function(self.function, sys::ThreadsafeFunctionReleaseMode::release);
        }
    }
}

unsafe extern "C" fn drop_pending(_: sys::napi_env, pending: *mut c_void, _: *mut c_void) {
    // SAFETY: made by `Box::into_raw` in `new`; the runtime finalizes once, after the last callback.
    drop(unsafe { Box::from_raw(pending.cast::<Pending>()) });
}

/// Runs on the thread that made the promise.
unsafe extern "C" fn settle(env: sys::napi_env, _: sys::napi_value, pending: *mut c_void, answer: *mut c_void) {
    // SAFETY: made by `Box::into_raw` in `Waiter::settle`, for this one callback.
    let answer = unsafe { Box::from_raw(answer.cast::<Answer>()) };
    if env.is_null() {
        return; // The thread is ending: nobody waits any more.
    }
    let mut value = null_mut();
    // SAFETY: `pending` lives until the finalizer; the promise is settled once, since `settle` consumes the waiter.
    unsafe {
        match *answer {
            Answer::Word(word) => {
                sys::napi_create_string_latin1(env, word.as_ptr().cast(), word.len() as isize, &mut value);
            }
            Answer::Bool(answer) => {
                sys::napi_get_boolean(env, answer, &mut value);
            }
        }
        sys::napi_resolve_deferred(env, (*pending.cast::<Pending>()).deferred, value);
    }
}
