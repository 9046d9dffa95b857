//! What tail sampling is to keep: plain data, made by an app thread when a provider is made. Checked in `src/traces/tail.ts`;
//! values out of their range do no harm here.

use crate::export::OwnedValue;
use crate::traces::value::AnyValue;

/// The rules of one provider. Of those that apply to a trace, the first decides: errors, attributes in their order, slow, rest.
#[derive(Clone, Debug, PartialEq)]
pub struct TailRules {
    /// Traces with a span whose status is an error; none: they are nothing special.
    pub errors: Option<Share>,
    /// Traces with a span that has an attribute.
    pub attributes: Vec<AttributeRule>,
    /// Traces whose root took long, compared with others of its route.
    pub slow: Option<SlowRule>,
    /// All others.
    pub rest: Share,
    /// Attribute of the root that tells its route, beside its name.
    pub route_attribute: Box<str>,
    /// A trace whose root has not ended by then is decided on without it, in ms from its first span on.
    pub decision_timeout_ms: u64,
    /// Undecided traces; beyond, the oldest is decided on.
    pub max_traces: usize,
    /// Bytes of their spans; beyond, the oldest is decided on.
    pub max_bytes: usize,
    /// Decisions that are remembered, for spans that come late.
    pub max_decisions: usize,
    /// Routes that are told apart; further ones share the state of one, until a route has been silent for a minute.
    pub max_routes: usize,
}

/// Which share of the traces that a rule applies to is kept. Rates are per route.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Share {
    /// In [0, 1].
    pub ratio: f64,
    /// Up to this rate all are kept, beyond it at least this many, in traces per second; 0 = no such rate.
    pub min_per_second: f64,
    /// Beyond this rate fewer are kept, so that about as many remain; infinite = no such rate.
    pub max_per_second: f64,
}

/// See [`TailRules::attributes`].
#[derive(Clone, Debug, PartialEq)]
pub struct AttributeRule {
    /// Name of the attribute.
    pub key: Box<str>,
    /// What its value, or one value of an array, must be.
    pub condition: Condition,
    /// How many are kept; a ratio of 0 drops them.
    pub share: Share,
}

/// What a value must be.
#[derive(Clone, Debug, PartialEq)]
pub enum Condition {
    /// Anything.
    Present,
    /// One of these; numbers are equal when they have the same value.
    OneOf(Vec<OwnedValue>),
    /// A number not below this one.
    AtLeast(f64),
}

/// See [`TailRules::slow`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SlowRule {
    /// In (0, 1): the quantile of the durations of earlier traces of the route.
    pub quantile: f64,
    /// Longer than the quantile by this factor is slow.
    pub factor: f64,
    /// Traces of a route before any of them is slow.
    pub min_count: u32,
    /// Nothing shorter is slow, in ns.
    pub min_duration_ns: u64,
    /// How many are kept.
    pub share: Share,
}

impl Share {
    /// Every trace.
    pub const ALL: Share = Share::of(1.0);

    /// This share, at any rate.
    pub const fn of(ratio: f64) -> Share {
        Share {
            ratio,
            min_per_second: 0.0,
            max_per_second: f64::INFINITY,
        }
    }

    /// Whether a rate has a say.
    pub(super) fn has_rate(&self) -> bool {
        self.min_per_second > 0.0 || self.max_per_second < f64::INFINITY
    }

    /// The probability of a trace that is one of `rate` per second; a rate above 0.
    pub(super) fn probability(&self, rate: f64) -> f64 {
        self.ratio
            .max((self.min_per_second / rate).min(1.0))
            .min(self.max_per_second / rate)
    }
}

impl Default for TailRules {
    fn default() -> TailRules {
        TailRules {
            errors: Some(Share::ALL),
            attributes: Vec::new(),
            slow: Some(SlowRule::default()),
            rest: Share::of(0.1),
            route_attribute: "http.route".into(),
            decision_timeout_ms: 30_000,
            max_traces: 10_000,
            max_bytes: 16 << 20,
            max_decisions: 16_384,
            max_routes: 512,
        }
    }
}

impl Default for SlowRule {
    fn default() -> SlowRule {
        SlowRule {
            quantile: 0.99,
            factor: 1.0,
            min_count: 100,
            min_duration_ns: 0,
            share: Share::ALL,
        }
    }
}

impl Condition {
    /// Whether a value meets it.
    pub(super) fn is_met(&self, value: &AnyValue<'_>) -> bool {
        if let (AnyValue::Array(values), false) = (value, matches!(self, Condition::Present)) {
            // Arrays of attributes hold plain values; one inside another is no match.
            return values.clone().any(|one| self.is_met_by_plain(&one));
        }
        self.is_met_by_plain(value)
    }

    fn is_met_by_plain(&self, value: &AnyValue<'_>) -> bool {
        match self {
            Condition::Present => true,
            Condition::OneOf(wanted) => wanted.iter().any(|wanted| equal(wanted, value)),
            Condition::AtLeast(least) => number(value).is_some_and(|number| number >= *least),
        }
    }
}

fn equal(wanted: &OwnedValue, value: &AnyValue<'_>) -> bool {
    match (wanted, value) {
        (OwnedValue::Text(wanted), AnyValue::Text(text)) => text.is(wanted),
        (OwnedValue::Bool(wanted), AnyValue::Bool(value)) => wanted == value,
        (OwnedValue::Null, AnyValue::Null) => true,
        (OwnedValue::Int(wanted), AnyValue::Int(value)) => wanted == value,
        (OwnedValue::Int(wanted), AnyValue::Double(value)) => *wanted as f64 == *value,
        (OwnedValue::Double(wanted), _) => number(value) == Some(*wanted),
        _ => false,
    }
}

fn number(value: &AnyValue<'_>) -> Option<f64> {
    match value {
        AnyValue::Int(value) => Some(*value as f64),
        AnyValue::Double(value) => Some(*value),
        _ => None,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::traces::sample::{Given, Sample};

    fn met(condition: Condition, given: Given) -> bool {
        let record = Sample::root(1).with("key", given).record();
        condition.is_met(&record.view().attribute("key").unwrap())
    }

    #[test]
    fn a_value_is_compared_by_kind_and_numbers_by_value() {
        let is = |wanted| Condition::OneOf(vec![wanted]);
        let text = || is(OwnedValue::Text("gold".into()));
        assert!(met(text(), Given::Text("gold")));
        assert!(!met(text(), Given::Text("golden")));
        assert!(!met(text(), Given::Bool(true)));
        assert!(met(is(OwnedValue::Text("größe".into())), Given::Text("größe")));
        assert!(met(is(OwnedValue::Int(5)), Given::Int(5)));
        assert!(met(is(OwnedValue::Double(5.0)), Given::Int(5)));
        assert!(!met(is(OwnedValue::Double(5.5)), Given::Int(5)));
        assert!(!met(is(OwnedValue::Int(5)), Given::Text("5")));
        assert!(met(is(OwnedValue::Bool(false)), Given::Bool(false)));
        assert!(!met(is(OwnedValue::Bool(false)), Given::Null));
        assert!(met(is(OwnedValue::Null), Given::Null));
    }

    #[test]
    fn one_value_of_an_array_is_enough_and_a_map_is_only_present() {
        const TAGS: &[Given] = &[Given::Text("a"), Given::Int(7)];
        let of = |wanted: &str| Condition::OneOf(vec![OwnedValue::Text(wanted.into())]);
        assert!(met(of("a"), Given::Array(TAGS)) && !met(of("b"), Given::Array(TAGS)));
        assert!(met(Condition::AtLeast(7.0), Given::Array(TAGS)));
        assert!(!met(Condition::AtLeast(7.5), Given::Array(TAGS)));
        assert!(met(Condition::Present, Given::Map(&[])) && !met(of("a"), Given::Map(&[])));
        assert!(met(Condition::Present, Given::Array(&[])) && !met(of("a"), Given::Array(&[])));
        assert!(!met(Condition::AtLeast(f64::NAN), Given::Int(1)));
    }

    #[test]
    fn a_share_follows_the_rate_between_its_limits() {
        let share = Share {
            ratio: 0.1,
            min_per_second: 2.0,
            max_per_second: 5.0,
        };
        for (rate, probability) in [
            (0.5, 1.0),
            (2.0, 1.0),
            (4.0, 0.5),
            (20.0, 0.1),
            (50.0, 0.1),
            (100.0, 0.05),
        ] {
            assert_eq!(share.probability(rate), probability, "{rate}");
        }
        assert_eq!(Share::of(0.25).probability(1e9), 0.25);
        assert!(!Share::ALL.has_rate() && share.has_rate());
    }
}
