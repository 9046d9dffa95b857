//! Which metrics and which labels have too many values: the report of `/debug/cardinality` and `registry.cardinality()`. Any
//! thread; reads every series once, cold.

use super::labels::read_pairs;
use super::metric::Metric;
use super::registry::Registry;
use super::snapshot::{number, string};
use std::collections::HashMap;
use std::fmt::Write;

/// Values shown per label.
const TOP: usize = 10;
/// Distinct values told apart per label; a label with more says `"more": true`.
const DISTINCT_MAX: usize = 100_000;

/// `{"metrics": [{"name", "series", "maxSeries", "overflowed", "bytes", "labels": [{"name", "values", "more", "top":
/// [["value", series], ...]}]}]}`, the metric with most series first, and in it the label with most values. `series` are
/// those that are shown, `overflowed` the requests for a new series that the overflow series answered, `bytes` what the
/// labels and cells of the series take.
pub fn report(registries: &[&Registry]) -> String {
    let mut metrics: Vec<Counted> = Vec::new();
    for registry in registries {
        registry.for_each_metric(&mut |metric| {
            if !metrics.iter().any(|known| known.id == metric.id()) {
                metrics.push(Counted::of(metric));
            }
        });
    }
    metrics.sort_by(|a, b| b.series.cmp(&a.series).then_with(|| a.name.cmp(&b.name)));
    let mut out = String::from("{\"metrics\":[");
    for (at, metric) in metrics.iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        metric.write(&mut out);
    }
    out.push_str("]}");
    out
}

struct Counted {
    id: u32,
    name: String,
    series: u64,
    bytes: u64,
    max_series: u32,
    overflowed: u64,
    labels: Vec<(String, Values)>,
}

#[derive(Default)]
struct Values {
    counts: HashMap<String, u64>,
    more: bool,
}

impl Counted {
    fn of(metric: &Metric) -> Counted {
        let mut counted = Counted {
            id: metric.id(),
            name: metric.name().to_owned(),
            series: 0,
            bytes: 0,
            max_series: metric.limits().max_series(),
            overflowed: metric.limits().overflowed(),
            labels: Vec::new(),
        };
        let cells = u64::from(metric.descriptor().cells());
        metric.for_each_series(&mut |block, _| {
            counted.series += 1;
            counted.bytes += block.len() as u64 + 8 * cells;
            for (name, value) in read_pairs(block) {
                counted.values_of(name).add(value);
            }
        });
        counted
            .labels
            .sort_by_key(|(_, values)| usize::MAX - values.counts.len());
        counted
    }

    fn values_of(&mut self, name: String) -> &mut Values {
        let at = match self.labels.iter().position(|(known, _)| *known == name) {
            Some(at) => at,
            None => {
                self.labels.push((name, Values::default()));
                self.labels.len() - 1
            }
        };
        &mut self.labels[at].1
    }

    fn write(&self, out: &mut String) {
        out.push_str("{\"name\":");
        string(out, &self.name);
        let Counted {
            series,
            bytes,
            max_series,
            overflowed,
            ..
        } = self;
        let _ = write!(
            out,
            ",\"series\":{series},\"maxSeries\":{max_series},\"overflowed\":{overflowed},\"bytes\":{bytes},\"labels\":["
        );
        for (at, (name, values)) in self.labels.iter().enumerate() {
            out.push_str(if at > 0 { ",{\"name\":" } else { "{\"name\":" });
            string(out, name);
            let _ = write!(
                out,
                ",\"values\":{},\"more\":{},\"top\":[",
                values.counts.len(),
                values.more
            );
            for (at, (value, count)) in values.top().into_iter().enumerate() {
                out.push_str(if at > 0 { ",[" } else { "[" });
                string(out, value);
                out.push(',');
                number(out, count as f64);
                out.push(']');
            }
            out.push_str("]}");
        }
        out.push_str("]}");
    }
}

impl Values {
    fn add(&mut self, value: String) {
        if let Some(count) = self.counts.get_mut(&value) {
            *count += 1;
        } else if self.counts.len() < DISTINCT_MAX {
            self.counts.insert(value, 1);
        } else {
            self.more = true;
        }
    }

    /// The values with most series, first the most frequent; equal ones by their text, so that two reports are alike.
    fn top(&self) -> Vec<(&str, u64)> {
        let mut all: Vec<(&str, u64)> = self
            .counts
            .iter()
            .map(|(value, count)| (value.as_str(), *count))
            .collect();
        all.sort_unstable_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(b.0)));
        all.truncate(TOP);
        all
    }
}
