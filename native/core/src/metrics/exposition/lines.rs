//! Sample lines: the part of rendering that runs once per series. Whatever is the same for all series of a family is
//! made before the first one, so that a line is three copies and a number. Runs on the thread that renders.

use super::families::Type;
use super::number::{canonical, javascript, push_number};
use super::piece::Room;
use super::{Format, openmetrics};

/// Room for a number, the characters around it and the line's end.
const TAIL: usize = 40;

/// Writes the series of one family.
pub(super) enum Lines {
    Single {
        sample: Opening,
        created: Option<Created>,
    },
    Histogram {
        bucket: Opening,
        bounds: Vec<Vec<u8>>,
        sum_and_count: Option<(Opening, Opening)>,
        created: Option<Created>,
    },
}

impl Lines {
    /// `created_ns` (wall clock, since 1970) asks for a `_created` sample of each counter and histogram series.
    pub(super) fn new(format: Format, name: &str, r#type: Type, bounds: &[f64], created_ns: Option<u64>) -> Lines {
        let created = |family: &str| created_ns.map(|ns| Created::new(family, ns));
        match (r#type, format) {
            (Type::Counter, Format::OpenMetrics100) => {
                let family = openmetrics::family_name(name, r#type);
                Lines::Single {
                    sample: Opening::new(family, "_total"),
                    created: created(family),
                }
            }
            (Type::Histogram, _) => Lines::Histogram {
                bucket: Opening::new(name, "_bucket"),
                bounds: bound_labels(format, bounds),
                // OpenMetrics forbids the sum of a histogram with negative bounds, and a count without a sum.
                sum_and_count: (format == Format::Text004 || bounds.first().is_none_or(|bound| *bound >= 0.0))
                    .then(|| (Opening::new(name, "_sum"), Opening::new(name, "_count"))),
                created: created(name),
            },
            _ => Lines::Single {
                sample: Opening::new(name, ""),
                created: None,
            },
        }
    }

    /// Writes one series. `values`: one number, or a histogram's counts per bucket (not cumulative), that of the bucket
    /// without bound, and the sum.
    #[inline]
    pub(super) fn push(&mut self, labels: &[u8], values: &[f64], out: &mut Vec<u8>) {
        match self {
            Lines::Single { sample, created } => {
                if let [value] = values {
                    sample.push(labels, *value, out);
                    if let Some(created) = created {
                        created.push(labels, out);
                    }
                }
            }
            Lines::Histogram {
                bucket,
                bounds,
                sum_and_count,
                created,
            } => {
                let [counts @ .., sum] = values else { return };
                debug_assert_eq!(counts.len(), bounds.len());
                // One allocation check per series. The capacity stays with the buffer from scrape to scrape.
                let line = bucket.labelled.len() + labels.len() + TAIL;
                out.reserve(bounds.iter().map(|bound| line + bound.len()).sum::<usize>());
                // An unlabelled series has no comma in front of `le`.
                let comma = usize::from(labels.is_empty());
                let mut count = 0.0;
                for (bound, in_bucket) in bounds.iter().zip(counts) {
                    count += in_bucket;
                    let mut room = Room::new(out, line + bound.len());
                    room.push(&bucket.labelled);
                    room.push(labels);
                    room.push(&bound[comma..]);
                    push_number(count, &mut room);
                    room.push(b"\n");
                }
                if let Some((of_sum, of_count)) = sum_and_count {
                    of_sum.push(labels, *sum, out);
                    of_count.push(labels, count, out);
                }
                if let Some(created) = created {
                    created.push(labels, out);
                }
            }
        }
    }
}

/// How a line of one sample name begins.
pub(super) struct Opening {
    /// `name{`
    labelled: Vec<u8>,
    /// `name `
    bare: Vec<u8>,
}

impl Opening {
    fn new(family: &str, suffix: &str) -> Opening {
        Opening {
            labelled: format!("{family}{suffix}{{").into_bytes(),
            bare: format!("{family}{suffix} ").into_bytes(),
        }
    }

    #[inline]
    fn push(&self, labels: &[u8], value: f64, out: &mut Vec<u8>) {
        let mut room = Room::new(out, self.labelled.len() + labels.len() + TAIL);
        if labels.is_empty() {
            room.push(&self.bare);
        } else {
            room.push(&self.labelled);
            room.push(labels);
            room.push(b"} ");
        }
        push_number(value, &mut room);
        room.push(b"\n");
    }
}

/// The `_created` sample, the same time for each series of a metric.
pub(super) struct Created {
    opening: Opening,
    seconds: f64,
}

impl Created {
    fn new(family: &str, ns: u64) -> Created {
        Created {
            opening: Opening::new(family, "_created"),
            seconds: (ns / 1_000_000) as f64 / 1e3,
        }
    }

    fn push(&self, labels: &[u8], out: &mut Vec<u8>) {
        self.opening.push(labels, self.seconds, out);
    }
}

/// `,le="0.005"} ` for each bound and for the bucket without one.
fn bound_labels(format: Format, bounds: &[f64]) -> Vec<Vec<u8>> {
    let text = |bound: &f64| match format {
        Format::Text004 => javascript(*bound),
        Format::OpenMetrics100 => canonical(*bound),
    };
    bounds
        .iter()
        .chain(&[f64::INFINITY])
        .map(|bound| format!(",le=\"{}\"}} ", text(bound)).into_bytes())
        .collect()
}
