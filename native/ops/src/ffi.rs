//! The C interface of the engine (`shim/engine.h`) and almost all unsafe code of this crate. Ops thread, but for [`Waker`].

use std::ffi::c_void;
use std::os::fd::{IntoRawFd, OwnedFd};
use std::ptr::{self, NonNull};
use std::sync::Arc;
use std::time::Duration;

use kymo_core::threads::guard;

use crate::policy::Head;
use crate::response::SharedPage;

#[repr(C)]
#[derive(Clone, Copy)]
struct Text {
    data: *const u8,
    length: usize,
}

impl Text {
    fn new(bytes: &[u8]) -> Self {
        Text {
            data: bytes.as_ptr(),
            length: bytes.len(),
        }
    }

    /// # Safety
    /// The bytes must live for `'a`.
    unsafe fn bytes<'a>(self) -> &'a [u8] {
        if self.length == 0 {
            return &[];
        }
        // SAFETY: the caller's promise; the shim passes a pointer into its receive buffer, or into `data`. Attacked by
        // tests/malformed.rs, whose requests have empty parts and parts at the end of the buffer.
        unsafe { std::slice::from_raw_parts(self.data, self.length) }
    }
}

#[repr(C)]
#[derive(Clone, Copy)]
struct Field {
    name: Text,
    value: Text,
}

#[repr(C)]
struct Request {
    method: Text,
    target: Text,
    fields: *const Field,
    field_count: usize,
    head_bytes: usize,
    minor_version: u32,
}

#[repr(C)]
struct Response {
    status: Text,
    fields: *const Field,
    field_count: usize,
    body: Text,
    body_owner: *mut c_void,
    release: Option<unsafe extern "C" fn(*mut c_void)>,
    flags: u32,
}

const CLOSE: u32 = 1;
const HEAD_ONLY: u32 = 2;
const NO_LENGTH: u32 = 4;

#[repr(C)]
struct Callbacks {
    user: *mut c_void,
    on_started: unsafe extern "C" fn(*mut c_void, *mut RawEngine),
    on_request: unsafe extern "C" fn(*mut c_void, u64, *const Request),
    on_finished: unsafe extern "C" fn(*mut c_void, u64, bool, u64),
    on_wake: unsafe extern "C" fn(*mut c_void),
    on_timer: unsafe extern "C" fn(*mut c_void),
    on_event: unsafe extern "C" fn(*mut c_void, u32, u64),
}

#[repr(C)]
struct RawOptions {
    listen_descriptor: i32,
    max_connections: u32,
    header_seconds: u32,
    idle_seconds: u32,
    header_ms: u32,
    response_ms: u32,
    send_buffer_bytes: u32,
}

// shim/engine.cpp asserts the same numbers.
#[cfg(target_pointer_width = "64")]
const _: () = {
    assert!(size_of::<Request>() == 64 && size_of::<Response>() == 72 && size_of::<Callbacks>() == 56);
    assert!(size_of::<RawOptions>() == 28);
};

#[repr(C)]
struct RawEngine {
    _private: [u8; 0],
}

#[repr(C)]
struct RawWaker {
    _private: [u8; 0],
}

unsafe extern "C" {
    fn kymo_waker_new() -> *mut RawWaker;
    fn kymo_waker_free(waker: *mut RawWaker);
    fn kymo_waker_wake(waker: *mut RawWaker);
    fn kymo_engine_run(options: *const RawOptions, callbacks: *const Callbacks, waker: *mut RawWaker) -> i32;
    fn kymo_engine_answer(engine: *mut RawEngine, exchange: u64, response: *const Response);
    fn kymo_engine_set_timer(engine: *mut RawEngine, ms: u32);
    fn kymo_engine_stop(engine: *mut RawEngine);
    fn kymo_engine_close_all(engine: *mut RawEngine);
    fn kymo_engine_inject_fault(engine: *mut RawEngine);
}

/// Limits of the engine, see `KymoOptions`.
pub(crate) struct Options {
    pub max_connections: u32,
    pub header_seconds: u32,
    pub idle_seconds: u32,
    pub header_ms: u32,
    pub response_ms: u32,
    pub send_buffer_bytes: u32,
}

/// What happened without a request, see `KymoEvent`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    Opened,
    Closed,
    RefusedLimit,
    RefusedDescriptors,
    Parser400,
    Parser431,
    Parser505,
    TimedOut,
}

const EVENTS: [Event; 8] = [
    Event::Opened,
    Event::Closed,
    Event::RefusedLimit,
    Event::RefusedDescriptors,
    Event::Parser400,
    Event::Parser431,
    Event::Parser505,
    Event::TimedOut,
];

/// How a run ended, see `KymoEnd`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Stopped,
    NoDescriptors,
    NoListener,
    Fault,
}

/// The ops thread's side of the engine. No call may wait; a panic is caught, and `panicked` called.
pub(crate) trait Handler {
    fn started(&self, engine: Engine);
    fn request(&self, exchange: u64, head: &Head<'_>);
    fn finished(&self, exchange: u64, complete: bool, body_bytes: u64);
    fn woken(&self);
    /// The time given to [`Engine::set_timer`] is over.
    fn timer(&self);
    fn event(&self, event: Event, count: u64);
    /// `exchange` is the one whose request was being handled.
    fn panicked(&self, exchange: Option<u64>);
}

/// The running engine; valid until [`run`] returns, and not Send, so it stays on the ops thread.
#[derive(Clone, Copy)]
pub(crate) struct Engine(NonNull<RawEngine>);

/// The body of an answer.
pub(crate) enum Content<'a> {
    /// 204: no body, no length.
    None,
    /// Sent in pieces, kept alive until the last one.
    Shared(&'a Arc<SharedPage>),
    /// Lives as long as the server.
    Static(&'static [u8]),
}

/// One answer.
pub(crate) struct Answer<'a> {
    pub status: &'a str,
    pub fields: &'a [(&'a str, &'a str)],
    pub content: Content<'a>,
    pub head_only: bool,
    pub close: bool,
}

impl Engine {
    /// Answers `exchange`; does nothing if that is over. The head is copied before this returns.
    pub fn answer(self, exchange: u64, answer: &Answer<'_>) {
        let fields: Vec<Field> = answer
            .fields
            .iter()
            .map(|(name, value)| Field {
                name: Text::new(name.as_bytes()),
                value: Text::new(value.as_bytes()),
            })
            .collect();
        let (body, body_owner) = match answer.content {
            Content::None => (&[][..], ptr::null_mut()),
            Content::Static(bytes) => (bytes, ptr::null_mut()),
            Content::Shared(page) => (
                &page.page.body.bytes[..],
                Arc::into_raw(Arc::clone(page)).cast_mut().cast::<c_void>(),
            ),
        };
        let mut flags = 0;
        flags |= if answer.close { CLOSE } else { 0 };
        flags |= if answer.head_only { HEAD_ONLY } else { 0 };
        flags |= if matches!(answer.content, Content::None) {
            NO_LENGTH
        } else {
            0
        };
        let response = Response {
            status: Text::new(answer.status.as_bytes()),
            fields: fields.as_ptr(),
            field_count: fields.len(),
            body: Text::new(body),
            body_owner,
            release: Some(release_page),
            flags,
        };
        // SAFETY: the engine lives (see `Engine`); the body lives until `release_page`, which the shim calls exactly once
        // (RAII, `kymo::Body`). Attacked by tests/slow_readers.rs: clients that vanish in the middle of a shared body.
        unsafe { kymo_engine_answer(self.0.as_ptr(), exchange, &raw const response) };
    }

    /// Has [`Handler::timer`] called once after `delay`, rounded up to milliseconds; replaces the delay set before.
    pub fn set_timer(self, delay: Duration) {
        let ms = u32::try_from(delay.as_millis()).unwrap_or(u32::MAX).saturating_add(1);
        // SAFETY: the engine lives (see `Engine`) and owns the timer; tests/limits.rs lets renders hang.
        unsafe { kymo_engine_set_timer(self.0.as_ptr(), ms) };
    }

    pub fn stop(self) {
        // SAFETY: as above; tests/lifecycle.rs stops under load.
        unsafe { kymo_engine_stop(self.0.as_ptr()) };
    }

    pub fn close_all(self) {
        // SAFETY: as above.
        unsafe { kymo_engine_close_all(self.0.as_ptr()) };
    }

    pub fn inject_fault(self) {
        // SAFETY: as above; the exception is caught in the shim, tests/faults.rs.
        unsafe { kymo_engine_inject_fault(self.0.as_ptr()) };
    }
}

unsafe extern "C" fn release_page(owner: *mut c_void) {
    // SAFETY: `owner` came from `Arc::into_raw` in `Engine::answer` and is released once.
    drop(unsafe { Arc::from_raw(owner.cast_const().cast::<SharedPage>()) });
}

/// Wakes the ops thread from any thread; does nothing before its start and after its end.
pub(crate) struct Waker(NonNull<RawWaker>);

// SAFETY: the shim guards its content by a mutex; tests/lifecycle.rs wakes from render threads while servers stop.
unsafe impl Send for Waker {}
// SAFETY: as above.
unsafe impl Sync for Waker {}

impl Waker {
    pub fn new() -> Option<Self> {
        // SAFETY: no precondition.
        NonNull::new(unsafe { kymo_waker_new() }).map(Waker)
    }

    pub fn wake(&self) {
        // SAFETY: freed by drop only.
        unsafe { kymo_waker_wake(self.0.as_ptr()) };
    }
}

impl Drop for Waker {
    fn drop(&mut self) {
        // SAFETY: `run` borrows the waker, so no engine uses it any more.
        unsafe { kymo_waker_free(self.0.as_ptr()) };
    }
}

/// Runs the engine on this thread until it is stopped and its connections are closed. Owns `listener`.
pub(crate) fn run<H: Handler>(listener: OwnedFd, options: &Options, handler: &H, waker: &Waker) -> End {
    let raw = RawOptions {
        listen_descriptor: listener.into_raw_fd(),
        max_connections: options.max_connections,
        header_seconds: options.header_seconds,
        idle_seconds: options.idle_seconds,
        header_ms: options.header_ms,
        response_ms: options.response_ms,
        send_buffer_bytes: options.send_buffer_bytes,
    };
    let callbacks = Callbacks {
        user: ptr::from_ref(handler).cast_mut().cast::<c_void>(),
        on_started: on_started::<H>,
        on_request: on_request::<H>,
        on_finished: on_finished::<H>,
        on_wake: on_wake::<H>,
        on_timer: on_timer::<H>,
        on_event: on_event::<H>,
    };
    // SAFETY: handler and waker are borrowed until the engine has returned; it calls back on this thread only.
    match unsafe { kymo_engine_run(&raw const raw, &raw const callbacks, waker.0.as_ptr()) } {
        0 => End::Stopped,
        1 => End::NoDescriptors,
        2 => End::NoListener,
        _ => End::Fault,
    }
}

/// Calls `body`; no panic crosses into C++.
///
/// # Safety
/// `user` is the handler of the running [`run`].
unsafe fn with_handler<H: Handler>(user: *mut c_void, exchange: Option<u64>, body: impl FnOnce(&H)) {
    // SAFETY: the caller's promise; only shared references are ever made of it.
    let handler = unsafe { &*user.cast_const().cast::<H>() };
    let fine = || {
        body(handler);
        true
    };
    if !guard(fine, false) {
        guard(|| handler.panicked(exchange), ());
    }
}

unsafe extern "C" fn on_started<H: Handler>(user: *mut c_void, engine: *mut RawEngine) {
    if let Some(engine) = NonNull::new(engine) {
        // SAFETY: called by the engine that `run` started, with its `user`.
        unsafe { with_handler::<H>(user, None, |h| h.started(Engine(engine))) };
    }
}

unsafe extern "C" fn on_request<H: Handler>(user: *mut c_void, exchange: u64, request: *const Request) {
    // SAFETY: the shim passes a request on its stack, whose parts live until this returns.
    let request = unsafe { &*request };
    let fields = if request.field_count == 0 {
        &[]
    } else {
        // SAFETY: as above; `field_count` entries were written.
        unsafe { std::slice::from_raw_parts(request.fields, request.field_count) }
    };
    // SAFETY: as above, for each text.
    let fields: Vec<_> = fields
        .iter()
        .map(|f| unsafe { (f.name.bytes(), f.value.bytes()) })
        .collect();
    let head = Head {
        // SAFETY: as above.
        method: unsafe { request.method.bytes() },
        // SAFETY: as above.
        target: unsafe { request.target.bytes() },
        fields: &fields,
        bytes: request.head_bytes,
        minor_version: request.minor_version,
    };
    // SAFETY: as in `on_started`.
    unsafe { with_handler::<H>(user, Some(exchange), |h| h.request(exchange, &head)) };
}

unsafe extern "C" fn on_finished<H: Handler>(user: *mut c_void, exchange: u64, complete: bool, body_bytes: u64) {
    // SAFETY: as in `on_started`.
    unsafe { with_handler::<H>(user, None, |h| h.finished(exchange, complete, body_bytes)) };
}

unsafe extern "C" fn on_wake<H: Handler>(user: *mut c_void) {
    // SAFETY: as in `on_started`.
    unsafe { with_handler::<H>(user, None, H::woken) };
}

unsafe extern "C" fn on_timer<H: Handler>(user: *mut c_void) {
    // SAFETY: as in `on_started`.
    unsafe { with_handler::<H>(user, None, H::timer) };
}

unsafe extern "C" fn on_event<H: Handler>(user: *mut c_void, event: u32, count: u64) {
    if let Some(event) = EVENTS.get(event as usize) {
        // SAFETY: as in `on_started`.
        unsafe { with_handler::<H>(user, None, |h| h.event(*event, count)) };
    }
}
