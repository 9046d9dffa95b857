//! The cold paths of native histograms and summaries: making room for a bucket, and taking raw values over. On the thread
//! whose cells they are, or (draining) on any that renders.

use super::Metric;
use crate::loom::Ordering;
use crate::memory::clock::{mono_ms, wall_ns};
use crate::memory::table::{Owner, lock};
use crate::metrics::native_histogram::Limited;
use crate::metrics::series::Location;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

impl Metric {
    /// Makes room in the native part at `location` for one more bucket: wider zero bucket or lower resolution, or, when it is
    /// time, a new beginning of the whole series. The thread that owns the cells, in its own call.
    pub fn limit_buckets(&self, owner: &Arc<Owner>, location: Location) {
        let _index = lock(&self.index);
        let Some(options) = &self.descriptor.native else { return };
        let mut all = self.series.iter();
        let Some(series) = all.find(|series| series.holds(location)) else {
            return;
        };
        let (now_ms, from) = (wall_ns() / 1_000_000, self.descriptor.classic_cells() as usize);
        let read = |(_, cell): (usize, &AtomicU64)| f64::from_bits(cell.load(Ordering::Relaxed));
        let mut cells: Vec<f64> = self.cells(location).skip(from).map(read).collect();
        let part = series.parts().find(|part| part.location == location);
        let baseline = part.and_then(|part| part.baseline.get());
        // Keys are about to move, and a baseline goes by places: what it hides is taken out for good.
        let mut folded: Vec<f64> = baseline
            .iter()
            .flat_map(|cells| cells.iter().skip(from))
            .map(|cell| f64::from_bits(cell.load(Ordering::Relaxed)))
            .collect();
        if !folded.is_empty() {
            options.fold(&mut cells, &mut folded);
        }
        match options.limit(&mut cells, now_ms) {
            Limited::Unchanged => {}
            Limited::ResetDue => {
                let state = series.state.load(Ordering::Relaxed);
                self.clear_cells(series, Some(owner), state);
            }
            Limited::Changed => series.change(|| {
                for ((_, cell), value) in self.cells(location).skip(from).zip(&cells) {
                    cell.store(value.to_bits(), Ordering::Relaxed);
                }
                for (cell, value) in baseline.iter().flat_map(|cells| cells.iter().skip(from)).zip(&folded) {
                    cell.store(value.to_bits(), Ordering::Relaxed);
                }
            }),
        }
    }

    /// Takes the raw values of a summary's part over into its sketch.
    pub fn drain(&self, location: Location) {
        if let Some(options) = &self.descriptor.summary {
            self.summaries
                .drain(options, location, &|cell| self.value_at(location, cell), mono_ms());
        }
    }

    /// Asks the owners of native parts that lost resolution, and whose time has come, to begin anew. Any thread.
    pub fn schedule_resets(&self, now_ms: u64) {
        let Some(options) = &self.descriptor.native else { return };
        let start_cell = self.descriptor.classic_cells() + options.start_cell();
        let _index = lock(&self.index);
        for series in self.series.iter() {
            for location in series.locations() {
                let part = series.parts().find(|part| part.location == location);
                let baseline_start = part.and_then(|part| part.baseline.get()).map_or(0.0, |baseline| {
                    f64::from_bits(baseline[start_cell as usize].load(Ordering::Relaxed))
                });
                self.ask_if(location, |cells| options.restructure_due(cells, baseline_start, now_ms));
            }
        }
    }

    /// A baseline hides all that another thread's native part holds: its owner is asked to bring the declared resolution back
    /// before it counts again, while that costs nothing.
    pub(super) fn ask_to_restore(&self, location: Location) {
        if let Some(options) = &self.descriptor.native {
            self.ask_if(location, |cells| options.is_reduced(cells));
        }
    }

    /// Marks the schema of a native part that is not as declared, so that its owner calls before it counts again.
    fn ask_if(&self, location: Location, asks: impl Fn(&[f64]) -> bool) {
        let (Some(options), Some(slot)) = (&self.descriptor.native, self.slot(location)) else {
            return;
        };
        let (from, at) = (self.descriptor.classic_cells(), options.schema_cell());
        let schema = self.value_at(location, from + at);
        let threshold = self.value_at(location, from + at + 1);
        if schema == f64::from(options.schema) && threshold == options.zero_threshold {
            return;
        }
        let cells: Vec<f64> = (0..options.cells())
            .map(|cell| self.value_at(location, from + cell))
            .collect();
        if asks(&cells) {
            let marked = options.asked(schema).to_bits();
            // JS reads this cell and never writes it.
            slot.segment
                .cell(location.cell() + from + at)
                .store(marked, Ordering::Relaxed);
        }
    }

    pub(super) fn value_at(&self, location: Location, cell: u32) -> f64 {
        self.slot(location).map_or(0.0, |slot| {
            f64::from_bits(slot.segment.cell(location.cell() + cell).load(Ordering::Relaxed))
        })
    }
}
