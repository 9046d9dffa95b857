//! Metrics for JS: declarations, series, removal, text. Raw calls where an application may come often. App threads.

use crate::process::{process, registry};
use crate::raw::{Call, Callback, CodedError, coded};
use crate::thread::{owner, with_env};
use kymo_core::metrics::descriptor::{Aggregate, Descriptor};
use kymo_core::metrics::exposition::{Format, RenderOptions, render_with};
use kymo_core::metrics::labels::{read_block, write_block};
use kymo_core::metrics::metric::{Kind, Metric, RegisterError};
use kymo_core::metrics::registry::Registry;
use kymo_core::metrics::snapshot::snapshot;
use napi::bindgen_prelude::{AsyncTask, Float64Array, Uint8Array};
use napi::{Env, Task, sys};
use napi_derive::napi;
use std::cell::RefCell;
use std::sync::Arc;

/// Answers of `registerSeries` that are no location; the same numbers stand in `src/binding/native-metrics.ts`.
const NO_MEMORY: f64 = -1.0;
const TOO_LONG: f64 = -2.0;
const GONE: f64 = -3.0;

/// The warm calls.
pub const WARM: &[(&str, Callback)] = &[
    ("registerSeries", register_series),
    ("removeSeries", remove_series),
    ("releaseSeries", release_series),
    ("copyString", copy_string),
];

/// Opens the registry of that name, or a new one without a name.
#[napi(catch_unwind)]
pub fn open_registry(name: Option<String>) -> Result<u32, CodedError> {
    Ok(process()?.registries.open(name.as_deref()).id())
}

/// A declaration, checked by the caller.
#[napi(object)]
pub struct MetricDeclaration {
    /// Full name.
    pub name: String,
    /// Help text.
    pub help: String,
    /// 1 counter, 2 gauge, 3 histogram.
    pub kind: u32,
    /// Label names.
    pub label_names: Vec<String>,
    /// Upper bounds without +Inf, ascending.
    pub bounds: Option<Float64Array>,
    /// A gauge with one cell for the process.
    pub last: bool,
}

/// Declares a metric and gives its process-wide id. Fails with `KYMO_METRICS_CONFLICT`.
#[napi(catch_unwind)]
pub fn declare_metric(registry_id: u32, declaration: MetricDeclaration) -> Result<u32, CodedError> {
    let kind = Kind::from_code(declaration.kind).ok_or_else(|| coded("KYMO_METRICS_UNKNOWN", "kind"))?;
    let descriptor = Descriptor {
        name: declaration.name.into(),
        help: declaration.help.into(),
        kind,
        label_names: declaration
            .label_names
            .into_iter()
            .map(String::into_boxed_str)
            .collect(),
        bounds: declaration
            .bounds
            .map(|bounds| bounds.to_vec())
            .unwrap_or_default()
            .into(),
        aggregate: if declaration.last {
            Aggregate::Last
        } else {
            Aggregate::Sum
        },
    };
    let registry = registry(registry_id)?;
    let declared = process()?.registries.declare(&registry, descriptor);
    declared
        .map(|metric| metric.id())
        .map_err(|conflict| coded("KYMO_METRICS_CONFLICT", conflict.existing))
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

/// `registerSeries(metric, ...values): number` - the location `segment * 2^32 + cell`, or a negative reason.
unsafe extern "C" fn register_series(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    // SAFETY: the runtime's own arguments of this callback.
    let call = unsafe { Call::new(env, info) };
    let answer = kymo_core::threads::guard(
        || {
            let (Some(metric), Some(owner)) = (metric(&call), owner()) else {
                return GONE;
            };
            let Some(block) = block(&call, &metric, 1) else {
                return TOO_LONG;
            };
            match with_env(env, || metric.register(&owner, &block)) {
                Ok(location) => location.0 as f64,
                Err(RegisterError::Memory(_)) => NO_MEMORY,
                Err(RegisterError::Gone) => GONE,
            }
        },
        GONE,
    );
    call.give(answer)
}

/// `removeSeries(metric, held, ...values): number` - the slot of the series, or -1 when it was not shown.
unsafe extern "C" fn remove_series(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    // SAFETY: the runtime's own arguments of this callback.
    let call = unsafe { Call::new(env, info) };
    let answer = kymo_core::threads::guard(
        || {
            let metric = metric(&call)?;
            let block = block(&call, &metric, 2)?;
            metric.remove(owner().as_ref(), &block, call.boolean(1))
        },
        None,
    );
    call.give(answer.map_or(-1.0, f64::from))
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

/// Appends what to render: registries by id, the format (0 text 0.0.4, 1 OpenMetrics 1.0.0), `_created` samples.
fn render_to(out: &mut Vec<u8>, ids: &[u32], format: u32, created: bool) -> Result<(), CodedError> {
    let registries = ids.iter().map(|id| registry(*id)).collect::<Result<Vec<_>, _>>()?;
    let registries: Vec<&Registry> = registries.iter().map(|registry| &**registry).collect();
    let format = if format == 1 {
        Format::OpenMetrics100
    } else {
        Format::Text004
    };
    render_with(&registries, RenderOptions { format, created }, out);
    Ok(())
}

fn rendered(ids: &[u32], format: u32, created: bool) -> Result<Vec<u8>, CodedError> {
    let mut out = Vec::new();
    render_to(&mut out, ids, format, created)?;
    Ok(out)
}

thread_local! {
    /// Text on its way into a caller's buffer; kept, so that a caller that comes again pays for no memory.
    static INTO: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Renders into `target` from its start and gives the length of the text in bytes. A text that is longer than `target`
/// writes nothing: the caller comes again with room for it.
#[napi(catch_unwind)]
pub fn render_into(
    registries: Vec<u32>,
    format: u32,
    created: bool,
    mut target: Uint8Array,
) -> Result<f64, CodedError> {
    INTO.with_borrow_mut(|text| {
        text.clear();
        render_to(text, &registries, format, created)?;
        // SAFETY: nothing else touches this memory during the call: JS runs on this thread, which is here, and a buffer that
        // is shared with other threads only ever sees text being written, as with `set`. Attacked by
        // test/metrics/render-into.test.ts.
        let target = unsafe { target.as_mut() };
        if let Some(room) = target.get_mut(..text.len()) {
            room.copy_from_slice(text);
        }
        Ok(text.len() as f64)
    })
}

/// Text bytes on their way to JS.
pub struct Text(Vec<u8>);

impl napi::bindgen_prelude::ToNapiValue for Text {
    unsafe fn to_napi_value(env: sys::napi_env, value: Self) -> napi::Result<sys::napi_value> {
        Ok(crate::raw::text_value(env, &value.0))
    }
}

impl napi::bindgen_prelude::TypeName for Text {
    fn type_name() -> &'static str {
        "string"
    }

    fn value_type() -> napi::ValueType {
        napi::ValueType::String
    }
}

/// Renders on the calling thread.
#[napi(catch_unwind, ts_return_type = "string")]
pub fn render_sync(registries: Vec<u32>, format: u32, created: bool) -> Result<Text, CodedError> {
    rendered(&registries, format, created).map(Text)
}

/// A render on a thread of the pool.
pub struct RenderTask {
    registries: Vec<u32>,
    format: u32,
    created: bool,
}

impl Task for RenderTask {
    type Output = Vec<u8>;
    type JsValue = Text;

    fn compute(&mut self) -> napi::Result<Vec<u8>> {
        rendered(&self.registries, self.format, self.created)
            .map_err(|error| napi::Error::from_reason(error.reason.clone()))
    }

    fn resolve(&mut self, _: Env, output: Vec<u8>) -> napi::Result<Text> {
        Ok(Text(output))
    }
}

/// Renders off the calling thread; the loop pays only for the copy into a string.
#[napi(catch_unwind, ts_return_type = "Promise<string>")]
pub fn render_async(registries: Vec<u32>, format: u32, created: bool) -> AsyncTask<RenderTask> {
    AsyncTask::new(RenderTask {
        registries,
        format,
        created,
    })
}
