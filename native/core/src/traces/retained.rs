//! One retained trace: its spans in the order in which they ended, and what is known about the whole. Built by the collector
//! thread, read by any.

use std::sync::Arc;

use super::record::{SpanRecord, SpanView, StatusCode};

/// What a span takes beside its record: the counts of its `Arc` and the slots of two vectors that grow.
const SPAN_BYTES: usize = 40;

/// Spans of one trace id. Its sums are kept while spans come in, so that listing traces reads no span but the root.
#[derive(Clone)]
pub struct RetainedTrace {
    id: u128,
    spans: Vec<Arc<SpanRecord>>,
    root: Option<Root>,
    errors: u32,
    refused: u32,
    bytes: usize,
    start_ns: u64,
    end_ns: u64,
}

#[derive(Clone, Copy)]
struct Root {
    at: u32,
    /// It continues a trace of another process.
    is_remote: bool,
    start_ns: u64,
    end_ns: u64,
}

impl Root {
    /// The least one is outermost.
    fn rank(&self) -> (bool, u64) {
        (self.is_remote, self.start_ns)
    }
}

impl RetainedTrace {
    pub(super) fn new(id: u128) -> RetainedTrace {
        RetainedTrace {
            id,
            spans: Vec::new(),
            root: None,
            errors: 0,
            refused: 0,
            bytes: 0,
            start_ns: u64::MAX,
            end_ns: 0,
        }
    }

    /// Adds a span of this trace, and gives the bytes that it takes.
    pub(super) fn add(&mut self, span: &Arc<SpanRecord>, view: &SpanView<'_>) -> usize {
        if view.is_local_root() {
            let root = Root {
                at: self.spans.len() as u32,
                is_remote: view.parent_span_id.is_some(),
                start_ns: view.start_ns,
                end_ns: view.end_ns,
            };
            // A process may have several: it calls itself. The outermost one tells what the trace is about.
            if self.root.as_ref().is_none_or(|known| root.rank() < known.rank()) {
                self.root = Some(root);
            }
        }
        self.errors += u32::from(view.status == StatusCode::Error);
        self.start_ns = self.start_ns.min(view.start_ns);
        self.end_ns = self.end_ns.max(view.end_ns);
        self.spans.push(Arc::clone(span));
        let bytes = span.size() + SPAN_BYTES;
        self.bytes += bytes;
        bytes
    }

    /// True when its root is the one that tells what the trace is about, and not the other's.
    pub(super) fn leads(&self, other: &RetainedTrace) -> bool {
        match (&self.root, &other.root) {
            (Some(own), Some(others)) => own.rank() < others.rank(),
            (own, _) => own.is_some(),
        }
    }

    /// Adds what another store retains of the same trace.
    pub(super) fn join(&mut self, other: &RetainedTrace) {
        for span in &other.spans {
            self.add(span, &span.view());
        }
        self.refused = self.refused.saturating_add(other.refused);
    }

    /// Notes a span that is not retained.
    pub(super) fn refuse(&mut self) {
        self.refused = self.refused.saturating_add(1);
    }

    /// 16 bytes, big endian.
    pub fn trace_id(&self) -> [u8; 16] {
        self.id.to_be_bytes()
    }

    /// In the order in which the process took them from its threads: children mostly before their parents.
    pub fn spans(&self) -> &[Arc<SpanRecord>] {
        &self.spans
    }

    /// The outermost local root; none of a trace that is shown because it waited too long for one.
    pub fn root(&self) -> Option<&Arc<SpanRecord>> {
        self.root.and_then(|root| self.spans.get(root.at as usize))
    }

    /// From the start to the end of the root, in ns; without one, from the first start to the last end.
    pub fn duration_ns(&self) -> u64 {
        match self.root {
            Some(root) => root.end_ns.saturating_sub(root.start_ns),
            None => self.end_ns.saturating_sub(self.start_ns),
        }
    }

    /// When its first span began: Unix time, ns.
    pub fn start_ns(&self) -> u64 {
        self.start_ns
    }

    /// When its last span ended: Unix time, ns.
    pub fn end_ns(&self) -> u64 {
        self.end_ns
    }

    /// Spans whose status is an error: with one of them, the trace has failed.
    pub fn error_count(&self) -> u32 {
        self.errors
    }

    /// Spans that are missing here because the trace has too many.
    pub fn refused_spans(&self) -> u32 {
        self.refused
    }

    /// Bytes of its spans.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Orders the traces of several stores by their completion.
    pub fn sequence(&self) -> u64 {
        let decisive = self.root().or(self.spans.last());
        decisive.map_or(0, |span| span.sequence())
    }
}
