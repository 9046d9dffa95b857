//! Metrics for JS: declarations, series, removal, text. Raw calls where an application may come often. App threads.

use crate::process::{process, registry};
use crate::raw::{Call, Callback, CodedError, coded};
use crate::sweep::sweeping;
use crate::thread::{owner, with_env};
use kymo_core::metrics::cardinality::report;
use kymo_core::metrics::description::describe;
use kymo_core::metrics::descriptor::{Aggregate, Descriptor};
use kymo_core::metrics::exemplars::Exemplar;
use kymo_core::metrics::labels::{push_pair, read_block, write_block};
use kymo_core::metrics::metric::{Kind, Metric, RegisterError};
use kymo_core::metrics::native_histogram::NativeOptions;
use kymo_core::metrics::registry::Conflict;
use kymo_core::metrics::series::Location;
use kymo_core::metrics::snapshot::{snapshot, snapshot_of};
use kymo_core::metrics::summary::SummaryOptions;
use napi::bindgen_prelude::Float64Array;
use napi::sys;
use napi_derive::napi;
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

/// Opens the registry of that name, or a new one without a name. A `lenient` one refuses equal names only.
#[napi(catch_unwind)]
pub fn open_registry(name: Option<String>, lenient: Option<bool>) -> Result<u32, CodedError> {
    let lenient = lenient.unwrap_or_default();
    Ok(process()?.registries.open_with(name.as_deref(), lenient).id())
}

/// Labels of every series of a registry that has none of that name: names and values in turn.
#[napi(catch_unwind)]
pub fn set_default_labels(registry_id: u32, pairs: Vec<String>) -> Result<(), CodedError> {
    let labels = pairs
        .chunks_exact(2)
        .map(|pair| (pair[0].as_str().into(), pair[1].as_str().into()));
    registry(registry_id)?.set_default_labels(labels.collect());
    Ok(())
}

/// A histogram's exponential buckets.
#[napi(object)]
pub struct NativeDeclaration {
    /// In [-4, 8].
    pub schema: i32,
    /// Finite, not negative.
    pub zero_threshold: f64,
    /// In use at most.
    pub max_buckets: u32,
    /// 0 = never.
    pub min_reset_ms: f64,
    /// Up to here the zero bucket may be widened.
    pub max_zero_threshold: f64,
}

/// A summary's window.
#[napi(object)]
pub struct SummaryDeclaration {
    /// Each in [0, 1].
    pub quantiles: Float64Array,
    /// Length of the window.
    pub max_age_ms: f64,
    /// Parts of the window.
    pub age_buckets: u32,
    /// Of a quantile's value.
    pub relative_error: f64,
    /// JS writes the quantiles itself.
    pub external: bool,
}

/// A declaration, checked by the caller.
#[napi(object)]
pub struct MetricDeclaration {
    /// Full name.
    pub name: String,
    /// Help text.
    pub help: String,
    /// Base unit.
    pub unit: Option<String>,
    /// 1 counter, 2 gauge, 3 histogram, 4 summary, 5 info, 6 state set.
    pub kind: u32,
    /// Label names.
    pub label_names: Vec<String>,
    /// Upper bounds without +Inf, ascending.
    pub bounds: Option<Float64Array>,
    /// How threads' values of a gauge become one: 0 sum, 1 last, 2 min, 3 max, 4 avg.
    pub aggregate: Option<u32>,
    /// The same as `aggregate: 1`.
    pub last: Option<bool>,
    /// Exponential buckets of a histogram.
    pub native: Option<NativeDeclaration>,
    /// Of a summary.
    pub summary: Option<SummaryDeclaration>,
    /// Of a state set.
    pub states: Option<Vec<String>>,
}

fn boxed(texts: Vec<String>) -> Box<[Box<str>]> {
    texts.into_iter().map(String::into_boxed_str).collect()
}

fn descriptor_of(declaration: MetricDeclaration) -> Result<Descriptor, CodedError> {
    let kind = Kind::from_code(declaration.kind).ok_or_else(|| coded("KYMO_METRICS_UNKNOWN", "kind"))?;
    let last = u32::from(declaration.last == Some(true));
    let aggregate = Aggregate::from_code(declaration.aggregate.unwrap_or(last))
        .ok_or_else(|| coded("KYMO_METRICS_UNKNOWN", "aggregate"))?;
    Ok(Descriptor {
        name: declaration.name.into(),
        help: declaration.help.into(),
        unit: declaration.unit.unwrap_or_default().into(),
        kind,
        label_names: boxed(declaration.label_names),
        bounds: declaration
            .bounds
            .map(|bounds| bounds.to_vec())
            .unwrap_or_default()
            .into(),
        aggregate,
        native: declaration.native.map(|native| NativeOptions {
            schema: native.schema.clamp(-4, 8) as i8,
            zero_threshold: native.zero_threshold,
            max_buckets: native.max_buckets,
            min_reset_ms: native.min_reset_ms as u64,
            max_zero_threshold: native.max_zero_threshold,
        }),
        summary: declaration.summary.map(|summary| SummaryOptions {
            quantiles: summary.quantiles.to_vec().into(),
            max_age_ms: summary.max_age_ms as u64,
            age_buckets: summary.age_buckets,
            relative_error: summary.relative_error,
            external: summary.external,
        }),
        states: boxed(declaration.states.unwrap_or_default()),
    })
}

fn conflict(conflict: Conflict) -> CodedError {
    coded("KYMO_METRICS_CONFLICT", conflict.existing)
}

/// Declares a metric and gives its process-wide id; with a registry of -1 it is in none yet, and records all the same. Fails
/// with `KYMO_METRICS_CONFLICT`.
#[napi(catch_unwind)]
pub fn declare_metric(registry_id: i32, declaration: MetricDeclaration) -> Result<u32, CodedError> {
    let descriptor = descriptor_of(declaration)?;
    let window = descriptor.summary.as_ref().is_some_and(|summary| !summary.external);
    if window || descriptor.native.is_some_and(|native| native.min_reset_ms > 0) {
        sweeping();
    }
    let registries = &process()?.registries;
    let Ok(id) = u32::try_from(registry_id) else {
        return Ok(registries.declare_alone(descriptor).id());
    };
    let declared = registries.declare(&*registry(id)?, descriptor);
    declared.map(|metric| metric.id()).map_err(conflict)
}

fn metric_of(id: u32) -> Result<Arc<Metric>, CodedError> {
    let found = process()?.registries.metric(id);
    found.ok_or_else(|| coded("KYMO_METRICS_UNKNOWN", format!("metric {id}")))
}

/// Puts a metric into one more registry. Fails with `KYMO_METRICS_CONFLICT`.
#[napi(catch_unwind)]
pub fn adopt_metric(registry_id: u32, metric: u32) -> Result<(), CodedError> {
    let adopted = process()?
        .registries
        .adopt(&*registry(registry_id)?, &metric_of(metric)?);
    adopted.map_err(conflict)
}

/// Series at most, and ms without a change after which one is hidden (0 = never).
#[napi(catch_unwind)]
pub fn set_limits(metric: u32, max_series: u32, idle_ms: f64) -> Result<(), CodedError> {
    metric_of(metric)?.limits().set(max_series, idle_ms as u64);
    if idle_ms > 0.0 {
        sweeping();
    }
    Ok(())
}

/// What a registry holds and which labels explode, as JSON; see `native/core/src/metrics/cardinality.rs`.
#[napi(catch_unwind)]
pub fn cardinality(registry_id: u32) -> Result<String, CodedError> {
    Ok(report(&[&*registry(registry_id)?]))
}

/// The declaration of a metric as JSON; see `native/core/src/metrics/description.rs`.
#[napi(catch_unwind)]
pub fn describe_metric(metric: u32) -> Result<String, CodedError> {
    Ok(describe(&*metric_of(metric)?))
}

/// The values of one metric as JSON; see `native/core/src/metrics/snapshot.rs`.
#[napi(catch_unwind)]
pub fn snapshot_metric(metric: u32) -> Result<String, CodedError> {
    Ok(snapshot_of(&*metric_of(metric)?))
}

/// The quantile `q` of what a summary observed within its window: of the series with these label values, or of all. NaN when
/// there is nothing.
#[napi(catch_unwind)]
pub fn quantile_of_summary(metric: u32, q: f64, values: Option<Vec<String>>) -> Result<f64, CodedError> {
    let metric = metric_of(metric)?;
    let Some(values) = values else {
        return Ok(metric.quantile(q, None));
    };
    let mut block = Vec::with_capacity(128);
    let names = &metric.descriptor().label_names;
    // A value that is too long for a series has none.
    let written = write_block(names, values.iter().map(String::as_str), &mut block);
    Ok(written.map_or(f64::NAN, |()| metric.quantile(q, Some(&block))))
}

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

/// What other threads removed: per series the metric, the slot and the label values.
#[napi(object)]
pub struct RemovedSeries {
    /// Metric id.
    pub metric: u32,
    /// Slot, for `releaseSeries`.
    pub series: u32,
    /// Label values in the order of the declaration.
    pub values: Vec<String>,
}

/// Series of the calling thread that other threads removed since the last call.
#[napi(catch_unwind)]
pub fn take_removed() -> Result<Vec<RemovedSeries>, CodedError> {
    let registries = &process()?.registries;
    let removals = owner().map(|owner| owner.take_removals()).unwrap_or_default();
    let with_values = removals.into_iter().filter_map(|removal| {
        let values = registries.metric(removal.metric)?.block_of(removal.series)?;
        Some(RemovedSeries {
            metric: removal.metric,
            series: removal.series,
            values: read_block(&values),
        })
    });
    Ok(with_values.collect())
}

/// Sets all series of a metric to 0.
#[napi(catch_unwind)]
pub fn reset_metric(metric: u32) -> Result<(), CodedError> {
    if let Some(metric) = process()?.registries.metric(metric) {
        metric.reset(owner().as_ref());
    }
    Ok(())
}

/// Sets all series of all metrics of a registry to 0, whichever thread declared them.
#[napi(catch_unwind)]
pub fn reset_registry(registry_id: u32) -> Result<(), CodedError> {
    let owner = owner();
    registry(registry_id)?.for_each_metric(&mut |metric| metric.reset(owner.as_ref()));
    Ok(())
}

/// Id of the metric of that name in a registry, or -1.
#[napi(catch_unwind)]
pub fn find_metric(registry_id: u32, name: String) -> Result<f64, CodedError> {
    let found = registry(registry_id)?.get(&name);
    Ok(found.map_or(-1.0, |metric| f64::from(metric.id())))
}

/// Upper bounds of the histogram of that name without +Inf; empty for any other.
#[napi(catch_unwind)]
pub fn bounds_of_metric(registry_id: u32, name: String) -> Result<Vec<f64>, CodedError> {
    let found = registry(registry_id)?.get(&name);
    Ok(found.map_or_else(Vec::new, |metric| metric.bounds().to_vec()))
}

/// Takes a metric out of its registry; false if it was not in it.
#[napi(catch_unwind)]
pub fn unregister_metric(registry_id: u32, metric: u32) -> Result<bool, CodedError> {
    Ok(process()?.registries.unregister(&*registry(registry_id)?, metric))
}

/// Takes everything out of a registry.
#[napi(catch_unwind)]
pub fn clear_registry(registry_id: u32) -> Result<(), CodedError> {
    process()?.registries.clear(&*registry(registry_id)?);
    Ok(())
}

/// The calling thread's JS object of a metric was collected: if the metric is in no registry any more, its cells are free.
#[napi(catch_unwind)]
pub fn release_metric(metric: u32) -> Result<(), CodedError> {
    let registries = &process()?.registries;
    if let (Some(metric), Some(owner)) = (registries.metric(metric), owner())
        && metric.is_gone()
    {
        metric.release_all(&owner);
        registries.forget(metric.id());
    }
    Ok(())
}

/// The values of a registry as JSON; see `native/core/src/metrics/snapshot.rs`.
#[napi(catch_unwind)]
pub fn snapshot_registry(registry_id: u32) -> Result<String, CodedError> {
    Ok(snapshot(&*registry(registry_id)?))
}
