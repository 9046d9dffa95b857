//! What a metric was declared as, and the payload of its META_METRIC record.

use super::metric::Kind;

/// How the values of several threads become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Aggregate {
    /// Added up, over the threads that are alive for gauges, over all that ever were for the rest.
    Sum,
    /// One process-wide cell: the last write of any thread. Gauges only.
    Last,
}

/// A declaration. Two are the same metric when all of it is equal.
#[derive(Debug, Clone, PartialEq)]
pub struct Descriptor {
    /// As given; the renderer replaces characters that a format does not know.
    pub name: Box<str>,
    /// Unescaped.
    pub help: Box<str>,
    /// Counter, gauge or histogram.
    pub kind: Kind,
    /// In the order of the declaration.
    pub label_names: Box<[Box<str>]>,
    /// Upper bounds of a histogram without +Inf, ascending.
    pub bounds: Box<[f64]>,
    /// See [`Aggregate`].
    pub aggregate: Aggregate,
}

impl Descriptor {
    /// Cells of one series: a value, or the counts of all buckets and the sum.
    pub fn cells(&self) -> u32 {
        match self.kind {
            Kind::Counter | Kind::Gauge => 1,
            Kind::Histogram => self.bounds.len() as u32 + 2,
        }
    }

    /// Payload of META_METRIC: u32 metric, registry, kind, name bytes, help bytes, label names, bounds; name; help; bounds
    /// as f64; label names, each u32 bytes and UTF-8. Everything little endian.
    pub fn encode(&self, metric: u32, registry: u32) -> Box<[u8]> {
        let mut out = Vec::new();
        let lengths = [
            self.name.len(),
            self.help.len(),
            self.label_names.len(),
            self.bounds.len(),
        ]
        .map(|n| n as u32);
        [metric, registry, self.kind.code()]
            .iter()
            .chain(&lengths)
            .for_each(|word| out.extend_from_slice(&word.to_le_bytes()));
        out.extend_from_slice(self.name.as_bytes());
        out.extend_from_slice(self.help.as_bytes());
        self.bounds
            .iter()
            .for_each(|bound| out.extend_from_slice(&bound.to_le_bytes()));
        for name in &self.label_names {
            out.extend_from_slice(&(name.len() as u32).to_le_bytes());
            out.extend_from_slice(name.as_bytes());
        }
        out.into()
    }
}
