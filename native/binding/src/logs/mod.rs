//! Logs for JS: the ring of a thread, and where its records go. App threads; cold, but for the ring's own warm calls.

pub mod ring;
mod scrub;

use crate::process::process;
use crate::raw::{CodedError, coded};
use kymo_core::logs::Logs;
use std::sync::{Arc, OnceLock};

static LOGS: OnceLock<Option<Arc<Logs>>> = OnceLock::new();

/// The process's logs, made when somebody asks first. Fails with `KYMO_RING_OPEN` where the process has no collector thread.
pub fn logs() -> Result<&'static Arc<Logs>, CodedError> {
    let process = process()?;
    let logs = LOGS.get_or_init(|| {
        let collector = process.collector.as_deref()?.clone();
        Some(Logs::new(collector))
    });
    logs.as_ref()
        .ok_or_else(|| coded("KYMO_RING_OPEN", "the process has no collector thread"))
}

/// The process's logs, once there are any.
pub fn known_logs() -> Option<&'static Arc<Logs>> {
    LOGS.get()?.as_ref()
}
