//! A trace that waits for its root. Plain data of the sampler.

use std::sync::Arc;

use super::rules::{AttributeRule, TailRules};
use crate::traces::record::{SpanRecord, SpanView, StatusCode};

/// What an undecided trace takes beside its spans, and a span beside its record.
const TRACE_BYTES: usize = 256;
const SPAN_BYTES: usize = 24;

/// Its spans so far, and what they say about it.
pub(super) struct Undecided {
    pub spans: Vec<Arc<SpanRecord>>,
    /// What it takes in memory.
    pub bytes: usize,
    pub since_ms: u64,
    /// One of them is an error.
    pub failed: bool,
    /// Number of the first attribute rule that applies.
    pub matched: Option<usize>,
}

impl Undecided {
    pub fn new(since_ms: u64) -> Undecided {
        Undecided {
            spans: Vec::new(),
            bytes: TRACE_BYTES,
            since_ms,
            failed: false,
            matched: None,
        }
    }

    /// Adds a span, and gives the bytes that it takes.
    pub fn add(&mut self, span: &Arc<SpanRecord>, view: &SpanView<'_>, rules: &TailRules) -> usize {
        self.failed |= view.status == StatusCode::Error;
        if !rules.attributes.is_empty() && view.attribute_count > 0 {
            let known = &rules.attributes[..self.matched.unwrap_or(rules.attributes.len())];
            self.matched = known.iter().position(|rule| applies(rule, view)).or(self.matched);
        }
        self.spans.push(Arc::clone(span));
        let bytes = span.size() + SPAN_BYTES;
        self.bytes += bytes;
        bytes
    }
}

fn applies(rule: &AttributeRule, view: &SpanView<'_>) -> bool {
    let value = view.attribute(&rule.key);
    value.is_some_and(|value| rule.condition.is_met(&value))
}
