//! Metrics that are read when someone asks, on the thread that renders; never on the event loop.

use super::metric::Kind;

/// One value at the moment of a scrape. Consecutive samples with equal names make up one family.
#[derive(Debug, Clone, Copy)]
pub struct Sample<'a> {
    /// Full name.
    pub name: &'a str,
    /// Help text, unescaped.
    pub help: &'a str,
    /// Counter or gauge.
    pub kind: Kind,
    /// Rendered labels without braces (see `labels.rs`), empty for none.
    pub labels: &'a str,
    /// The value.
    pub value: f64,
}

impl<'a> Sample<'a> {
    /// A value without labels.
    pub fn plain(name: &'a str, help: &'a str, kind: Kind, value: f64) -> Sample<'a> {
        let labels = "";
        Sample {
            name,
            help,
            kind,
            labels,
            value,
        }
    }
}

/// A source of samples. `collect` may take a few system calls' time, and never waits for JS.
pub trait Collector: Send + Sync {
    /// Emits all samples, family by family.
    fn collect(&self, emit: &mut dyn FnMut(Sample<'_>));
}
