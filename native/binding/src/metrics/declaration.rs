//! A metric's declaration as JS gives it.

use crate::raw::{CodedError, coded};
use kymo_core::metrics::descriptor::{Aggregate, Descriptor};
use kymo_core::metrics::metric::Kind;
use kymo_core::metrics::native_histogram::NativeOptions;
use kymo_core::metrics::summary::SummaryOptions;
use napi::bindgen_prelude::Float64Array;
use napi_derive::napi;

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

pub(super) fn descriptor_of(declaration: MetricDeclaration) -> Result<Descriptor, CodedError> {
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
