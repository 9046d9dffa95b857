//! The rules of the formats, one test each, over families written by hand. What a real registry gives is rendered and
//! judged by foreign parsers in `test/conformance/`. The numbers of rules are those of the project's list of what
//! implementations get wrong.

mod binary;
mod families;
mod labels;
mod versions;

use super::*;
use crate::metrics::exemplars::{Exemplar, NATIVE};
use crate::metrics::native_histogram::NativeHistogram;
use std::sync::Mutex;

/// When every series of these tests began.
const CREATED_NS: u64 = 1_763_726_282_250_000_000;

/// A metric as a registry would give it.
#[derive(Clone)]
struct Metric {
    source: Source<'static>,
    series: Vec<Row>,
}

#[derive(Clone, Default)]
struct Row {
    labels: &'static str,
    values: Vec<f64>,
    quantiles: Vec<f64>,
    native: Option<NativeHistogram>,
    exemplars: Vec<Exemplar>,
}

type Values = &'static [(&'static str, &'static [f64])];

fn metric(kind: Kind, name: &'static str, series: Values) -> Metric {
    let row = |(labels, values): &(&'static str, &'static [f64])| Row {
        labels,
        values: values.to_vec(),
        ..Row::default()
    };
    Metric {
        source: Source::new(kind, name, "h"),
        series: series.iter().map(row).collect(),
    }
}

fn counter(name: &'static str, series: Values) -> Metric {
    metric(Kind::Counter, name, series)
}

fn gauge(name: &'static str, series: Values) -> Metric {
    metric(Kind::Gauge, name, series)
}

fn histogram(name: &'static str, bounds: &'static [f64], series: Values) -> Metric {
    let mut metric = metric(Kind::Histogram, name, series);
    metric.source.bounds = bounds;
    metric
}

/// `series`: labels, count and sum, and a value per quantile.
fn summary(name: &'static str, quantiles: &'static [f64], series: &[(&'static str, [f64; 2], &[f64])]) -> Metric {
    let row = |(labels, values, quantiles): &(&'static str, [f64; 2], &[f64])| Row {
        labels,
        values: values.to_vec(),
        quantiles: quantiles.to_vec(),
        ..Row::default()
    };
    let mut metric = metric(Kind::Summary, name, &[]);
    metric.source.quantiles = quantiles;
    metric.series = series.iter().map(row).collect();
    metric
}

fn state_set(name: &'static str, states: &[&str], series: Values) -> Metric {
    let mut metric = metric(Kind::StateSet, name, series);
    metric.source.states = leak(states.iter().map(|state| Box::from(*state)).collect());
    metric
}

/// Tests end with their process. What they leak stays reachable, so that valgrind finds what others lose.
fn leak<T>(items: Vec<T>) -> &'static [T] {
    static LEAKED: Mutex<Vec<usize>> = Mutex::new(Vec::new());
    let leaked = Vec::leak(items);
    crate::memory::table::lock(&LEAKED).push(leaked.as_ptr().addr());
    leaked
}

impl Metric {
    fn help(mut self, help: &'static str) -> Metric {
        self.source.help = help;
        self
    }

    fn unit(mut self, unit: &'static str) -> Metric {
        self.source.unit = unit;
        self
    }

    fn label_names(mut self, names: &[&str]) -> Metric {
        self.source.label_names = leak(names.iter().map(|name| Box::from(*name)).collect());
        self
    }

    fn default_labels(mut self, labels: &[(&str, &str)]) -> Metric {
        let pair = |(name, value): &(&str, &str)| (Box::from(*name), Box::from(*value));
        self.source.default_labels = leak(labels.iter().map(pair).collect());
        self
    }

    /// Gives the first series exemplars: bucket, labels, value and time in ms.
    fn exemplars(mut self, exemplars: &[(u32, &str, f64, u64)]) -> Metric {
        let exemplar = |(bucket, labels, value, timestamp_ms): &(u32, &str, f64, u64)| Exemplar {
            bucket: *bucket,
            labels: labels.as_bytes().into(),
            value: *value,
            timestamp_ms: *timestamp_ms,
        };
        self.series[0].exemplars = exemplars.iter().map(exemplar).collect();
        self
    }

    /// Gives the first series exponential buckets; without classic ones unless there are bounds.
    fn native(mut self, native: NativeHistogram) -> Metric {
        self.source.classic = !self.source.bounds.is_empty();
        self.series[0].native = Some(native);
        self
    }
}

/// Buckets as index and count; of the zero bucket, its width and count.
fn native_histogram(
    schema: i32,
    zero: (f64, u64),
    sum: f64,
    negative: &[(i32, u64)],
    positive: &[(i32, u64)],
) -> NativeHistogram {
    let mut native = NativeHistogram::default();
    (native.schema, native.sum) = (schema, sum);
    (native.zero_threshold, native.zero_count) = zero;
    (native.negative, native.positive) = (negative.to_vec(), positive.to_vec());
    native.count = zero.1 + negative.iter().chain(positive).map(|(_, count)| count).sum::<u64>();
    native
}

fn rendered_bytes(metrics: &[Metric], options: RenderOptions<'_>) -> (Vec<u8>, Rendered) {
    let mut families = Families::new(options);
    for metric in metrics {
        families.declare(&metric.source);
    }
    let mut out = Vec::new();
    let mut scrape = Scrape::new(options, families, &mut out);
    for metric in metrics {
        scrape.family(&metric.source, |visit| {
            for row in &metric.series {
                visit(&SeriesView {
                    labels: row.labels.as_bytes(),
                    values: &row.values,
                    created_ns: CREATED_NS,
                    native: row.native.as_ref(),
                    quantiles: &row.quantiles,
                    exemplars: &row.exemplars,
                });
            }
        });
    }
    let rendered = scrape.finish();
    (out, rendered)
}

fn scraped(metrics: &[Metric], options: RenderOptions<'_>) -> (String, Rendered) {
    let (bytes, rendered) = rendered_bytes(metrics, options);
    (String::from_utf8_lossy(&bytes).into_owned(), rendered)
}

fn written(metrics: &[Metric], format: Format) -> String {
    scraped(metrics, RenderOptions::new(format)).0
}

fn text(metrics: &[Metric]) -> String {
    written(metrics, Format::Text004)
}

fn openmetrics(metrics: &[Metric]) -> String {
    written(metrics, Format::OpenMetrics100)
}

/// (rule 7)
#[test]
fn text_has_help_and_type_before_the_samples() {
    let jobs = [counter("jobs_total", &[("", &[3.0]), ("queue=\"a\"", &[0.5])])];
    assert_eq!(
        text(&jobs),
        "# HELP jobs_total h\n# TYPE jobs_total counter\njobs_total 3\njobs_total{queue=\"a\"} 0.5\n"
    );
}

/// (rules 7 and 8)
#[test]
fn openmetrics_has_type_then_help_and_ends_with_eof() {
    let depth = [gauge("depth", &[("", &[-1.5])])];
    assert_eq!(
        openmetrics(&depth),
        "# TYPE depth gauge\n# HELP depth h\ndepth -1.5\n# EOF\n"
    );
}

/// (rule 7)
#[test]
fn an_empty_registry_is_an_empty_text_and_one_line_of_openmetrics() {
    assert_eq!(text(&[]), "");
    assert_eq!(openmetrics(&[]), "# EOF\n");
}

/// (rules 7 and 8)
#[test]
fn no_output_has_a_blank_line() {
    let metrics = [
        counter("a_total", &[]),
        gauge("b", &[("", &[1.0])]),
        histogram("c", &[1.0], &[("", &[1.0, 0.0, 0.5])]),
    ];
    for output in [text(&metrics), openmetrics(&metrics)] {
        assert!(
            output.ends_with('\n') && !output.contains("\n\n") && !output.starts_with('\n'),
            "{output}"
        );
    }
}

/// (rule 9)
#[test]
fn a_counter_family_of_openmetrics_has_no_total_and_its_sample_always_has_it() {
    let jobs = [
        counter("jobs_total", &[("", &[1.0])]),
        counter("plain", &[("", &[2.0])]),
        counter("_total", &[("", &[3.0])]),
    ];
    let output = openmetrics(&jobs);
    assert!(
        output.contains("# TYPE jobs counter\n# HELP jobs h\njobs_total 1\n"),
        "{output}"
    );
    assert!(
        output.contains("# TYPE plain counter\n# HELP plain h\nplain_total 2\n"),
        "{output}"
    );
    assert!(
        output.contains("# TYPE _total counter\n# HELP _total h\n_total_total 3\n"),
        "{output}"
    );
}

/// (rule 9)
#[test]
fn text_after_openmetrics_still_has_the_name_it_was_registered_with() {
    let plain = [counter("plain", &[("", &[2.0])])];
    assert_eq!(openmetrics(&plain).matches("plain_total").count(), 1);
    assert!(text(&plain).ends_with("# TYPE plain counter\nplain 2\n"));
}

#[test]
fn a_metric_without_help_has_no_help_line() {
    let metric = [gauge("a", &[("", &[1.0])]).help("")];
    assert_eq!(text(&metric), "# TYPE a gauge\na 1\n");
    assert_eq!(openmetrics(&metric), "# TYPE a gauge\na 1\n# EOF\n");
}

/// (rule 4)
#[test]
fn help_is_escaped_as_each_format_says() {
    let metric = [gauge("a", &[]).help("one \"two\"\nthree\\")];
    assert!(text(&metric).starts_with("# HELP a one \"two\"\\nthree\\\\\n"));
    assert!(openmetrics(&metric).contains("# HELP a one \\\"two\\\"\\nthree\\\\\n"));
}

#[test]
fn a_family_without_series_shows_its_help_and_type() {
    assert_eq!(
        text(&[counter("a_total", &[])]),
        "# HELP a_total h\n# TYPE a_total counter\n"
    );
}

/// (rules 6 and 13)
#[test]
fn histogram_buckets_are_cumulative_and_the_last_is_the_count() {
    let took = [histogram(
        "took",
        &[0.005, 1.0, 1e6],
        &[("", &[2.0, 3.0, 0.0, 1.0, 7.25])],
    )];
    assert_eq!(
        text(&took),
        "# HELP took h\n# TYPE took histogram\ntook_bucket{le=\"0.005\"} 2\ntook_bucket{le=\"1\"} 5\ntook_bucket{le=\"1000000\"} 5\n\
         took_bucket{le=\"+Inf\"} 6\ntook_sum 7.25\ntook_count 6\n"
    );
    let labelled = [histogram(
        "took",
        &[1.0, 1e6],
        &[("a=\"x\"", &[0.0, 0.0, 0.0, 0.0]), ("a=\"y\"", &[1.0, 0.0, 0.0, 1.0])],
    )];
    assert_eq!(
        openmetrics(&labelled),
        "# TYPE took histogram\n# HELP took h\ntook_bucket{a=\"x\",le=\"1.0\"} 0\ntook_bucket{a=\"x\",le=\"1e+06\"} 0\n\
         took_bucket{a=\"x\",le=\"+Inf\"} 0\ntook_sum{a=\"x\"} 0\ntook_count{a=\"x\"} 0\ntook_bucket{a=\"y\",le=\"1.0\"} 1\n\
         took_bucket{a=\"y\",le=\"1e+06\"} 1\ntook_bucket{a=\"y\",le=\"+Inf\"} 1\ntook_sum{a=\"y\"} 1\ntook_count{a=\"y\"} 1\n# EOF\n"
    );
}

/// (rule 13)
#[test]
fn a_histogram_with_negative_bounds_has_no_sum_in_openmetrics() {
    let change = [histogram("change", &[-1.0, 1.0], &[("", &[1.0, 1.0, 0.0, -3.0])])];
    assert!(text(&change).ends_with("change_sum -3\nchange_count 2\n"));
    assert!(
        openmetrics(&change).ends_with(
            "change_bucket{le=\"-1.0\"} 1\nchange_bucket{le=\"1.0\"} 2\nchange_bucket{le=\"+Inf\"} 2\n# EOF\n"
        )
    );
}

/// (rule 11)
#[test]
fn created_samples_are_written_on_request_and_in_openmetrics_only() {
    let metrics = [
        counter("a_total", &[("x=\"1\"", &[1.0])]),
        gauge("g", &[("", &[1.0])]),
        histogram("h", &[], &[("", &[1.0, 2.0])]),
    ];
    let with = |format| {
        let options = RenderOptions {
            created: true,
            ..RenderOptions::new(format)
        };
        scraped(&metrics, options).0
    };
    let output = with(Format::OpenMetrics100);
    assert!(
        output.contains("a_total{x=\"1\"} 1\na_created{x=\"1\"} 1763726282.250\n"),
        "{output}"
    );
    assert!(output.contains("h_count 1\nh_created 1763726282.250\n"), "{output}");
    assert_eq!(output.matches("_created").count(), 2);
    assert!(!with(Format::Text004).contains("_created"));
    assert!(!openmetrics(&metrics).contains("_created"));
}

#[test]
fn names_that_prometheus_does_not_know_are_written_with_underscores() {
    let metrics = [
        gauge("queue.depth-now", &[("", &[1.0])]),
        counter("9lives", &[("", &[1.0])]),
    ];
    assert!(text(&metrics).contains("\nqueue_depth_now 1\n"));
    assert!(openmetrics(&metrics).contains("\n_lives_total 1\n"));
}

/// (rule 5)
#[test]
fn special_values_are_spelled_as_the_formats_say() {
    let output = text(&[gauge(
        "g",
        &[
            ("v=\"1\"", &[f64::NAN]),
            ("v=\"2\"", &[f64::INFINITY]),
            ("v=\"3\"", &[f64::NEG_INFINITY]),
        ],
    )]);
    assert!(output.ends_with("g{v=\"1\"} NaN\ng{v=\"2\"} +Inf\ng{v=\"3\"} -Inf\n"));
}

#[test]
fn a_counter_is_exact_up_to_two_to_the_53() {
    let output = text(&[counter("a_total", &[("", &[9_007_199_254_740_992.0])])]);
    assert!(output.ends_with("a_total 9007199254740992\n"));
}
