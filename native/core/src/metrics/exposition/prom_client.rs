//! The text that the npm package prom-client 15 writes of a registry, byte for byte, its own ways included: `Nan`, blank lines
//! between metrics, `le="1"`, the labels of a series in the order of its first use, `_total` behind every counter of
//! OpenMetrics. The twin of `src/compat/prom-client/text.ts`. Runs on the thread that renders.

use super::super::descriptor::Descriptor;
use super::super::exemplars::Exemplar;
use super::super::metric::{Kind, Metric, SeriesView};
use super::super::registry::Registry;
use super::escape::push_help;
use super::number::javascript;
use crate::encode::room::Room;
use std::ops::Range;

/// Integers up to here are exact in an f64, so they are written as integers.
const EXACT: u64 = 1 << 53;
/// Room for a number and the characters around it.
const TAIL: usize = 40;

/// Appends all metrics of `registries`, one after another. A registry without metrics gives an empty line, as there.
pub(super) fn render(registries: &[&Registry], openmetrics: bool, out: &mut Vec<u8>) {
    let mut first = true;
    for registry in registries {
        let defaults = registry.default_labels();
        registry.for_each_metric(&mut |metric| {
            let Some(r#type) = type_of(metric.kind()) else { return };
            if !std::mem::take(&mut first) {
                out.extend_from_slice(if openmetrics { b"\n" } else { b"\n\n" });
            }
            Text::new(metric.descriptor(), &defaults, openmetrics).push(metric, r#type, out);
        });
    }
    out.extend_from_slice(if openmetrics { b"\n# EOF\n" } else { b"\n" });
}

/// prom-client has four kinds.
fn type_of(kind: Kind) -> Option<&'static str> {
    match kind {
        Kind::Counter => Some("counter"),
        Kind::Gauge => Some("gauge"),
        Kind::Histogram => Some("histogram"),
        Kind::Summary => Some("summary"),
        Kind::Info | Kind::StateSet => None,
    }
}

/// What is the same for all series of a metric.
struct Text<'a> {
    /// Above the lines.
    name: &'a str,
    /// `name{` and `name ` of the value, or of the buckets.
    sample: Opening,
    sum: Opening,
    count: Opening,
    /// `le="0.005"` or `quantile="0.5"`.
    first_labels: Vec<Vec<u8>>,
    /// Names and escaped pairs, with a comma in front.
    defaults: Vec<(&'a str, Vec<u8>)>,
    exemplars: bool,
}

impl<'a> Text<'a> {
    fn new(descriptor: &'a Descriptor, defaults: &'a [(Box<str>, Box<str>)], openmetrics: bool) -> Text<'a> {
        let counter = openmetrics && descriptor.kind == Kind::Counter;
        let whole: &str = &descriptor.name;
        let name = if counter {
            whole.strip_suffix("_total").unwrap_or(whole)
        } else {
            whole
        };
        let suffix = match descriptor.kind {
            Kind::Counter if openmetrics => "_total",
            Kind::Histogram => "_bucket",
            _ => "",
        };
        let first_labels = match descriptor.kind {
            Kind::Histogram => descriptor
                .bounds
                .iter()
                .map(|bound| javascript(*bound))
                .chain(["+Inf".into()])
                .map(|le| format!("le=\"{le}\"").into_bytes())
                .collect(),
            Kind::Summary => descriptor
                .summary
                .iter()
                .flat_map(|summary| &*summary.quantiles)
                .map(|quantile| format!("quantile=\"{}\"", javascript(*quantile)).into_bytes())
                .collect(),
            _ => Vec::new(),
        };
        Text {
            name,
            sample: Opening::new(name, suffix),
            sum: Opening::new(name, "_sum"),
            count: Opening::new(name, "_count"),
            first_labels,
            defaults: defaults
                .iter()
                .map(|(name, value)| (&**name, default_pair(name, value)))
                .collect(),
            exemplars: openmetrics,
        }
    }

    fn push(&self, metric: &Metric, r#type: &str, out: &mut Vec<u8>) {
        out.extend_from_slice(b"# HELP ");
        out.extend_from_slice(self.name.as_bytes());
        out.push(b' ');
        push_help(metric.help(), out);
        out.extend_from_slice(format!("\n# TYPE {} {type}", self.name).as_bytes());
        let start = out.len();
        let mut defaults = Vec::new();
        let (mut last, mut in_order) = (0, true);
        metric.for_each_view(&mut |view| {
            in_order &= view.created_ns >= last;
            last = view.created_ns;
            self.push_series(metric.kind(), view, &mut defaults, out);
        });
        if !in_order {
            out.truncate(start);
            self.push_in_order(metric, &mut defaults, out);
        }
    }

    /// Series lie in slots that are used again; prom-client shows them in the order of first use.
    fn push_in_order(&self, metric: &Metric, defaults: &mut Vec<u8>, out: &mut Vec<u8>) {
        let mut lines = Vec::new();
        let mut series: Vec<(u64, Range<usize>)> = Vec::new();
        metric.for_each_view(&mut |view| {
            let start = lines.len();
            self.push_series(metric.kind(), view, defaults, &mut lines);
            series.push((view.created_ns, start..lines.len()));
        });
        series.sort_by_key(|(created, _)| *created);
        for (_, range) in series {
            out.extend_from_slice(&lines[range]);
        }
    }

    fn push_series(&self, kind: Kind, view: &SeriesView<'_>, defaults: &mut Vec<u8>, out: &mut Vec<u8>) {
        match (kind, view.values) {
            (Kind::Histogram, [counts @ .., sum]) => {
                self.defaults_of(view.labels, "le", defaults);
                let line = self.sample.labelled.len() + defaults.len() + view.labels.len() + TAIL;
                let mut count = 0.0;
                for (bucket, (le, of_bucket)) in self.first_labels.iter().zip(counts).enumerate() {
                    count += of_bucket;
                    let mut room = Room::new(out, line + le.len());
                    room.push(&self.sample.labelled);
                    room.push(le);
                    room.push(defaults);
                    if !view.labels.is_empty() {
                        room.push(b",");
                        room.push(view.labels);
                    }
                    room.push(b"} ");
                    push_number(count, &mut room);
                    drop(room);
                    self.push_exemplar(view.exemplars.iter().find(|kept| kept.bucket == bucket as u32), out);
                }
                self.defaults_of(view.labels, "", defaults);
                let front = defaults.strip_prefix(b",").unwrap_or_default();
                for (opening, value) in [(&self.sum, *sum), (&self.count, count)] {
                    opening.push(&[front, view.labels], value, out);
                }
            }
            (Kind::Summary, [count, sum, ..]) => {
                self.defaults_of(view.labels, "quantile", defaults);
                let back = defaults.strip_prefix(b",").unwrap_or_default();
                for (quantile, value) in self.first_labels.iter().zip(view.quantiles) {
                    let value = if value.is_nan() { 0.0 } else { *value };
                    self.sample.push(&[quantile, view.labels, back], value, out);
                }
                self.defaults_of(view.labels, "", defaults);
                let back = defaults.strip_prefix(b",").unwrap_or_default();
                for (opening, value) in [(&self.sum, *sum), (&self.count, *count)] {
                    opening.push(&[view.labels, back], value, out);
                }
            }
            (_, [value, ..]) if self.defaults.is_empty() => {
                self.sample.push_one(view.labels, *value, out);
                if self.exemplars {
                    self.push_exemplar(view.exemplars.first(), out);
                }
            }
            (_, [value, ..]) => {
                self.defaults_of(view.labels, "", defaults);
                let back = defaults.strip_prefix(b",").unwrap_or_default();
                self.sample.push(&[view.labels, back], *value, out);
                self.push_exemplar(view.exemplars.first(), out);
            }
            _ => {}
        }
    }

    /// The default labels, a comma in front of each, of a series that has neither them nor the label `reserved`.
    fn defaults_of(&self, labels: &[u8], reserved: &str, defaults: &mut Vec<u8>) {
        defaults.clear();
        for (name, pair) in &self.defaults {
            if *name != reserved && !has_label(labels, name.as_bytes()) {
                defaults.extend_from_slice(pair);
            }
        }
    }

    fn push_exemplar(&self, exemplar: Option<&Exemplar>, out: &mut Vec<u8>) {
        let Some(exemplar) = exemplar.filter(|_| self.exemplars) else {
            return;
        };
        let mut room = Room::new(out, exemplar.labels.len() + 2 * TAIL);
        room.push(b" # {");
        room.push(&exemplar.labels);
        room.push(b"} ");
        push_number(exemplar.value, &mut room);
        room.push(b" ");
        push_number(exemplar.timestamp_ms as f64 / 1e3, &mut room);
    }
}

/// How a line of one sample name begins: the line feed of the line before is part of it.
struct Opening {
    /// `\nname{`
    labelled: Vec<u8>,
    /// `\nname `
    bare: Vec<u8>,
}

impl Opening {
    fn new(name: &str, suffix: &str) -> Opening {
        Opening {
            labelled: format!("\n{name}{suffix}{{").into_bytes(),
            bare: format!("\n{name}{suffix} ").into_bytes(),
        }
    }

    /// A line with one label block, which may be empty: what most series are.
    #[inline]
    fn push_one(&self, labels: &[u8], value: f64, out: &mut Vec<u8>) {
        let mut room = Room::new(out, self.labelled.len() + labels.len() + TAIL);
        if labels.is_empty() {
            room.push(&self.bare);
        } else {
            room.push(&self.labelled);
            room.push(labels);
            room.push(b"} ");
        }
        push_number(value, &mut room);
    }

    /// A line with these pieces of a label block, of which any may be empty.
    fn push<const N: usize>(&self, labels: &[&[u8]; N], value: f64, out: &mut Vec<u8>) {
        let length: usize = labels.iter().map(|piece| piece.len() + 1).sum();
        let mut room = Room::new(out, self.labelled.len() + length + TAIL);
        if length == N {
            room.push(&self.bare);
        } else {
            room.push(&self.labelled);
            let mut comma: &[u8] = b"";
            for piece in labels.iter().filter(|piece| !piece.is_empty()) {
                room.push(comma);
                room.push(piece);
                comma = b",";
            }
            room.push(b"} ");
        }
        push_number(value, &mut room);
    }
}

/// `,name="value"`
fn default_pair(name: &str, value: &str) -> Vec<u8> {
    let mut pair = format!(",{name}=\"").into_bytes();
    super::super::labels::escape_value(value, &mut pair);
    pair.push(b'"');
    pair
}

/// True when the block has a label of that name.
fn has_label(block: &[u8], name: &[u8]) -> bool {
    let mut at = 0;
    while at < block.len() {
        let rest = &block[at..];
        if rest.starts_with(name) && rest.get(name.len()) == Some(&b'=') {
            return true;
        }
        // Over the name, `="`, the value with what is escaped in it, `",`.
        let Some(quote) = rest.iter().position(|byte| *byte == b'"') else {
            return false;
        };
        at += quote + 1;
        while at < block.len() && block[at] != b'"' {
            at += if block[at] == b'\\' { 2 } else { 1 };
        }
        at += 2;
    }
    false
}

/// A number as prom-client writes it: JavaScript's spelling, `Nan`, `+Inf`, `-Inf`. At most 25 bytes.
#[inline(always)]
fn push_number(value: f64, room: &mut Room<'_>) {
    let integer = value as i64;
    // True for -0, too, which JavaScript writes without its sign.
    if integer as f64 == value && integer.unsigned_abs() <= EXACT {
        room.push(itoa::Buffer::new().format(integer).as_bytes());
    } else {
        push_real(value, room);
    }
}

fn push_real(value: f64, room: &mut Room<'_>) {
    if value.is_nan() {
        return room.push(b"Nan");
    }
    if value.is_infinite() {
        return room.push(if value > 0.0 { b"+Inf" } else { b"-Inf" });
    }
    let mut buffer = zmij::Buffer::new();
    let text = buffer.format_finite(value).as_bytes();
    // The same digits in both; where JavaScript has an exponent is another matter.
    if (1e-6..1e21).contains(&value.abs()) && !text.contains(&b'e') {
        room.push(text.strip_suffix(b".0").unwrap_or(text));
    } else {
        room.push(javascript(value).as_bytes());
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::super::descriptor::Aggregate;
    use super::super::super::metric::Metric;
    use super::super::super::registry::Registries;
    use super::super::super::summary::SummaryOptions;
    use super::*;
    use crate::memory::table::{AnonymousProvider, Memory, Owner, Role};
    use std::sync::Arc;

    /// A registry as the drop-in opens it, and a thread that records.
    struct Bench {
        registries: Registries,
        registry: Arc<Registry>,
        owner: Arc<Owner>,
    }

    impl Bench {
        fn new() -> Bench {
            let memory = Arc::new(Memory::new(Box::new(AnonymousProvider)));
            let owner = memory.attach(Role::Main, 0).unwrap();
            let registries = Registries::new(memory);
            let registry = registries.open_with(None, true);
            Bench {
                registries,
                registry,
                owner,
            }
        }

        fn metric(&self, name: &str, kind: Kind, change: impl FnOnce(&mut Descriptor)) -> Arc<Metric> {
            let mut descriptor = Descriptor {
                name: name.into(),
                help: "a \"b\"\\\n".into(),
                unit: "".into(),
                kind,
                label_names: ["a".into(), "b".into()].into(),
                bounds: Box::default(),
                aggregate: Aggregate::Sum,
                native: None,
                summary: None,
                states: Box::default(),
            };
            change(&mut descriptor);
            let metric = self.registries.declare_alone(descriptor);
            self.registries.adopt(&self.registry, &metric).unwrap();
            metric
        }

        fn set(&self, metric: &Metric, block: &str, values: &[f64]) {
            let at = metric.register(&self.owner, block.as_bytes()).unwrap().location;
            let slot = self.registries.memory().slot(at.segment()).unwrap();
            for (n, value) in values.iter().enumerate() {
                slot.segment
                    .cell(at.cell() + n as u32)
                    .store(value.to_bits(), std::sync::atomic::Ordering::Relaxed);
            }
        }

        fn text(&self, openmetrics: bool) -> String {
            let mut out = Vec::new();
            render(&[&self.registry], openmetrics, &mut out);
            String::from_utf8(out).unwrap()
        }
    }

    #[test]
    fn an_empty_registry_is_an_empty_line() {
        let bench = Bench::new();
        assert_eq!(bench.text(false), "\n");
        assert_eq!(bench.text(true), "\n# EOF\n");
    }

    #[test]
    fn metrics_are_apart_and_counters_of_openmetrics_have_their_suffix() {
        let bench = Bench::new();
        bench.set(&bench.metric("jobs_total", Kind::Counter, |_| {}), "", &[2.0]);
        bench.set(
            &bench.metric("size", Kind::Gauge, |_| {}),
            "b=\"1\",a=\"\\\"\"",
            &[f64::NAN],
        );
        assert_eq!(
            bench.text(false),
            "# HELP jobs_total a \"b\"\\\\\\n\n# TYPE jobs_total counter\njobs_total 2\n\n\
             # HELP size a \"b\"\\\\\\n\n# TYPE size gauge\nsize{b=\"1\",a=\"\\\"\"} Nan\n"
        );
        assert_eq!(
            bench.text(true),
            "# HELP jobs a \"b\"\\\\\\n\n# TYPE jobs counter\njobs_total 2\n\
             # HELP size a \"b\"\\\\\\n\n# TYPE size gauge\nsize{b=\"1\",a=\"\\\"\"} Nan\n# EOF\n"
        );
    }

    #[test]
    fn default_labels_stand_behind_own_ones_but_before_those_of_a_histogram() {
        let bench = Bench::new();
        let default = |name: &str, value: &str| (Box::from(name), Box::from(value));
        bench
            .registry
            .set_default_labels([default("a", "x"), default("le", "y"), default("quantile", "\"")].into());
        bench.set(
            &bench.metric("c", Kind::Counter, |_| {}),
            "b=\"a=\\\"\",aa=\"1\"",
            &[1.0],
        );
        let histogram = bench.metric("h", Kind::Histogram, |declared| declared.bounds = [0.5, 1.0].into());
        bench.set(&histogram, "a=\"own\"", &[1.0, 0.0, 2.0, 1e-7]);
        let summary = bench.metric("s", Kind::Summary, |declared| {
            declared.summary = Some(SummaryOptions {
                quantiles: [0.5].into(),
                max_age_ms: 0,
                age_buckets: 1,
                relative_error: 0.0,
                external: true,
            });
        });
        bench.set(&summary, "b=\"1\"", &[3.0, 1e21, f64::NAN]);
        let text = bench.text(false);
        let lines: Vec<&str> = text
            .lines()
            .filter(|line| !line.starts_with('#') && !line.is_empty())
            .collect();
        assert_eq!(
            lines,
            [
                r#"c{b="a=\"",aa="1",a="x",le="y",quantile="\""} 1"#,
                r#"h_bucket{le="0.5",quantile="\"",a="own"} 1"#,
                r#"h_bucket{le="1",quantile="\"",a="own"} 1"#,
                r#"h_bucket{le="+Inf",quantile="\"",a="own"} 3"#,
                r#"h_sum{le="y",quantile="\"",a="own"} 1e-7"#,
                r#"h_count{le="y",quantile="\"",a="own"} 3"#,
                r#"s{quantile="0.5",b="1",a="x",le="y"} 0"#,
                r#"s_sum{b="1",a="x",le="y",quantile="\""} 1e+21"#,
                r#"s_count{b="1",a="x",le="y",quantile="\""} 3"#,
            ]
        );
    }

    #[test]
    fn series_stand_in_the_order_of_first_use_when_slots_are_used_again() {
        let bench = Bench::new();
        let counter = bench.metric("c", Kind::Counter, |_| {});
        for value in ["1", "2", "3"] {
            bench.set(&counter, &format!("a=\"{value}\""), &[1.0]);
        }
        for value in ["1", "2"] {
            counter.remove(Some(&bench.owner), format!("a=\"{value}\"").as_bytes(), false);
        }
        for value in ["4", "1", "5"] {
            bench.set(&counter, &format!("a=\"{value}\""), &[1.0]);
        }
        let text = bench.text(false);
        let order: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("c{a=\"")).collect();
        assert_eq!(order, ["3\"} 1", "4\"} 1", "1\"} 1", "5\"} 1"]);
    }

    #[test]
    fn exemplars_follow_their_bucket_in_openmetrics_only() {
        let bench = Bench::new();
        let counter = bench.metric("c", Kind::Counter, |_| {});
        let histogram = bench.metric("h", Kind::Histogram, |declared| declared.bounds = [1.0].into());
        for (metric, bucket) in [(&counter, 0), (&histogram, 1)] {
            bench.set(metric, "", &[1.0]);
            let at = metric.register(&bench.owner, b"").unwrap().location;
            let (labels, value, timestamp_ms) = (Box::from(&b"id=\"7\""[..]), 1.5, 1_678_654_679_250);
            metric.keep_exemplar(
                at,
                Exemplar {
                    bucket,
                    labels,
                    value,
                    timestamp_ms,
                },
            );
        }
        assert!(!bench.text(false).contains(" # "));
        let text = bench.text(true);
        let with: Vec<&str> = text.lines().filter(|line| line.contains(" # ")).collect();
        let kept = r#" # {id="7"} 1.5 1678654679.25"#;
        assert_eq!(
            with,
            [format!("c_total 1{kept}"), format!("h_bucket{{le=\"+Inf\"}} 1{kept}")]
        );
    }

    #[test]
    fn numbers_are_spelled_as_in_javascript() {
        let spelled = |value: f64| {
            let mut out = Vec::new();
            push_number(value, &mut Room::new(&mut out, TAIL));
            String::from_utf8(out).unwrap()
        };
        for (value, text) in [
            (0.0, "0"),
            (-0.0, "0"),
            (-3.0, "-3"),
            (0.1, "0.1"),
            (1e-6, "0.000001"),
            (1.5e-7, "1.5e-7"),
            (123456789012345680000.0, "123456789012345680000"),
            (9_007_199_254_740_994.0, "9007199254740994"),
            (1e21, "1e+21"),
            (-2.5e300, "-2.5e+300"),
            (f64::MIN_POSITIVE, "2.2250738585072014e-308"),
            (f64::INFINITY, "+Inf"),
            (f64::NEG_INFINITY, "-Inf"),
            (f64::NAN, "Nan"),
        ] {
            assert_eq!(spelled(value), text);
        }
    }
}
