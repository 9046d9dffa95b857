//! What a segment says of a metric, and what the cells of its series mean. Trusts nothing in the bytes. Any thread.

use super::reader::Fields;
use crate::metrics::descriptor::states_in;
use crate::metrics::native_histogram::NativeOptions;
use std::ops::RangeInclusive;

/// Kinds of metrics, as in `metrics::metric::Kind`.
const KINDS: RangeInclusive<u32> = 1..=6;
pub(super) const HISTOGRAM: u32 = 3;
pub(super) const SUMMARY: u32 = 4;
const INFO: u32 = 5;
const STATE_SET: u32 = 6;

/// A metric as a segment describes it.
#[derive(Debug, Clone, PartialEq)]
pub struct RecoveredMetric {
    /// Its number in the process.
    pub id: u32,
    /// The registry's number in the process.
    pub registry: u32,
    /// 1 counter, 2 gauge, 3 histogram, 4 summary, 5 info, 6 state set.
    pub kind: u32,
    /// As registered.
    pub name: String,
    /// As registered.
    pub help: String,
    /// Label names in their order.
    pub labels: Vec<String>,
    /// Upper bounds without +Inf.
    pub bounds: Vec<f64>,
    /// States of a state set.
    pub states: Vec<String>,
    /// A histogram's exponential buckets.
    pub native: Option<NativeOptions>,
}

impl RecoveredMetric {
    /// Reads the payload of a META_METRIC record; its form stands at `Descriptor::encode`. None when it makes no sense.
    pub(super) fn read(payload: &[u8]) -> Option<RecoveredMetric> {
        let mut fields = Fields::new(payload);
        let [id, registry, kind, name, help, labels, bounds] = fields.words()?;
        if !KINDS.contains(&kind) {
            return None;
        }
        let name = fields.text(name)?;
        let help = fields.text(help)?;
        let bounds = fields.take((bounds as usize).checked_mul(8)?)?;
        let bounds = bounds
            .chunks_exact(8)
            .filter_map(|bound| Some(f64::from_le_bytes(bound.try_into().ok()?)))
            .collect();
        let labels = fields.texts(labels)?;
        // Earlier versions wrote no more than that.
        let [states] = fields.words().unwrap_or_default();
        let states = fields.texts(states)?;
        let native = match fields.words().unwrap_or_default() {
            [0] => None,
            [cells] => Some(read_native(&mut fields, cells)?),
        };
        Some(RecoveredMetric {
            id,
            registry,
            kind,
            name,
            help,
            labels,
            bounds,
            states,
            native,
        })
    }

    /// Cells of a histogram's classic part.
    pub(super) fn classic_cells(&self) -> usize {
        match self.kind {
            HISTOGRAM if self.native.is_none() || !self.bounds.is_empty() => self.bounds.len() + 2,
            _ => 0,
        }
    }

    /// What the cells of a series say, added up over threads: an info is 1, a state set has a bit per state.
    pub(super) fn seen(&self, values: Vec<f64>) -> Vec<f64> {
        match self.kind {
            INFO => vec![1.0],
            STATE_SET => states_in(values[0], self.states.len()).collect(),
            _ => values,
        }
    }

    /// True when a series may have so many cells.
    pub(super) fn fits(&self, cells: usize) -> bool {
        let expected = match self.kind {
            HISTOGRAM => self.classic_cells() + self.native.map_or(0, |native| native.cells() as usize),
            // Behind count and sum lies what only the living process can read.
            SUMMARY => return cells >= 2,
            _ => 1,
        };
        cells == expected
    }
}

fn read_native(fields: &mut Fields<'_>, cells: u32) -> Option<NativeOptions> {
    let [schema, max_buckets] = fields.words()?;
    let zero_threshold = f64::from_le_bytes(fields.take(8)?.try_into().ok()?);
    let options = NativeOptions {
        schema: i8::try_from(schema as i32)
            .ok()
            .filter(|schema| (-4..=8).contains(schema))?,
        max_buckets: Some(max_buckets).filter(|buckets| (1..=1 << 16).contains(buckets))?,
        zero_threshold,
        ..NativeOptions::default()
    };
    (options.cells() == cells).then_some(options)
}
