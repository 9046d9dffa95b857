//! The log ring of a thread, and what its warm calls do by the record's level. App threads.
use super::{known_logs, logs};
use crate::process::{Mode, process};
use crate::raw::{CodedError, coded};
use crate::ring::{Attachment, lend, rings_of};
use kymo_core::logs::Logs;
use kymo_core::ring::rings::OpenRing;
use napi::Env;
use napi_derive::napi;
use std::sync::Arc;

/// Which ring to open.
#[napi(object)]
pub struct LogRingOptions {
    /// Bytes, a power of two.
    pub size_bytes: u32,
    /// Node's thread id.
    pub thread_id: u32,
}

/// Opens the calling thread's log ring. Fails with `KYMO_RING_OPEN`.
#[napi(catch_unwind)]
pub fn log_ring_open(env: Env, options: LogRingOptions) -> Result<Attachment<'static>, CodedError> {
    let process = process()?;
    let rings = rings_of(process);
    let open = logs()?
        .open_ring(rings, options.size_bytes, options.thread_id)
        .map_err(|why| coded("KYMO_RING_OPEN", why.to_string()))?;
    lend(env, rings, &open, process.mode == Mode::External)
}

/// The process's logs when the ring is one of theirs: its records are dropped and counted by their level.
pub fn logs_of(open: &OpenRing) -> Option<&'static Arc<Logs>> {
    open.is_of_logs().then(known_logs).flatten()
}

/// Counts lines of a level that a thread without a ring lost.
#[napi(catch_unwind)]
pub fn log_lost(level: u32, lines: f64) {
    if let Ok(logs) = logs() {
        logs.losses().count(level as u16, "no_memory", lines as u64);
    }
}
