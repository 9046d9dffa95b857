//! What belongs to one JS thread: its segments, the buffers over them, and its end. App threads.

use crate::process::{Mode, process};
use crate::raw::{CodedError, coded};
use kymo_core::layout::*;
use kymo_core::memory::MemoryError;
use kymo_core::memory::file::Store;
use kymo_core::memory::segment::{Backing, Segment};
use kymo_core::memory::table::{Memory, Owner, Provider, Role, Slot};
use napi::bindgen_prelude::{FromNapiValue, Unknown};
use napi::{Env, sys};
use napi_derive::napi;
use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::c_void;
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::Ordering;

thread_local! {
    static OWNER: RefCell<Option<Arc<Owner>>> = const { RefCell::new(None) };
    /// The environment of the running `attach` or `bind`, for memory that the runtime makes.
    static ENV: RefCell<sys::napi_env> = const { RefCell::new(std::ptr::null_mut()) };
    /// Buffers made by the runtime, by the address they lie at.
    static LENT: RefCell<HashMap<usize, sys::napi_ref>> = RefCell::new(HashMap::new());
}

/// The calling thread's group of segments.
pub fn owner() -> Option<Arc<Owner>> {
    OWNER.with_borrow(Clone::clone)
}

/// Memory made by the runtime, for runtimes that refuse external buffers: works, but does not survive a crash (M5).
pub struct LentProvider(pub Arc<Store>);

impl Provider for LentProvider {
    fn create(&self, kind: u32, size: usize, thread: u32) -> Result<Segment, MemoryError> {
        let env = ENV.with_borrow(|env| *env);
        let refused = MemoryError::Io {
            step: "arraybuffer",
            errno: libc::ENOMEM,
        };
        let mut data = std::ptr::null_mut();
        let mut value = std::ptr::null_mut();
        let mut reference = std::ptr::null_mut();
        if env.is_null() {
            return Err(refused);
        }
        self.0.lend(size)?;
        // SAFETY: `env` is the environment of the running call of this thread (`with_env`).
        let made = unsafe {
            sys::napi_create_arraybuffer(env, size, &mut data, &mut value) == sys::Status::napi_ok
                && sys::napi_create_reference(env, value, 1, &mut reference) == sys::Status::napi_ok
        };
        let Some(base) = NonNull::new(data.cast::<u8>()).filter(|_| made) else {
            return Err(refused);
        };
        LENT.with_borrow_mut(|lent| lent.insert(base.as_ptr().addr(), reference));
        let segment = Segment::from_mapping(base, size, kind, Backing::Lent);
        segment.prepare();
        segment.u32_at(THREAD_AT).store(thread, Ordering::Relaxed);
        segment.u32_at(OWNERS_AT).store(1, Ordering::Relaxed);
        segment.u64_at(MAGIC_AT).store(MAGIC, Ordering::Release);
        Ok(segment)
    }
}

/// Runs `body` while the provider may ask the runtime for memory.
pub fn with_env<R>(env: sys::napi_env, body: impl FnOnce() -> R) -> R {
    let before = ENV.replace(env);
    let result = body();
    ENV.set(before);
    result
}

/// Begins the calling thread: its first segment's id. A second call of the same thread gives the same. Fails with
/// `KYMO_MEMORY_REFUSED` when not even anonymous memory is to be had.
#[napi(catch_unwind)]
pub fn attach_thread(env: Env, thread_id: u32, main: bool) -> Result<u32, CodedError> {
    let process = process()?;
    let attached = owner();
    let owner = match attached {
        Some(owner) => owner,
        None => {
            let role = if main { Role::Main } else { Role::Worker };
            let memory = process.registries.memory();
            let owner = loop {
                let owner = with_env(env.raw(), || memory.attach(role, thread_id))
                    .map_err(|why| coded("KYMO_MEMORY_REFUSED", why.to_string()))?;
                // An earlier thread's removed series: nobody here holds a handle to them.
                for removal in owner.take_removals() {
                    if let Some(metric) = process.registries.metric(removal.metric) {
                        metric.release(&owner, removal.series);
                    }
                }
                if process.mode == Mode::External || is_lent(memory, &owner) {
                    break owner;
                }
                // An ended thread's lent memory is a copy of ours by now, which this runtime does not take. Its values
                // stay; this thread asks for the next group, and gets one of its own in the end.
            };
            // SAFETY: a hook without data, of an addon that is never unloaded.
            unsafe { sys::napi_add_env_cleanup_hook(env.raw(), Some(detach), std::ptr::null_mut()) };
            OWNER.set(Some(Arc::clone(&owner)));
            owner
        }
    };
    owner
        .segments()
        .first()
        .copied()
        .ok_or_else(|| coded("KYMO_MEMORY_REFUSED", "no segment"))
}

/// True when the calling thread's runtime made all of the group's memory (M5).
fn is_lent(memory: &Memory, owner: &Owner) -> bool {
    let segments = owner.segments();
    LENT.with_borrow(|lent| {
        let made_here = |slot: &Slot| lent.contains_key(&slot.segment.base().addr());
        segments.iter().all(|id| memory.slot(*id).is_some_and(made_here))
    })
}

/// Runs when the thread's environment ends: a worker's end, a terminated worker, or the natural end of the process.
unsafe extern "C" fn detach(_: *mut c_void) {
    kymo_core::threads::guard(
        || {
            if let (Some(owner), Ok(process)) = (OWNER.take(), process()) {
                process.registries.retire(&owner);
            }
            LENT.take();
        },
        (),
    );
}

/// The buffer over a segment. Each call makes another `ArrayBuffer` over the same memory. Fails with
/// `KYMO_MEMORY_REFUSED` when the runtime refuses external buffers, or the segment is another thread's lent memory.
#[napi(catch_unwind, ts_return_type = "ArrayBuffer")]
pub fn segment_buffer(env: Env, id: u32) -> Result<Unknown<'static>, CodedError> {
    let process = process()?;
    let refused = |why: &str| coded("KYMO_MEMORY_REFUSED", why);
    let slot = process
        .registries
        .memory()
        .slot(id)
        .ok_or_else(|| refused("no such segment"))?;
    let base = slot.segment.base();
    let mut value = std::ptr::null_mut();
    let status = if process.mode == Mode::Internal {
        let reference = LENT.with_borrow(|lent| lent.get(&base.addr()).copied());
        let reference = reference.ok_or_else(|| refused("another thread's memory"))?;
        // SAFETY: a strong reference of this environment.
        unsafe { sys::napi_get_reference_value(env.raw(), reference, &mut value) }
    } else {
        // SAFETY: the mapping stays for the rest of the process (`Segment`), so there is nothing to finalize.
        unsafe {
            let size = slot.segment.size();
            sys::napi_create_external_arraybuffer(env.raw(), base.cast(), size, None, std::ptr::null_mut(), &mut value)
        }
    };
    if status != sys::Status::napi_ok {
        return Err(refused(&format!("status {status}")));
    }
    // SAFETY: a live value of the running call.
    unsafe { Unknown::from_napi_value(env.raw(), value) }.map_err(|error| refused(&error.reason))
}

/// True when this runtime lends its JS our memory; asked once, before `start`.
#[napi(catch_unwind)]
pub fn external_buffers_allowed(env: Env) -> bool {
    static PROBE: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
    let mut value = std::ptr::null_mut();
    // SAFETY: eight bytes that live as long as the addon, which is never unloaded.
    let status = unsafe {
        sys::napi_create_external_arraybuffer(
            env.raw(),
            PROBE.as_ptr().cast(),
            8,
            None,
            std::ptr::null_mut(),
            &mut value,
        )
    };
    status == sys::Status::napi_ok
}
