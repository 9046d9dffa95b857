//! Logs for JS: the ring of a thread, and where its records go. App threads; cold, but for the ring's own warm calls.

pub mod delivery;
pub mod format;
mod outcomes;
mod records;
pub mod ring;
mod scrub;
mod sinks;

use crate::process::process;
use crate::raw::{CodedError, coded};
use kymo_core::logs::Logs;
use kymo_core::logs::notice::tell;
use kymo_core::metrics::self_metrics::SELF_REGISTRY;
use std::sync::{Arc, OnceLock};

static LOGS: OnceLock<Option<Arc<Logs>>> = OnceLock::new();

/// The process's logs, made when somebody asks first. Fails with `KYMO_RING_OPEN` where the process has no collector thread.
pub fn logs() -> Result<&'static Arc<Logs>, CodedError> {
    let process = process()?;
    let logs = LOGS.get_or_init(|| {
        let logs = Logs::new(process.collector.as_deref()?.clone());
        let own = process.registries.open(Some(SELF_REGISTRY));
        own.attach(Arc::clone(&logs) as Arc<_>);
        Some(logs)
    });
    logs.as_ref()
        .ok_or_else(|| coded("KYMO_RING_OPEN", "the process has no collector thread"))
}

/// The process's logs, once there are any.
pub fn known_logs() -> Option<&'static Arc<Logs>> {
    LOGS.get()?.as_ref()
}

/// At the end of the process, once nobody drains any more: says on stderr which lines were not delivered.
pub fn tell_what_is_left() {
    if let (Some(logs), Ok(process)) = (known_logs(), process())
        && let Some(left) = logs.left_behind(process.store.keeps_lines())
    {
        tell(&left);
    }
}
