//! What a metric was declared as, the payload of its META_METRIC record, and what its cells mean.

use super::metric::Kind;
use super::native_histogram::NativeOptions;
use super::summary::SummaryOptions;

/// How the values of several threads become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Aggregate {
    /// Added up, over the threads that are alive for gauges, over all that ever were for the rest.
    Sum,
    /// One process-wide cell: the last write of any thread. Gauges only.
    Last,
    /// The smallest value of the threads that are alive. Gauges only.
    Min,
    /// The largest value of the threads that are alive. Gauges only.
    Max,
    /// The mean of the threads that are alive. Gauges only.
    Avg,
}

impl Aggregate {
    /// The number that stands for it at the boundary to JS.
    pub fn from_code(code: u32) -> Option<Aggregate> {
        use Aggregate::*;
        [Sum, Last, Min, Max, Avg].get(code as usize).copied()
    }
}

/// 0 or 1 for each of so many states, from the cell of a state set: bit n is state n.
pub fn states_in(cell: f64, states: usize) -> impl Iterator<Item = f64> {
    let bits = cell as u64;
    (0..states as u32).map(move |n| (bits.checked_shr(n).unwrap_or(0) & 1) as f64)
}

/// A declaration. Two are the same metric when all of it is equal.
#[derive(Debug, Clone, PartialEq)]
pub struct Descriptor {
    /// As given; the renderer replaces characters that a format does not know.
    pub name: Box<str>,
    /// Unescaped.
    pub help: Box<str>,
    /// Base unit, as OpenMetrics' UNIT line shows it; empty for none.
    pub unit: Box<str>,
    /// What it measures.
    pub kind: Kind,
    /// In the order of the declaration.
    pub label_names: Box<[Box<str>]>,
    /// Upper bounds of a histogram without +Inf, ascending; empty for one without classic buckets.
    pub bounds: Box<[f64]>,
    /// See [`Aggregate`].
    pub aggregate: Aggregate,
    /// Histograms that count in exponential buckets, alone or beside the classic ones.
    pub native: Option<NativeOptions>,
    /// Summaries only.
    pub summary: Option<SummaryOptions>,
    /// State sets only: the states, in the order of their cells.
    pub states: Box<[Box<str>]>,
}

impl Descriptor {
    /// A metric without labels or anything else that is optional.
    pub fn new(kind: Kind, name: &str, help: &str) -> Descriptor {
        Descriptor {
            name: name.into(),
            help: help.into(),
            unit: "".into(),
            kind,
            label_names: Box::default(),
            bounds: Box::default(),
            aggregate: Aggregate::Sum,
            native: None,
            summary: None,
            states: Box::default(),
        }
    }

    /// Cells of the classic part of a histogram: the counts of all buckets and the sum; 0 when there is none.
    pub fn classic_cells(&self) -> u32 {
        match self.kind {
            Kind::Histogram if self.native.is_none() || !self.bounds.is_empty() => self.bounds.len() as u32 + 2,
            _ => 0,
        }
    }

    /// Cells of one series: a value, a bit per state in one number, or what the parts of a histogram or a summary need.
    pub fn cells(&self) -> u32 {
        match self.kind {
            Kind::Counter | Kind::Gauge | Kind::Info | Kind::StateSet => 1,
            Kind::Histogram => self.classic_cells() + self.native.as_ref().map_or(0, NativeOptions::cells),
            Kind::Summary => self.summary.as_ref().map_or(2, SummaryOptions::cells),
        }
    }

    /// True for a cell that a baseline subtracts; the others are state that holds as it is.
    pub fn is_additive(&self, cell: u32) -> bool {
        match self.kind {
            Kind::Counter | Kind::Gauge | Kind::Info | Kind::StateSet => true,
            Kind::Histogram => {
                let classic = self.classic_cells();
                cell < classic
                    || self
                        .native
                        .as_ref()
                        .is_some_and(|native| cell - classic < native.additive())
            }
            Kind::Summary => cell < 2,
        }
    }

    /// The cell that JS writes last when it records: a sum (of the classic buckets, where there are both), or a summary's count.
    pub fn last_written(&self) -> u32 {
        match (&self.native, self.classic_cells()) {
            _ if self.kind == Kind::Summary => 0,
            (Some(native), 0) => native.additive() - 1,
            (_, 0) => self.cells() - 1,
            (_, classic) => classic - 1,
        }
    }

    /// True where the values of several parts are not simply one value per cell.
    pub fn is_composite(&self) -> bool {
        self.native.is_some() || self.kind == Kind::Summary
    }

    /// Gives every cell of a zeroed part that does not begin at 0; `now_ms` is wall clock.
    pub fn init(&self, now_ms: u64, write: &mut dyn FnMut(u32, f64)) {
        let classic = self.classic_cells();
        if let Some(native) = &self.native {
            native.init(now_ms, &mut |cell, value| write(classic + cell, value));
        }
    }

    /// Notes in a baseline when it was taken, where that matters.
    pub fn mark_baseline(&self, now_ms: u64, write: &mut dyn FnMut(u32, f64)) {
        if let Some(native) = &self.native {
            write(self.classic_cells() + native.start_cell(), now_ms as f64);
        }
    }

    /// What readers see of the cells of a kind whose cells are not its values: `values` as they are, else `made`, which is
    /// filled. An info is 1 as long as it is shown; bit n of a state set's cell is its state n.
    pub fn seen<'a>(&self, values: &'a [f64], made: &'a mut Vec<f64>) -> &'a [f64] {
        match self.kind {
            Kind::Info => &[1.0],
            Kind::StateSet => {
                made.clear();
                made.extend(states_in(values[0], self.states.len()));
                made
            }
            _ => values,
        }
    }

    /// True for kinds that hold no more when their thread ended.
    pub fn is_current_state(&self) -> bool {
        matches!(self.kind, Kind::Gauge | Kind::Info | Kind::StateSet)
    }

    /// Payload of META_METRIC: u32 metric, registry, kind, name bytes, help bytes, label names, bounds; name; help; bounds
    /// as f64; label names, each u32 bytes and UTF-8; u32 states, each u32 bytes and UTF-8; u32 cells of the native part and
    /// its options (u32 schema as i32, u32 buckets, f64 threshold); u32 quantiles as f64. Everything little endian.
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
        let put_texts = |texts: &[Box<str>], out: &mut Vec<u8>| {
            for text in texts {
                out.extend_from_slice(&(text.len() as u32).to_le_bytes());
                out.extend_from_slice(text.as_bytes());
            }
        };
        put_texts(&self.label_names, &mut out);
        out.extend_from_slice(&(self.states.len() as u32).to_le_bytes());
        put_texts(&self.states, &mut out);
        let native_cells = self.native.as_ref().map_or(0, NativeOptions::cells);
        out.extend_from_slice(&native_cells.to_le_bytes());
        if let Some(native) = &self.native {
            out.extend_from_slice(&i32::from(native.schema).to_le_bytes());
            out.extend_from_slice(&native.max_buckets.to_le_bytes());
            out.extend_from_slice(&native.zero_threshold.to_le_bytes());
        }
        let quantiles = self.summary.as_ref().map_or(&[][..], |summary| &summary.quantiles);
        out.extend_from_slice(&(quantiles.len() as u32).to_le_bytes());
        quantiles
            .iter()
            .for_each(|quantile| out.extend_from_slice(&quantile.to_le_bytes()));
        out.into()
    }
}
