//! What a sampler tells about itself. Counted on the collector thread, read by any.

/// What a sampler has done so far, and what it holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TailCounts {
    /// Kept traces by the rule that kept them.
    pub kept_errors: u64,
    /// By attribute.
    pub kept_attributes: u64,
    /// As slow.
    pub kept_slow: u64,
    /// Of the rest.
    pub kept_rest: u64,
    /// Traces that were not chosen.
    pub dropped_traces: u64,
    /// Their spans, late ones included.
    pub dropped_spans: u64,
    /// Spans that came behind the decision on their trace, of kept and of dropped ones.
    pub late_spans: u64,
    /// Decisions without a root because it did not end in time.
    pub timed_out: u64,
    /// Decisions without a root because no room was left, or at the end.
    pub early: u64,
    /// Traces that wait for their root.
    pub undecided_traces: usize,
    /// Bytes of their spans.
    pub undecided_bytes: usize,
    /// Routes that are told apart.
    pub routes: usize,
}
