//! What scrapes cost, as metrics of their own: how many, in which format and encoding, how long they took to render, how many
//! bytes left the process. Written by the threads that render and send, read by any.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::collector::{Collector, Sample};
use super::exposition::{Format, Rendered};
use super::metric::Kind;
use super::negotiation::Encoding;

/// Format and encoding of one scrape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScrapeKind {
    /// The format.
    pub format: Format,
    /// How its bytes are coded.
    pub encoding: Encoding,
}

impl ScrapeKind {
    /// Not coded.
    pub fn plain(format: Format) -> ScrapeKind {
        ScrapeKind {
            format,
            encoding: Encoding::Identity,
        }
    }
}

/// Totals of every scrape of the process, whoever served it. Each call takes a lock for some nanoseconds, which nothing holds
/// while it renders or sends.
#[derive(Default)]
pub struct ScrapeCounters(Mutex<Counts>);

#[derive(Default)]
struct Counts {
    bodies: Vec<BodyCounts>,
    renders: Vec<RenderCounts>,
    last: Rendered,
}

struct BodyCounts {
    kind: ScrapeKind,
    scrapes: u64,
    bytes: u64,
}

struct RenderCounts {
    format: Format,
    renders: u64,
    nanoseconds: u64,
}

impl ScrapeCounters {
    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a body that was rendered, and coded, in `took`. The formats of prom-client do not tell what they wrote.
    pub fn rendered(&self, format: Format, took: Duration, rendered: &Rendered) {
        let mut counts = self.counts();
        if !matches!(format, Format::PromClientText | Format::PromClientOpenMetrics) {
            counts.last = *rendered;
        }
        let place = counts.renders.iter().position(|row| row.format == format);
        let place = place.unwrap_or_else(|| {
            counts.renders.push(RenderCounts {
                format,
                renders: 0,
                nanoseconds: 0,
            });
            counts.renders.len() - 1
        });
        counts.renders[place].renders += 1;
        counts.renders[place].nanoseconds += took.as_nanos() as u64;
    }

    /// Counts `bytes` of a body that were sent to one client; `complete` when they are the last of it.
    pub fn sent(&self, kind: ScrapeKind, bytes: u64, complete: bool) {
        let mut counts = self.counts();
        let place = counts.bodies.iter().position(|row| row.kind == kind);
        let place = place.unwrap_or_else(|| {
            counts.bodies.push(BodyCounts {
                kind,
                scrapes: 0,
                bytes: 0,
            });
            counts.bodies.len() - 1
        });
        counts.bodies[place].scrapes += u64::from(complete);
        counts.bodies[place].bytes += bytes;
    }
}

/// Allocates the labels; takes the lock for as long as it writes them.
impl Collector for ScrapeCounters {
    fn collect(&self, emit: &mut dyn FnMut(Sample<'_>)) {
        let mut give = |name, help, kind, labels: &str, value: f64| {
            emit(Sample {
                name,
                help,
                kind,
                labels,
                value,
            });
        };
        let counts = self.counts();
        for row in &counts.bodies {
            let help = "Scrapes answered to their end, by format and encoding.";
            let labels = labels_of(row.kind);
            give("kymo_scrapes_total", help, Kind::Counter, &labels, row.scrapes as f64);
        }
        for row in &counts.bodies {
            let help = "Bytes of scrapes sent, as they were coded.";
            let labels = labels_of(row.kind);
            give(
                "kymo_scrape_bytes_total",
                help,
                Kind::Counter,
                &labels,
                row.bytes as f64,
            );
        }
        for row in &counts.renders {
            let help = "Bodies rendered for scrapes; scrapes that wait at the same time share one.";
            let labels = format!("format=\"{}\"", row.format.word());
            give(
                "kymo_scrape_renders_total",
                help,
                Kind::Counter,
                &labels,
                row.renders as f64,
            );
        }
        for row in &counts.renders {
            let help = "Seconds spent rendering and coding scrapes.";
            let labels = format!("format=\"{}\"", row.format.word());
            let seconds = Duration::from_nanos(row.nanoseconds).as_secs_f64();
            give("kymo_scrape_seconds_total", help, Kind::Counter, &labels, seconds);
        }
        let Rendered {
            series,
            refused,
            duplicates,
            ..
        } = counts.last;
        let help = "Series in the last scrape; left out are those, and whole metrics, whose names and labels others of it have.";
        for (labels, value) in [
            ("state=\"written\"", series),
            ("state=\"left_out\"", refused + duplicates),
        ] {
            give("kymo_scrape_series", help, Kind::Gauge, labels, value as f64);
        }
    }
}

fn labels_of(kind: ScrapeKind) -> String {
    let ScrapeKind { format, encoding } = kind;
    format!("format=\"{}\",encoding=\"{}\"", format.word(), encoding.word())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(counters: &ScrapeCounters) -> Vec<String> {
        let mut lines = Vec::new();
        counters.collect(&mut |sample| lines.push(format!("{}{{{}}} {}", sample.name, sample.labels, sample.value)));
        lines
    }

    #[test]
    fn nothing_is_shown_of_formats_that_nobody_asked_for() {
        assert_eq!(
            shown(&ScrapeCounters::default()),
            [
                "kymo_scrape_series{state=\"written\"} 0",
                "kymo_scrape_series{state=\"left_out\"} 0"
            ]
        );
    }

    #[test]
    fn scrapes_bytes_and_seconds_are_shown_by_what_was_sent() {
        let counters = ScrapeCounters::default();
        let zipped = ScrapeKind {
            format: Format::OpenMetrics100,
            encoding: Encoding::Gzip,
        };
        let rendered = Rendered {
            families: 3,
            series: 7,
            refused: 1,
            duplicates: 2,
        };
        counters.rendered(
            Format::OpenMetrics100,
            Duration::from_millis(1500),
            &Rendered::default(),
        );
        counters.rendered(Format::OpenMetrics100, Duration::from_millis(500), &rendered);
        counters.sent(zipped, 100, true);
        counters.sent(zipped, 40, false);
        counters.sent(ScrapeKind::plain(Format::Text004), 5, true);
        counters.rendered(Format::PromClientText, Duration::ZERO, &Rendered::default());
        assert_eq!(
            shown(&counters),
            [
                "kymo_scrapes_total{format=\"openmetrics_1.0.0\",encoding=\"gzip\"} 1",
                "kymo_scrapes_total{format=\"text_0.0.4\",encoding=\"identity\"} 1",
                "kymo_scrape_bytes_total{format=\"openmetrics_1.0.0\",encoding=\"gzip\"} 140",
                "kymo_scrape_bytes_total{format=\"text_0.0.4\",encoding=\"identity\"} 5",
                "kymo_scrape_renders_total{format=\"openmetrics_1.0.0\"} 2",
                "kymo_scrape_renders_total{format=\"prom_client_text\"} 1",
                "kymo_scrape_seconds_total{format=\"openmetrics_1.0.0\"} 2",
                "kymo_scrape_seconds_total{format=\"prom_client_text\"} 0",
                "kymo_scrape_series{state=\"written\"} 7",
                "kymo_scrape_series{state=\"left_out\"} 3"
            ]
        );
    }
}
