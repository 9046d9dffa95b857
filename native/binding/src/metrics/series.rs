//! The warm calls of metrics: registering and removing series, and what a hot path cannot do alone. App threads, in their own calls.

use crate::process::process;
use crate::raw::{Call, Callback};
use crate::thread::{owner, with_env};
use kymo_core::metrics::exemplars::Exemplar;
use kymo_core::metrics::labels::{push_pair, write_block};
use kymo_core::metrics::metric::{Metric, RegisterError};
use kymo_core::metrics::series::Location;
use napi::sys;
use std::sync::Arc;

/// Answers of `registerSeries` that are no location; the same numbers stand in `src/binding/native-metrics.ts`.
const NO_MEMORY: f64 = -1.0;
const TOO_LONG: f64 = -2.0;
const GONE: f64 = -3.0;
/// A location below `-OVERFLOW` is the overflow series': `-(location + OVERFLOW)`.
const OVERFLOW: f64 = 1024.0;

/// The warm calls.
pub const WARM: &[(&str, Callback)] = &[
    ("registerSeries", register_series),
    ("registerPairs", register_pairs),
    ("removeSeries", remove_series),
    ("removePairs", remove_pairs),
    ("limitBuckets", limit_buckets),
    ("drainSummary", drain_summary),
    ("setExemplar", set_exemplar),
    ("releaseSeries", release_series),
    ("copyString", copy_string),
];

fn metric(call: &Call) -> Option<Arc<Metric>> {
    process().ok()?.registries.metric(call.number(0) as u32)
}

fn block(call: &Call, metric: &Metric, from: usize) -> Option<Vec<u8>> {
    let values: Vec<String> = (from..call.len()).map(|at| call.text(at)).collect();
    let mut block = Vec::with_capacity(128);
    write_block(
        &metric.descriptor().label_names,
        values.iter().map(String::as_str),
        &mut block,
    )
    .ok()?;
    Some(block)
}

/// The block of names and values in turn, from argument `from` on.
fn pairs(call: &Call, from: usize) -> Option<Vec<u8>> {
    let mut block = Vec::with_capacity(128);
    for at in (from..call.len()).step_by(2) {
        push_pair(&call.text(at), &call.text(at + 1), &mut block).ok()?;
    }
    Some(block)
}

fn register(
    env: sys::napi_env,
    info: sys::napi_callback_info,
    block: impl Fn(&Call, &Metric) -> Option<Vec<u8>>,
) -> sys::napi_value {
    // SAFETY: the runtime's own arguments of the callback that calls this.
    let call = unsafe { Call::new(env, info) };
    let answer = kymo_core::threads::guard(
        || {
            let (Some(metric), Some(owner)) = (metric(&call), owner()) else {
                return GONE;
            };
            let Some(block) = block(&call, &metric) else {
                return TOO_LONG;
            };
            match with_env(env, || metric.register(&owner, &block)) {
                Ok(registered) if registered.overflow => -(registered.location.0 as f64 + OVERFLOW),
                Ok(registered) => registered.location.0 as f64,
                Err(RegisterError::Memory(_)) => NO_MEMORY,
                Err(RegisterError::Gone) => GONE,
            }
        },
        GONE,
    );
    call.give(answer)
}

/// `registerSeries(metric, ...values): number` - the location `segment * 2^32 + cell`, a negative reason, or the overflow
/// series' location (see [`OVERFLOW`]).
unsafe extern "C" fn register_series(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    register(env, info, |call, metric| block(call, metric, 1))
}

/// `registerPairs(metric, ...namesAndValues): number` - as `registerSeries`, with the labels in the order given.
unsafe extern "C" fn register_pairs(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    register(env, info, |call, _| pairs(call, 1))
}

fn remove(
    env: sys::napi_env,
    info: sys::napi_callback_info,
    block: impl Fn(&Call, &Metric) -> Option<Vec<u8>>,
) -> sys::napi_value {
    // SAFETY: the runtime's own arguments of the callback that calls this.
    let call = unsafe { Call::new(env, info) };
    let answer = kymo_core::threads::guard(
        || {
            let metric = metric(&call)?;
            let block = block(&call, &metric)?;
            metric.remove(owner().as_ref(), &block, call.boolean(1))
        },
        None,
    );
    call.give(answer.map_or(-1.0, f64::from))
}

/// `removeSeries(metric, held, ...values): number` - the slot of the series, or -1 when it was not shown.
unsafe extern "C" fn remove_series(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    remove(env, info, |call, metric| block(call, metric, 2))
}

/// `removePairs(metric, held, ...namesAndValues): number` - as `removeSeries`.
unsafe extern "C" fn remove_pairs(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    remove(env, info, |call, _| pairs(call, 2))
}

/// Arguments 1 and 2: segment and cell.
fn location(call: &Call) -> Location {
    Location::new(call.number(1) as u32, call.number(2) as u32)
}

fn at_location(
    env: sys::napi_env,
    info: sys::napi_callback_info,
    act: impl Fn(&Call, &Metric, Location),
) -> sys::napi_value {
    // SAFETY: the runtime's own arguments of the callback that calls this.
    let call = unsafe { Call::new(env, info) };
    let known = kymo_core::threads::guard(
        || {
            metric(&call)
                .map(|metric| act(&call, &metric, location(&call)))
                .is_some()
        },
        false,
    );
    call.give(f64::from(u8::from(known)))
}

/// `limitBuckets(metric, segment, cell): number` - makes room for a bucket; 1 when the metric is known.
unsafe extern "C" fn limit_buckets(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    at_location(env, info, |_, metric, location| {
        if let Some(owner) = owner() {
            metric.limit_buckets(&owner, location);
        }
    })
}

/// `drainSummary(metric, segment, cell): number` - takes raw values over; 1 when the metric is known.
unsafe extern "C" fn drain_summary(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    at_location(env, info, |_, metric, location| metric.drain(location))
}

/// `setExemplar(metric, segment, cell, bucket, value, timestampMs, ...namesAndValues): number`
unsafe extern "C" fn set_exemplar(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    at_location(env, info, |call, metric, location| {
        let Some(labels) = pairs(call, 6) else { return };
        let exemplar = Exemplar {
            bucket: call.number(3) as u32,
            labels: labels.into(),
            value: call.number(4),
            timestamp_ms: call.number(5) as u64,
        };
        metric.keep_exemplar(location, exemplar);
    })
}

/// `releaseSeries(metric, slot): number` - 1 when the place was given back.
unsafe extern "C" fn release_series(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    // SAFETY: the runtime's own arguments of this callback.
    let call = unsafe { Call::new(env, info) };
    let released = || Some(metric(&call)?.release(&owner()?, call.number(1) as u32));
    call.give(f64::from(u8::from(
        kymo_core::threads::guard(released, None) == Some(true),
    )))
}

/// `copyString(text): string` - the same characters in memory of their own: a slice would keep its parent alive.
unsafe extern "C" fn copy_string(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    // SAFETY: the runtime's own arguments of this callback.
    let call = unsafe { Call::new(env, info) };
    call.copied(0)
}
