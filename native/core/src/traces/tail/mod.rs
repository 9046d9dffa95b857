//! Tail sampling: which whole traces are exported, decided when their local root ends. Spans come in on the collector thread.
//!
//! A trace's spans wait here until its local root ends. Then the first rule that applies to it (error, attributes, slow, rest)
//! gives the probability with which it is kept; its spans go on at once, or are dropped. Decisions are remembered, so that
//! spans that come late follow their trace.
//!
//! # Weights
//! The choice is consistent probability sampling with the trace's own random bits R: it is kept iff R is not below a threshold
//! T' that combines the probability p_h with which the head sampler kept it (`th` of its tracestate) with the rule's p_t:
//! 1 - T' / 2^56 = p_h * p_t, rounded up front to what the tracestate will say. Given that a trace came here, R is evenly
//! distributed above the head's threshold, so that p_t is exact. Every kept span is exported with `th` = T' and stands for
//! 1 / (p_h * p_t) spans.
//!
//! The rule may depend on anything about the trace, and on what came before it (durations, rates, the clock), but never on
//! its own R. Given all that, the trace is kept with exactly the probability that it tells, so each trace's expected weight is
//! 1, and so sums of weights are unbiased estimates of the counts of all traces, whatever the rules: an error or a slow trace
//! counts 1 / p_h, one of the rest 1 / (p_h * ratio). Traces of a rule with ratio 0 are the exception: nothing stands for them.
//!
//! Without `th` in its tracestate a trace counts as kept for sure by the head sampler: weights are then relative to what came
//! here. Without `rv`, R is the low 56 bits of the trace id. A decision that is taken early, or without a root, follows the
//! same rule and is as exact.

mod counts;
mod durations;
#[cfg(test)]
mod model_tests;
mod rate;
mod routes;
mod rules;
mod sampler;
#[cfg(test)]
mod tests;
mod tracestate;
mod undecided;

pub use counts::TailCounts;
pub use rules::{AttributeRule, Condition, Share, SlowRule, TailRules};
pub use sampler::TailSampler;
