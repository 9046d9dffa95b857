//! The registry as text that Prometheus reads: text 0.0.4 and OpenMetrics 1.0.0. Runs on the thread that renders, never
//! on an application thread, and takes no lock that registration or recording waits for.
//!
//! | file | owns |
//! |---|---|
//! | `families` | which metric belongs to which family, so that a family is one group whatever the registries hold |
//! | `text`, `openmetrics` | what the two formats write around a family's samples |
//! | `lines` | sample lines, the part that runs per series |
//! | `number`, `escape`, `piece` | numbers, characters, short copies |

pub mod escape;
mod families;
mod lines;
pub mod number;
mod openmetrics;
mod piece;
#[cfg(test)]
mod tests;
mod text;

use super::metric::{Kind, Metric};
use super::registry::Registry;
use families::{Collected, Families, Place, Type};
use lines::Lines;

/// Written when a scrape left something out; the name is reserved in every scrape.
const LEFT_OUT: &str = "kymo_scrape_left_out";
const LEFT_OUT_HELP: &str =
    "Metrics and series missing from this scrape, since others of it have their names and labels.";

/// An exposition format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// Prometheus text 0.0.4.
    Text004,
    /// OpenMetrics 1.0.0.
    OpenMetrics100,
}

impl Format {
    /// The value of `Content-Type`.
    pub fn content_type(self) -> &'static str {
        match self {
            Format::Text004 => "text/plain; version=0.0.4; charset=utf-8",
            Format::OpenMetrics100 => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

/// How to render.
#[derive(Clone, Copy, Debug)]
pub struct RenderOptions {
    /// The format.
    pub format: Format,
    /// Writes a `_created` sample beside each counter and histogram of OpenMetrics: one more line per series, so off
    /// unless asked for. Text 0.0.4 has none.
    pub created: bool,
}

/// What a scrape held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rendered {
    /// Families written.
    pub families: u64,
    /// Series written; a histogram counts once.
    pub series: u64,
    /// Metrics left out whole, since an earlier family has their name with another kind, or one of their sample names.
    pub refused: u64,
    /// Series left out, since an earlier registry has one with the same name and labels.
    pub duplicates: u64,
}

/// Appends all metrics of `registries` in `format`, in order of registration, collectors behind them.
///
/// A family is one group with one HELP and TYPE: a name that several registries share is written once, with the series
/// of all of them; of two series with equal labels the first registry's is written. A name in use for another kind
/// of metric is refused to the later one. Both are counted in [`Rendered`], and the scrape itself says so in
/// `kymo_scrape_left_out`. Each series is one snapshot. An empty
/// registry gives `""` as text and `# EOF` in OpenMetrics.
///
/// In OpenMetrics a counter's family name has no `_total` and its sample always has it, so `jobs` is written as family
/// `jobs` with sample `jobs_total` there. Characters that Prometheus does not know in names become `_`.
///
/// About 18 ns per counter series; allocates per family, not per series, beyond the growth of `out`. Pass the same
/// buffer again to have none of that either.
pub fn render(registries: &[&Registry], format: Format, out: &mut Vec<u8>) -> Rendered {
    render_with(registries, RenderOptions { format, created: false }, out)
}

/// [`render`] with all options.
pub fn render_with(registries: &[&Registry], options: RenderOptions, out: &mut Vec<u8>) -> Rendered {
    let mut distinct: Vec<&Registry> = Vec::with_capacity(registries.len());
    for registry in registries {
        if !distinct.iter().any(|known| std::ptr::eq(*known, *registry)) {
            distinct.push(registry);
        }
    }
    // Collectors run once per scrape: their samples are kept, since the plan has to be made before the first line.
    let mut collected = Collected::default();
    for registry in &distinct {
        registry.for_each_collector(&mut |collector| collected.run(collector));
    }
    let mut families = Families::new(options.format);
    for registry in &distinct {
        registry.for_each_metric(&mut |metric| families.declare(metric.name(), metric.kind()));
    }
    for family in collected.families() {
        families.declare(&family.name, family.kind);
    }

    let mut scrape = Scrape {
        options,
        families,
        rendered: Rendered::default(),
        out,
    };
    for registry in &distinct {
        registry.for_each_metric(&mut |metric| scrape.metric(metric));
    }
    for family in collected.families() {
        scrape.family(&family.name, &family.help, family.kind, &[], 0, |visit| {
            for (labels, value) in &family.samples {
                visit(labels.as_bytes(), &[*value]);
            }
        });
    }
    scrape.finish()
}

/// One rendering in progress.
struct Scrape<'a> {
    options: RenderOptions,
    families: Families,
    rendered: Rendered,
    out: &'a mut Vec<u8>,
}

impl Scrape<'_> {
    fn metric(&mut self, metric: &Metric) {
        self.family(
            metric.name(),
            metric.help(),
            metric.kind(),
            metric.bounds(),
            metric.created_ns(),
            |visit| metric.for_each_series(visit),
        );
    }

    fn family(
        &mut self,
        name: &str,
        help: &str,
        kind: Kind,
        bounds: &[f64],
        created_ns: u64,
        for_each_series: impl FnOnce(&mut dyn FnMut(&[u8], &[f64])),
    ) {
        let Scrape {
            options,
            families,
            rendered,
            out,
        } = self;
        let Some((name, r#type, place)) = families.place(name, kind) else {
            return;
        };
        let created = (options.created && options.format == Format::OpenMetrics100).then_some(created_ns);
        let write_head = |out: &mut Vec<u8>| match options.format {
            Format::Text004 => text::push_head(name, r#type, help, out),
            Format::OpenMetrics100 => openmetrics::push_head(name, r#type, help, out),
        };
        let mut lines = Lines::new(options.format, name, r#type, bounds, created);
        match place {
            Place::Alone => {
                write_head(out);
                rendered.families += 1;
                for_each_series(&mut |labels, values| {
                    rendered.series += 1;
                    lines.push(labels, values, out);
                });
            }
            Place::Shared(group) => {
                if group.bytes.is_empty() {
                    write_head(&mut group.bytes);
                    rendered.families += 1;
                }
                for_each_series(&mut |labels, values| {
                    if group.is_new(labels) {
                        rendered.series += 1;
                        lines.push(labels, values, &mut group.bytes);
                    } else {
                        rendered.duplicates += 1;
                    }
                });
            }
        }
    }

    fn finish(mut self) -> Rendered {
        for group in self.families.groups() {
            self.out.extend_from_slice(&group.bytes);
        }
        self.rendered.refused = self.families.refused();
        self.confess();
        if self.options.format == Format::OpenMetrics100 {
            self.out.extend_from_slice(openmetrics::END);
        }
        self.rendered
    }

    /// Nothing is lost in silence: a scrape that had to leave something out says so itself.
    fn confess(&mut self) {
        let Rendered {
            refused, duplicates, ..
        } = self.rendered;
        if refused + duplicates == 0 {
            return;
        }
        let format = self.options.format;
        match format {
            Format::Text004 => text::push_head(LEFT_OUT, Type::Gauge, LEFT_OUT_HELP, self.out),
            Format::OpenMetrics100 => openmetrics::push_head(LEFT_OUT, Type::Gauge, LEFT_OUT_HELP, self.out),
        }
        let mut lines = Lines::new(format, LEFT_OUT, Type::Gauge, &[], None);
        lines.push(b"what=\"metric\"", &[refused as f64], self.out);
        lines.push(b"what=\"series\"", &[duplicates as f64], self.out);
    }
}
