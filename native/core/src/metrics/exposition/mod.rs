//! The registry as scrapers read it: text, OpenMetrics and protobuf. Runs on the thread that renders, never on an
//! application thread, and takes no lock that registration or recording waits for.
//!
//! | file | owns |
//! |---|---|
//! | `format` | the formats, their content types, and what a family is called in each |
//! | `escape`, `pairs` | names and labels under the escaping schemes |
//! | `families`, `filter` | which metric belongs to which family, so that a family is one group whatever the registries hold |
//! | `series` | one metric on its way out, in whichever format |
//! | `source`, `collected` | what is the same for all series of a metric, from a registry or from a collector |
//! | `head`, `lines`, `composite`, `exemplars` | what the text formats write: around a family's samples, and per series |
//! | `protobuf` | the same, binary |
//! | `prom_client` | text as the package of that name writes it |
//! | `number` | numbers |

mod collected;
mod composite;
pub mod escape;
mod exemplars;
mod families;
mod filter;
mod format;
mod head;
mod lines;
pub mod number;
mod pairs;
mod prom_client;
mod protobuf;
mod series;
mod source;
#[cfg(test)]
mod tests;

pub use escape::Escaping;
pub use format::{FORMATS, Format};

use super::metric::{Kind, SeriesView};
use super::registry::{DefaultLabels, Registry};
use crate::encode::protobuf::{push_delimited, push_varint};
use collected::Collected;
use families::{Families, Place};
use format::{Names, Style, Type};
use hashbrown::HashSet;
use series::{Series, push_head};
use source::Source;

/// Written when a scrape left something out; the name is reserved in every scrape.
const LEFT_OUT: &str = "kymo_scrape_left_out";
const LEFT_OUT_HELP: &str =
    "Metrics and series missing from this scrape, since others of it have their names and labels.";
/// Bytes that the length of a family of usual size takes in protobuf.
const FAMILY_LENGTH: usize = 2;

/// How to render.
#[derive(Clone, Copy, Debug)]
pub struct RenderOptions<'a> {
    /// The format.
    pub format: Format,
    /// How names are written that only newer scrapers know.
    pub escaping: Escaping,
    /// Writes a `_created` sample beside each counter, histogram and summary of OpenMetrics 1: one more line per series,
    /// so off unless asked for. OpenMetrics 2 and protobuf always have the time, and text never does.
    pub created: bool,
    /// Families to write, by their name or that of one of their samples; empty for all.
    pub names: &'a [Box<str>],
}

impl RenderOptions<'_> {
    /// All of it, in the default scheme, without creation times.
    pub fn new(format: Format) -> RenderOptions<'static> {
        RenderOptions {
            format,
            escaping: Escaping::default(),
            created: false,
            names: &[],
        }
    }
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

/// [`render_with`] the default options.
pub fn render(registries: &[&Registry], format: Format, out: &mut Vec<u8>) -> Rendered {
    render_with(registries, RenderOptions::new(format), out)
}

/// Appends the metrics of `registries`, in order of registration, collectors behind them.
///
/// A family is one group with one head: a name that several registries share is written once, with the series
/// of all of them; of two series with equal labels the first registry's is written. A name in use for another kind
/// of metric is refused to the later one. Both are counted in [`Rendered`], and the scrape itself says so in
/// `kymo_scrape_left_out`. A metric that is in several registries with the same default labels is written once. Each
/// series is one snapshot. An empty registry gives `""` as text and protobuf, and `# EOF` in OpenMetrics.
///
/// In OpenMetrics 1 a counter's family name has no `_total` and its sample always has it, so `jobs` is written as family
/// `jobs` with sample `jobs_total` there.
///
/// The two formats of prom-client follow that package instead, and count nothing in [`Rendered`].
///
/// About 18 ns per counter series; allocates per family, not per series, beyond the growth of `out`. Pass the same
/// buffer again to have none of that either.
pub fn render_with(registries: &[&Registry], options: RenderOptions<'_>, out: &mut Vec<u8>) -> Rendered {
    if let Some(openmetrics) = options.format.prom_client() {
        prom_client::render(registries, openmetrics, out);
        return Rendered::default();
    }
    let mut distinct: Vec<(&Registry, DefaultLabels)> = Vec::with_capacity(registries.len());
    for registry in registries {
        if !distinct.iter().any(|(known, _)| std::ptr::eq(*known, *registry)) {
            distinct.push((registry, registry.default_labels()));
        }
    }
    // Collectors run once per scrape: their samples are kept, since the plan has to be made before the first line.
    let mut collected = Collected::default();
    for (registry, default_labels) in &distinct {
        registry.for_each_collector(&mut |collector| collected.run(collector, default_labels));
    }
    let mut families = Families::new(options);
    let mut once = Once::new(&distinct);
    for (registry, default_labels) in &distinct {
        registry.for_each_metric(&mut |metric| {
            if once.is_first(metric.id(), default_labels) {
                families.declare(&Source::of_metric(metric, default_labels));
            }
        });
    }
    for family in collected.families() {
        families.declare(&Source::of_collected(family));
    }

    let mut scrape = Scrape::new(options, families, out);
    let mut once = Once::new(&distinct);
    for (registry, default_labels) in &distinct {
        registry.for_each_metric(&mut |metric| {
            if once.is_first(metric.id(), default_labels) {
                scrape.family(&Source::of_metric(metric, default_labels), |visit| {
                    metric.for_each_view(visit)
                });
            }
        });
    }
    for family in collected.families() {
        scrape.family(&Source::of_collected(family), |visit| {
            for (labels, value) in &family.samples {
                visit(&plain_view(labels.as_bytes(), &[*value]));
            }
        });
    }
    scrape.finish()
}

/// When what a series shows began to be counted, in ns since 1970: a native histogram may have begun anew since.
fn began_ns(view: &SeriesView<'_>) -> u64 {
    let native = view
        .native
        .map_or(0, |native| native.start_ms.saturating_mul(1_000_000));
    view.created_ns.max(native)
}

/// A series that is its values and nothing else.
fn plain_view<'a>(labels: &'a [u8], values: &'a [f64]) -> SeriesView<'a> {
    SeriesView {
        labels,
        values,
        created_ns: 0,
        native: None,
        quantiles: &[],
        exemplars: &[],
    }
}

/// Metrics that were seen, where several registries may hold the same one.
struct Once {
    seen: Option<HashSet<(u32, DefaultLabels)>>,
}

impl Once {
    fn new(registries: &[(&Registry, DefaultLabels)]) -> Once {
        Once {
            seen: (registries.len() > 1).then(HashSet::new),
        }
    }

    fn is_first(&mut self, metric: u32, default_labels: &DefaultLabels) -> bool {
        self.seen
            .as_mut()
            .is_none_or(|seen| seen.insert((metric, DefaultLabels::clone(default_labels))))
    }
}

/// One rendering in progress.
struct Scrape<'a> {
    options: RenderOptions<'a>,
    families: Families<'a>,
    rendered: Rendered,
    out: &'a mut Vec<u8>,
}

impl<'a> Scrape<'a> {
    fn new(options: RenderOptions<'a>, families: Families<'a>, out: &'a mut Vec<u8>) -> Scrape<'a> {
        Scrape {
            options,
            families,
            rendered: Rendered::default(),
            out,
        }
    }

    fn family(&mut self, source: &Source<'_>, for_each_series: impl FnOnce(&mut dyn FnMut(&SeriesView<'_>))) {
        let Scrape {
            options,
            families,
            rendered,
            out,
        } = self;
        let Some((names, r#type, place)) = families.place(source.name, source.kind) else {
            return;
        };
        let style = options.format.style();
        let (mut series, prefix) = Series::new(options, names, r#type, source);
        match place {
            Place::Alone => {
                rendered.families += 1;
                let write = |out: &mut Vec<u8>| {
                    push_head(style, names, r#type, source, out);
                    for_each_series(&mut |view| {
                        rendered.series += 1;
                        series.push(view, out);
                    });
                };
                if style == Style::Protobuf {
                    push_delimited(FAMILY_LENGTH, out, write);
                } else {
                    write(out);
                }
            }
            Place::Shared(group) => {
                if group.bytes.is_empty() {
                    push_head(style, names, r#type, source, &mut group.bytes);
                    rendered.families += 1;
                }
                let mut block = prefix;
                let own = block.len();
                for_each_series(&mut |view| {
                    block.truncate(own);
                    block.extend_from_slice(series.labels(view));
                    if group.is_new(&block) {
                        rendered.series += 1;
                        series.push(view, &mut group.bytes);
                    } else {
                        rendered.duplicates += 1;
                    }
                });
            }
        }
    }

    fn finish(mut self) -> Rendered {
        for group in self.families.groups() {
            if self.options.format.style() == Style::Protobuf {
                push_varint(group.bytes.len() as u64, self.out);
            }
            self.out.extend_from_slice(&group.bytes);
        }
        self.rendered.refused = self.families.refused();
        self.confess();
        if matches!(self.options.format.style(), Style::OpenMetrics1 | Style::OpenMetrics2) {
            self.out.extend_from_slice(head::END);
        }
        self.rendered
    }

    /// Nothing is lost in silence: a scrape that had to leave something out says so itself.
    fn confess(&mut self) {
        let Rendered {
            refused, duplicates, ..
        } = self.rendered;
        if refused + duplicates == 0 || !self.families.wants_sample(LEFT_OUT) {
            return;
        }
        let style = self.options.format.style();
        let source = Source::new(Kind::Gauge, LEFT_OUT, LEFT_OUT_HELP);
        let names = Names::new(style, LEFT_OUT, Type::Gauge);
        let (mut series, _) = Series::new(&self.options, &names, Type::Gauge, &source);
        let mut write = |out: &mut Vec<u8>| {
            push_head(style, &names, Type::Gauge, &source, out);
            series.push(&plain_view(b"what=\"metric\"", &[refused as f64]), out);
            series.push(&plain_view(b"what=\"series\"", &[duplicates as f64]), out);
        };
        if style == Style::Protobuf {
            push_delimited(FAMILY_LENGTH, self.out, write);
        } else {
            write(self.out);
        }
    }
}
