//! One metric on its way out, in whichever format. Runs on the thread that renders.

use super::super::metric::SeriesView;
use super::escape::Escaping;
use super::format::{Names, Style, Type};
use super::lines::{Lines, Opening, Shape};
use super::source::{Source, prefix};
use super::{RenderOptions, head, pairs, protobuf};

/// Writes the series of one metric, in any format.
pub(super) struct Series {
    /// How the line of a series begins that is one number and nothing else.
    plain: Option<Opening>,
    form: Form,
    /// The scheme under which the names in each block are written anew, if they are.
    rewriting: Option<Escaping>,
    rewritten: Vec<u8>,
}

enum Form {
    Lines(Lines),
    Metrics(protobuf::Metrics),
}

impl Series {
    /// Gives also the default labels as they stand in front of each block.
    pub(super) fn new(
        options: &RenderOptions<'_>,
        names: &Names,
        r#type: Type,
        source: &Source<'_>,
    ) -> (Series, Vec<u8>) {
        let (style, escaping) = (options.format.style(), options.escaping);
        let defaults = source.defaults(escaping, names, r#type);
        let prefix = prefix(&defaults);
        let form = if style == Style::Protobuf {
            Form::Metrics(protobuf::Metrics::new(escaping, names, r#type, source, &defaults))
        } else {
            let shape = Shape {
                style,
                escaping,
                names,
                r#type,
                prefix: &prefix,
                created: options.created,
            };
            Form::Lines(Lines::new(&shape, source))
        };
        let rewriting = source.rewriting(escaping);
        let plain = match &form {
            Form::Lines(lines) if rewriting.is_none() => lines.plain().cloned(),
            _ => None,
        };
        let series = Series {
            plain,
            form,
            rewriting,
            rewritten: Vec::new(),
        };
        (series, prefix)
    }

    /// The labels of a series as they are written.
    pub(super) fn labels<'v>(&'v mut self, view: &SeriesView<'v>) -> &'v [u8] {
        match self.rewriting {
            None => view.labels,
            Some(scheme) => {
                pairs::rewrite(view.labels, scheme, &mut self.rewritten);
                &self.rewritten
            }
        }
    }

    /// Writes one series. Almost every one is a counter or a gauge: for these it is a test and the line.
    #[inline(always)]
    pub(super) fn push(&mut self, view: &SeriesView<'_>, out: &mut Vec<u8>) {
        match (&self.plain, view.values) {
            (Some(opening), [value]) if view.exemplars.is_empty() => opening.push(view.labels, *value, out),
            _ => self.push_any(view, out),
        }
    }

    #[inline(never)]
    fn push_any(&mut self, view: &SeriesView<'_>, out: &mut Vec<u8>) {
        let labels = match self.rewriting {
            None => view.labels,
            Some(scheme) => {
                pairs::rewrite(view.labels, scheme, &mut self.rewritten);
                &self.rewritten
            }
        };
        match &mut self.form {
            Form::Lines(lines) => lines.push(labels, view, out),
            Form::Metrics(metrics) => metrics.push(labels, view, out),
        }
    }
}

/// What stands before a family's series.
pub(super) fn push_head(style: Style, names: &Names, r#type: Type, source: &Source<'_>, out: &mut Vec<u8>) {
    if style == Style::Protobuf {
        protobuf::push_head(names, r#type, source, out);
    } else {
        head::push_head(style, names, r#type, source, out);
    }
}
