//! What becomes of held lines once the spans of their trace tell: decided on the collector, so that no span costs its thread anything.

use super::known_logs;
use crate::traces::traces;
use kymo_core::traces::host::TraceOutcome;
use napi_derive::napi;

/// Has spans decide about held lines: one that fails releases those of its trace, a local root that ends well lets them be forgotten.
#[napi(catch_unwind)]
pub fn log_follow_traces(follow: bool) {
    traces().follow(follow.then(|| {
        let tell = |trace: [u8; 16], outcome: TraceOutcome| {
            let Some(logs) = known_logs() else { return };
            match outcome {
                TraceOutcome::Failed => logs.release_trace(trace),
                TraceOutcome::Ended(at_ms) => logs.forget_trace_until(trace, at_ms),
            }
        };
        Box::new(tell) as Box<_>
    }));
}
