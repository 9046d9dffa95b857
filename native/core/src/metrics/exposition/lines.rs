//! Sample lines: the part of rendering that runs once per series. Whatever is the same for all series of a metric is
//! made before the first one, so that a line is three copies and a number. Runs on the thread that renders.

use super::super::labels::escape_value;
use super::super::metric::SeriesView;
use super::began_ns;
use super::composite::Composite;
use super::escape::{Escaping, is_legacy_metric_name, push_label_name, push_quoted};
use super::exemplars::{CLASSIC, newest, push_exemplar};
use super::format::{Names, Style, Type};
use super::number::{canonical, javascript, push_milliseconds, push_number};
use super::source::Source;
use crate::encode::room::Room;

/// Room for a number, the characters around it and the line's end.
const TAIL: usize = 40;

/// Writes the series of one metric.
pub(super) enum Lines {
    /// Counter, gauge, info.
    Number { sample: Opening, extras: Extras },
    /// A state set: one line per state.
    States { sample: Opening, states: Vec<Vec<u8>> },
    /// A histogram as one line per bucket.
    Buckets {
        bucket: Opening,
        bounds: Vec<Vec<u8>>,
        sum_and_count: Option<(Opening, Opening)>,
        extras: Extras,
    },
    /// A summary as one line per quantile.
    Quantiles {
        sample: Opening,
        quantiles: Vec<Vec<u8>>,
        sum: Opening,
        count: Opening,
        extras: Extras,
    },
    /// A histogram or a summary in one line.
    Composite { sample: Opening, value: Composite },
}

/// What a family looks like in a format.
#[derive(Clone, Copy)]
pub(super) struct Shape<'a> {
    pub(super) style: Style,
    pub(super) escaping: Escaping,
    pub(super) names: &'a Names,
    pub(super) r#type: Type,
    /// Default labels, each with a comma behind it.
    pub(super) prefix: &'a [u8],
    /// Asks for a `_created` sample of each series.
    pub(super) created: bool,
}

/// What a format writes beside the values.
#[derive(Default)]
pub(super) struct Extras {
    /// A `_created` sample per series.
    created: Option<Opening>,
    /// ` st@` behind the value.
    start: bool,
    /// The scheme for the names of exemplars, where there are exemplars.
    exemplars: Option<Escaping>,
}

impl Lines {
    /// Makes what is the same for all lines.
    pub(super) fn new(shape: &Shape<'_>, source: &Source<'_>) -> Lines {
        let Shape {
            style,
            escaping,
            names,
            r#type,
            prefix,
            created,
        } = *shape;
        let opening = |suffix: &str| Opening::new(&format!("{}{suffix}", names.sample), prefix);
        let created = created && style == Style::OpenMetrics1 && r#type.has_start();
        let extras = Extras {
            created: created.then(|| Opening::new(&format!("{}_created", names.family), prefix)),
            start: style == Style::OpenMetrics2 && r#type.has_start(),
            exemplars: (style != Style::Text && r#type.has_start()).then_some(escaping),
        };
        match (r#type, style) {
            (Type::Histogram | Type::Summary, Style::OpenMetrics2) => Lines::Composite {
                sample: opening(""),
                value: Composite::new(escaping, r#type, source),
            },
            (Type::Histogram, _) => Lines::Buckets {
                bucket: opening("_bucket"),
                bounds: bound_labels(style, source.bounds),
                // OpenMetrics 1 forbids the sum of a histogram with negative bounds, and a count without a sum.
                sum_and_count: (style == Style::Text || source.bounds.first().is_none_or(|bound| *bound >= 0.0))
                    .then(|| (opening("_sum"), opening("_count"))),
                extras,
            },
            (Type::Summary, _) => Lines::Quantiles {
                sample: opening(""),
                quantiles: source
                    .quantiles
                    .iter()
                    .map(|quantile| format!(",quantile=\"{}\"}} ", spelled(style, *quantile)).into_bytes())
                    .collect(),
                sum: opening("_sum"),
                count: opening("_count"),
                extras,
            },
            (Type::StateSet, _) => Lines::States {
                sample: opening(""),
                states: state_labels(&escaping.label_name(&names.family), source.states),
            },
            _ => Lines::Number {
                sample: opening(""),
                extras,
            },
        }
    }

    /// The beginning of a line that has nothing behind its number, and no line beside it.
    pub(super) fn plain(&self) -> Option<&Opening> {
        match self {
            Lines::Number { sample, extras } if !extras.start && extras.created.is_none() => Some(sample),
            _ => None,
        }
    }

    /// Writes one series under `labels`, which are the view's or those under an escaping scheme.
    #[inline]
    pub(super) fn push(&mut self, labels: &[u8], view: &SeriesView<'_>, out: &mut Vec<u8>) {
        let values = view.values;
        match self {
            Lines::Number { sample, extras } => {
                let [value] = values else { return };
                if extras.start || !view.exemplars.is_empty() {
                    sample.push_with(labels, *value, out, |out| {
                        if extras.start {
                            push_start(view.created_ns, out);
                        }
                        if let (Some(escaping), Some(exemplar)) = (extras.exemplars, newest(view.exemplars, |_| true)) {
                            push_exemplar(exemplar, escaping, out);
                        }
                    });
                } else {
                    sample.push(labels, *value, out);
                }
                extras.push_created(labels, view, out);
            }
            Lines::States { sample, states } => {
                for (state, value) in states.iter().zip(values) {
                    sample.push_labelled(labels, state, *value, out);
                    out.push(b'\n');
                }
            }
            Lines::Buckets {
                bucket,
                bounds,
                sum_and_count,
                extras,
            } => {
                let [counts @ .., sum] = values else { return };
                debug_assert_eq!(counts.len(), bounds.len());
                // One allocation check per series. The capacity stays with the buffer from scrape to scrape.
                let line = bucket.labelled.len() + labels.len() + TAIL;
                out.reserve(bounds.iter().map(|bound| line + bound.len()).sum::<usize>());
                let mut count = 0.0;
                for (index, (bound, in_bucket)) in bounds.iter().zip(counts).enumerate() {
                    count += in_bucket;
                    bucket.push_labelled(labels, bound, count, out);
                    if !view.exemplars.is_empty()
                        && let Some(escaping) = extras.exemplars
                    {
                        // Without classic buckets the one line there is takes the newest exemplar of all.
                        let of_line = |bucket: u32| bucket == index as u32 || (bounds.len() == 1 && bucket > CLASSIC);
                        if let Some(exemplar) = newest(view.exemplars, of_line) {
                            push_exemplar(exemplar, escaping, out);
                        }
                    }
                    out.push(b'\n');
                }
                if let Some((of_sum, of_count)) = sum_and_count {
                    of_sum.push(labels, *sum, out);
                    of_count.push(labels, count, out);
                }
                extras.push_created(labels, view, out);
            }
            Lines::Quantiles {
                sample,
                quantiles,
                sum: of_sum,
                count: of_count,
                extras,
            } => {
                let [count, sum] = values else { return };
                for (quantile, value) in quantiles.iter().zip(view.quantiles) {
                    sample.push_labelled(labels, quantile, *value, out);
                    out.push(b'\n');
                }
                of_sum.push(labels, *sum, out);
                of_count.push(labels, *count, out);
                extras.push_created(labels, view, out);
            }
            Lines::Composite { sample, value } => {
                sample.begin(labels, out);
                value.push(view, out);
                push_start(began_ns(view), out);
                value.push_exemplars(view, out);
                out.push(b'\n');
            }
        }
    }
}

impl Extras {
    fn push_created(&self, labels: &[u8], view: &SeriesView<'_>, out: &mut Vec<u8>) {
        if let Some(created) = &self.created {
            created.begin(labels, out);
            push_milliseconds(view.created_ns / 1_000_000, out);
            out.push(b'\n');
        }
    }
}

/// ` st@1763726282.250`
fn push_start(created_ns: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(b" st@");
    push_milliseconds(created_ns / 1_000_000, out);
}

/// How a line of one sample name begins.
#[derive(Clone)]
pub(super) struct Opening {
    /// `name{`, `name{a="x",` or `{"name",`: what comes next is a label.
    labelled: Vec<u8>,
    /// `name `, `name{a="x"} ` or `{"name"} `: what comes next is the value.
    bare: Vec<u8>,
}

impl Opening {
    fn new(name: &str, prefix: &[u8]) -> Opening {
        let quoted = !is_legacy_metric_name(name);
        let mut labelled = Vec::with_capacity(name.len() + prefix.len() + 4);
        if quoted {
            labelled.push(b'{');
            push_quoted(name, &mut labelled);
            labelled.push(b',');
        } else {
            labelled.extend_from_slice(name.as_bytes());
            labelled.push(b'{');
        }
        labelled.extend_from_slice(prefix);
        let mut bare = labelled.clone();
        if quoted || !prefix.is_empty() {
            // The comma in front of a label that does not come.
            bare.pop();
            bare.extend_from_slice(b"} ");
        } else {
            bare.pop();
            bare.push(b' ');
        }
        Opening { labelled, bare }
    }

    /// A whole line.
    #[inline]
    pub(super) fn push(&self, labels: &[u8], value: f64, out: &mut Vec<u8>) {
        let mut room = Room::new(out, self.labelled.len() + labels.len() + TAIL);
        self.open(labels, &mut room);
        push_number(value, &mut room);
        room.push(b"\n");
    }

    #[inline(always)]
    fn open(&self, labels: &[u8], room: &mut Room<'_>) {
        if labels.is_empty() {
            room.push(&self.bare);
        } else {
            room.push(&self.labelled);
            room.push(labels);
            room.push(b"} ");
        }
    }

    /// A line up to its value.
    fn begin(&self, labels: &[u8], out: &mut Vec<u8>) {
        let mut room = Room::new(out, self.labelled.len() + labels.len() + TAIL);
        self.open(labels, &mut room);
    }

    /// A whole line with something between its value and its end.
    fn push_with(&self, labels: &[u8], value: f64, out: &mut Vec<u8>, tail: impl FnOnce(&mut Vec<u8>)) {
        let mut room = Room::new(out, self.labelled.len() + labels.len() + TAIL);
        self.open(labels, &mut room);
        push_number(value, &mut room);
        drop(room);
        tail(out);
        out.push(b'\n');
    }

    /// A line with one label more, which begins with a comma and ends in front of the value; without the line's end.
    #[inline]
    fn push_labelled(&self, labels: &[u8], last: &[u8], value: f64, out: &mut Vec<u8>) {
        let mut room = Room::new(out, self.labelled.len() + labels.len() + last.len() + TAIL);
        room.push(&self.labelled);
        room.push(labels);
        // An unlabelled series has no comma in front of its last label.
        room.push(&last[usize::from(labels.is_empty())..]);
        push_number(value, &mut room);
    }
}

/// `,le="0.005"} ` for each bound and for the bucket without one.
fn bound_labels(style: Style, bounds: &[f64]) -> Vec<Vec<u8>> {
    bounds
        .iter()
        .chain(&[f64::INFINITY])
        .map(|bound| format!(",le=\"{}\"}} ", spelled(style, *bound)).into_bytes())
        .collect()
}

/// A bound or a quantile as the format spells it; see `number`.
pub(super) fn spelled(style: Style, number: f64) -> String {
    match style {
        Style::Text | Style::Protobuf => javascript(number),
        Style::OpenMetrics1 | Style::OpenMetrics2 => canonical(number),
    }
}

/// `,name="state"} ` for each state; the label is called as the family.
fn state_labels(name: &str, states: &[Box<str>]) -> Vec<Vec<u8>> {
    let written = |state: &str| {
        let mut label = vec![b','];
        push_label_name(name, &mut label);
        label.extend_from_slice(b"=\"");
        escape_value(state, &mut label);
        label.extend_from_slice(b"\"} ");
        label
    };
    states.iter().map(|state| written(state)).collect()
}
