//! Rules of tail sampling from JS, which has checked and completed them. App threads; cold.

use super::values;
use kymo_core::traces::tail::{AttributeRule, Condition, Share, SlowRule, TailRules};
use napi::bindgen_prelude::Unknown;
use napi_derive::napi;

/// See `NativeTailShare` in `src/binding/native-traces.ts`.
#[napi(object)]
pub struct ShareOptions {
    /// In [0, 1].
    pub ratio: f64,
    /// Per route; 0 = none.
    pub min_per_second: f64,
    /// Per route; Infinity = none.
    pub max_per_second: f64,
}

/// What an attribute must be: one of some values, or a number of at least this; present without either.
#[napi(object)]
pub struct AttributeOptions<'a> {
    /// Its name.
    pub key: String,
    /// Any of them.
    #[napi(ts_type = "unknown[]")]
    pub equals: Option<Vec<Unknown<'a>>>,
    /// A number not below it.
    pub at_least: Option<f64>,
    /// How many are kept.
    pub share: ShareOptions,
}

/// When a trace is slow.
#[napi(object)]
pub struct SlowOptions {
    /// In (0, 1).
    pub quantile: f64,
    /// Of the quantile.
    pub factor: f64,
    /// Traces of a route before it judges.
    pub min_count: u32,
    /// Nothing shorter is slow.
    pub min_duration_ms: f64,
    /// How many are kept.
    pub share: ShareOptions,
}

/// See `NativeTailRules` in `src/binding/native-traces.ts`.
#[napi(object)]
pub struct TailOptions<'a> {
    /// Of failed traces.
    pub errors: Option<ShareOptions>,
    /// In the order in which they are asked.
    pub attributes: Vec<AttributeOptions<'a>>,
    /// Of slow ones.
    pub slow: Option<SlowOptions>,
    /// Of all others.
    pub rest: ShareOptions,
    /// Tells the route of a root.
    pub route_attribute: String,
    /// For the root to end.
    pub decision_timeout_ms: f64,
    /// That wait.
    pub max_traces: u32,
    /// Of their spans.
    pub max_bytes: f64,
    /// That are remembered.
    pub max_decisions: u32,
    /// That are told apart.
    pub max_routes: u32,
}

/// The rules as the sampler knows them.
pub fn rules(options: TailOptions<'_>) -> napi::Result<TailRules> {
    let attributes = options.attributes.into_iter().map(attribute_rule);
    Ok(TailRules {
        errors: options.errors.map(share),
        attributes: attributes.collect::<napi::Result<_>>()?,
        slow: options.slow.map(|slow| SlowRule {
            quantile: slow.quantile,
            factor: slow.factor,
            min_count: slow.min_count,
            // `as` takes what is negative or no number to 0.
            min_duration_ns: (slow.min_duration_ms * 1e6) as u64,
            share: share(slow.share),
        }),
        rest: share(options.rest),
        route_attribute: options.route_attribute.into(),
        decision_timeout_ms: options.decision_timeout_ms as u64,
        max_traces: options.max_traces as usize,
        max_bytes: options.max_bytes as usize,
        max_decisions: options.max_decisions as usize,
        max_routes: options.max_routes as usize,
    })
}

fn attribute_rule(options: AttributeOptions<'_>) -> napi::Result<AttributeRule> {
    let condition = match (options.equals, options.at_least) {
        (Some(values), _) => Condition::OneOf(values.iter().map(values::plain).collect::<napi::Result<_>>()?),
        (None, Some(least)) => Condition::AtLeast(least),
        (None, None) => Condition::Present,
    };
    Ok(AttributeRule {
        key: options.key.into(),
        condition,
        share: share(options.share),
    })
}

fn share(options: ShareOptions) -> Share {
    Share {
        ratio: options.ratio,
        min_per_second: options.min_per_second,
        max_per_second: options.max_per_second,
    }
}
