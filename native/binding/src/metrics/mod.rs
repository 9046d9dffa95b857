//! Metrics for JS: registries, declarations, limits, values. Cold calls from app threads.

mod declaration;
mod series;
mod sweep;

pub use series::WARM;
pub use sweep::sweeping;

use crate::process::{process, registry};
use crate::raw::{CodedError, coded};
use crate::thread::owner;
use declaration::{MetricDeclaration, descriptor_of};
use kymo_core::metrics::cardinality::report;
use kymo_core::metrics::description::describe;
use kymo_core::metrics::labels::{read_block, write_block};
use kymo_core::metrics::metric::Metric;
use kymo_core::metrics::registry::Conflict;
use kymo_core::metrics::snapshot::{snapshot, snapshot_of};
use napi_derive::napi;
use std::sync::Arc;

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
