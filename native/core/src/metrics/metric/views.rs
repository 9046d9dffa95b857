//! How a metric is read: each series as one coherent view. Any thread, without a lock that registration or recording waits for.

use super::{Metric, block_in};
use crate::loom::Ordering;
use crate::memory::clock::mono_ms;
use crate::memory::table::Cursor;
use crate::metrics::exemplars::Exemplar;
use crate::metrics::native_histogram::NativeHistogram;
use crate::metrics::series::{FREE, Location, Part, SHOWN, Series, TRIES, copy_part};

/// One series at one moment, over all threads.
#[derive(Debug, Clone, Copy)]
pub struct SeriesView<'a> {
    /// Label block without braces, empty when unlabelled; see `labels.rs`.
    pub labels: &'a [u8],
    /// Counter, gauge, info: the value. State set: 0 or 1 per state. Summary: count and sum. Histogram with classic buckets:
    /// counts per bucket (not cumulative, +Inf last) and the sum; without them: count and sum. Counts of one series always agree;
    /// the sum may trail by the observation that each thread is writing, and, where there are exponential buckets, is of some
    /// moment while their hundreds of cells are read.
    pub values: &'a [f64],
    /// When the series began, or was last reset or removed: wall clock in ns since 1970, unique within the metric and in the
    /// order of first use.
    pub created_ns: u64,
    /// The exponential buckets, where the metric has them.
    pub native: Option<&'a NativeHistogram>,
    /// A summary's values, one per declared quantile; NaN when the window is empty.
    pub quantiles: &'a [f64],
    /// Exemplars kept, in no order.
    pub exemplars: &'a [Exemplar],
}

impl Metric {
    /// Calls `visit` with each series that is shown. Each series is one snapshot: each cell is read once, and what belongs
    /// together (count, buckets) agrees.
    pub fn for_each_view(&self, visit: &mut dyn FnMut(&SeriesView<'_>)) {
        if self.descriptor.is_composite() {
            self.for_each_composite(visit);
            return;
        }
        let _pin = self.memory.pin();
        let mut cursor = self.memory.cursor();
        let mut values = vec![0.0; self.descriptor.cells() as usize];
        let mut part = values.clone();
        let mut made = Vec::new();
        let mut exemplars = Vec::new();
        for series in self.series.iter() {
            if series.state.load(Ordering::Acquire) == FREE {
                continue;
            }
            let single = if values.len() == 1 {
                series.read_single(&mut cursor)
            } else {
                None
            };
            let shown = match single {
                Some((value, shown)) => {
                    values[0] = value;
                    shown
                }
                None => series.read(&mut cursor, self.descriptor.aggregate, &mut part, &mut values),
            };
            if shown && let Some(labels) = block_in(&mut cursor, series) {
                if !self.exemplars.is_empty() {
                    exemplars.clear();
                    self.exemplars.collect(&series.locations(), &mut exemplars);
                }
                visit(&SeriesView {
                    labels,
                    values: self.descriptor.seen(&values, &mut made),
                    created_ns: series.created.load(Ordering::Relaxed),
                    native: None,
                    quantiles: &[],
                    exemplars: &exemplars,
                });
            }
        }
    }

    /// Native histograms and summaries, whose parts are not simply added cell by cell.
    fn for_each_composite(&self, visit: &mut dyn FnMut(&SeriesView<'_>)) {
        let _pin = self.memory.pin();
        let mut cursor = self.memory.cursor();
        let mut composite = Composite::new(self);
        for series in self.series.iter() {
            if series.state.load(Ordering::Acquire) == FREE {
                continue;
            }
            if composite.read(series, &mut cursor)
                && let Some(labels) = block_in(&mut cursor, series)
            {
                composite.exemplars.clear();
                if !self.exemplars.is_empty() {
                    self.exemplars.collect(&composite.locations, &mut composite.exemplars);
                }
                visit(&composite.view(labels, series.created.load(Ordering::Relaxed)));
            }
        }
    }

    /// [`Metric::for_each_view`] with the labels and values alone.
    pub fn for_each_series(&self, visit: &mut dyn FnMut(&[u8], &[f64])) {
        self.for_each_view(&mut |view| visit(view.labels, view.values));
    }
}

/// Working memory for the series of one metric.
struct Composite<'a> {
    metric: &'a Metric,
    locations: Vec<Location>,
    /// Cells of the part that is being read, and what a baseline says of them.
    cells: Vec<f64>,
    baseline: Vec<f64>,
    values: Vec<f64>,
    native: Option<NativeHistogram>,
    quantiles: Vec<f64>,
    exemplars: Vec<Exemplar>,
}

impl<'a> Composite<'a> {
    fn new(metric: &'a Metric) -> Composite<'a> {
        let descriptor = &metric.descriptor;
        let (cells, classic) = (descriptor.cells() as usize, descriptor.classic_cells() as usize);
        Composite {
            metric,
            locations: Vec::new(),
            cells: vec![0.0; cells],
            baseline: vec![0.0; cells],
            values: vec![0.0; if classic == 0 { 2 } else { classic }],
            native: descriptor.native.is_some().then(NativeHistogram::default),
            quantiles: Vec::new(),
            exemplars: Vec::new(),
        }
    }

    /// Reads one coherent set of values and tells whether the series is shown; see [`Series::read`].
    fn read(&mut self, series: &Series, cursor: &mut Cursor<'_>) -> bool {
        for _ in 0..TRIES {
            let Some(before) = series.quiet() else { continue };
            let touched = self.add_parts(series, cursor);
            let state = series.state.load(Ordering::Relaxed);
            if series.is_still(before) && self.agrees() {
                self.estimate();
                return state == SHOWN || (state != FREE && touched);
            }
        }
        if !self.agrees() {
            // A writer that never rests: the native count came second, and what it has more is above the last bound.
            self.level();
            self.estimate();
            return series.state.load(Ordering::Relaxed) == SHOWN;
        }
        self.clear();
        self.estimate();
        series.state.load(Ordering::Relaxed) == SHOWN
    }

    fn clear(&mut self) {
        self.locations.clear();
        self.values.fill(0.0);
        if let Some(native) = &mut self.native {
            native.clear();
        }
    }

    fn add_parts(&mut self, series: &Series, cursor: &mut Cursor<'_>) -> bool {
        self.clear();
        let mut touched = false;
        let mut listed = false;
        for part in series.parts() {
            listed = true;
            touched |= self.add_part(part.location, Some(part), cursor);
        }
        let first = Location(series.first.load(Ordering::Acquire));
        if !listed && first.0 != 0 {
            touched |= self.add_part(first, None, cursor);
        }
        let options = self.metric.descriptor.native.as_ref();
        if let (Some(native), Some(options)) = (&mut self.native, options) {
            native.finish(options);
            if self.metric.descriptor.classic_cells() == 0 {
                self.values.copy_from_slice(&[native.count as f64, native.sum]);
            }
        }
        touched
    }

    /// Adds one thread's part; true when any of its additive cells is not what the baseline says.
    fn add_part(&mut self, location: Location, part: Option<&Part>, cursor: &mut Cursor<'_>) -> bool {
        let descriptor = &self.metric.descriptor;
        let Some(slot) = cursor.slot(location.segment()) else {
            return false;
        };
        self.locations.push(location);
        let cells = slot.segment.cells(location.cell(), self.cells.len());
        copy_part(cells, descriptor.last_written() as usize, &mut self.cells);
        let baseline = part.and_then(|part| part.baseline.get());
        if let Some(baseline) = baseline {
            for (value, cell) in self.baseline.iter_mut().zip(baseline.iter()) {
                *value = f64::from_bits(cell.load(Ordering::Relaxed));
            }
        }
        let base = |n: usize| if baseline.is_some() { self.baseline[n] } else { 0.0 };
        let touched = (0..self.cells.len()).any(|n| descriptor.is_additive(n as u32) && self.cells[n] != base(n));
        let added = match descriptor.classic_cells() as usize {
            0 if descriptor.native.is_some() => 0,
            0 => self.values.len(),
            classic => classic,
        };
        for n in 0..added {
            self.values[n] += self.cells[n] - base(n);
        }
        if let (Some(native), Some(options)) = (&mut self.native, descriptor.native.as_ref()) {
            let from = descriptor.classic_cells() as usize;
            let baseline = baseline.is_some().then(|| &self.baseline[from..]);
            native.add_part(options, &self.cells[from..], baseline);
        }
        touched
    }

    /// True when the classic and the native buckets count the same observations.
    fn agrees(&self) -> bool {
        let Some(native) = &self.native else { return true };
        let [counts @ .., _] = &self.values[..] else {
            return true;
        };
        self.metric.descriptor.classic_cells() == 0 || counts.iter().sum::<f64>() == native.count as f64
    }

    /// Makes the classic buckets count what the native ones do.
    fn level(&mut self) {
        let Some(native) = &self.native else { return };
        if let [counts @ .., _] = &mut self.values[..] {
            let missing = native.count as f64 - counts.iter().sum::<f64>();
            if let Some(last) = counts.last_mut().filter(|last| **last + missing >= 0.0) {
                *last += missing;
            }
        }
    }

    fn estimate(&mut self) {
        self.quantiles.clear();
        let Some(options) = &self.metric.descriptor.summary else {
            return;
        };
        if !options.external {
            for location in &self.locations {
                self.metric.drain(*location);
            }
            self.metric
                .summaries
                .quantiles(options, &self.locations, mono_ms(), &mut self.quantiles);
        } else if let Some(at) = self.locations.first() {
            // JS wrote them; of several threads the first is asked.
            let cells = 2..2 + options.quantiles.len() as u32;
            self.quantiles.extend(cells.map(|cell| self.metric.value_at(*at, cell)));
        }
    }

    fn view<'v>(&'v self, labels: &'v [u8], created_ns: u64) -> SeriesView<'v> {
        SeriesView {
            labels,
            values: &self.values,
            created_ns,
            native: self.native.as_ref(),
            quantiles: &self.quantiles,
            exemplars: &self.exemplars,
        }
    }
}
