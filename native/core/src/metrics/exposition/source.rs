//! What is the same for all series of one metric, wherever it comes from: a registry, or a collector. Any thread.

use std::borrow::Cow;

use hashbrown::HashSet;

use super::super::labels::{escape_value, is_legacy_name};
use super::super::metric::{Kind, Metric};
use super::collected::CollectedFamily;
use super::escape::{Escaping, push_label_name};
use super::format::{Names, Type};

/// One metric's declaration.
#[derive(Clone, Copy)]
pub(super) struct Source<'a> {
    pub(super) name: &'a str,
    pub(super) help: &'a str,
    pub(super) unit: &'a str,
    pub(super) kind: Kind,
    pub(super) label_names: &'a [Box<str>],
    pub(super) bounds: &'a [f64],
    /// True for a histogram whose classic buckets are counted; without them it has its count and sum alone.
    pub(super) classic: bool,
    pub(super) quantiles: &'a [f64],
    pub(super) states: &'a [Box<str>],
    pub(super) default_labels: &'a [(Box<str>, Box<str>)],
}

impl<'a> Source<'a> {
    /// Without anything that is optional.
    pub(super) fn new(kind: Kind, name: &'a str, help: &'a str) -> Source<'a> {
        Source {
            name,
            help,
            unit: "",
            kind,
            label_names: &[],
            bounds: &[],
            classic: kind == Kind::Histogram,
            quantiles: &[],
            states: &[],
            default_labels: &[],
        }
    }

    pub(super) fn of_metric(metric: &'a Metric, default_labels: &'a [(Box<str>, Box<str>)]) -> Source<'a> {
        let descriptor = metric.descriptor();
        Source {
            name: &descriptor.name,
            help: &descriptor.help,
            unit: &descriptor.unit,
            kind: descriptor.kind,
            label_names: &descriptor.label_names,
            bounds: &descriptor.bounds,
            classic: descriptor.classic_cells() > 0,
            quantiles: descriptor.summary.as_ref().map_or(&[], |summary| &summary.quantiles),
            states: &descriptor.states,
            default_labels,
        }
    }

    pub(super) fn of_collected(family: &'a CollectedFamily) -> Source<'a> {
        Source {
            default_labels: &family.default_labels,
            ..Source::new(family.kind, &family.name, &family.help)
        }
    }

    /// The scheme under which the names in each series' block have to be written anew; none when they may stand.
    pub(super) fn rewriting(&self, escaping: Escaping) -> Option<Escaping> {
        let stand = escaping == Escaping::AllowUtf8 || self.label_names.iter().all(|name| is_legacy_name(name));
        (!stand).then_some(escaping)
    }

    /// True where two label names become one under the scheme.
    pub(super) fn names_collide(&self, escaping: Escaping) -> bool {
        self.rewriting(escaping).is_some() && {
            let written: HashSet<_> = self.label_names.iter().map(|name| escaping.label_name(name)).collect();
            written.len() < self.label_names.len()
        }
    }

    /// The default labels that a series gets, names under the scheme: those whose name the metric does not use itself, nor the
    /// format (rule 16), and that have a value. Each name once.
    pub(super) fn defaults(&self, escaping: Escaping, names: &Names, r#type: Type) -> Vec<(Cow<'a, str>, &'a str)> {
        let mut defaults: Vec<(Cow<'a, str>, &'a str)> = Vec::new();
        if self.default_labels.is_empty() {
            return defaults;
        }
        let state = escaping.label_name(&names.family);
        let used = match r#type {
            Type::Histogram => "le",
            Type::Summary => "quantile",
            Type::StateSet => &state,
            _ => "",
        };
        let own: Vec<_> = self.label_names.iter().map(|name| escaping.label_name(name)).collect();
        for (name, value) in self.default_labels {
            let name = escaping.label_name(name);
            if name != used
                && !own.contains(&name)
                && !value.is_empty()
                && defaults.iter().all(|(other, _)| *other != name)
            {
                defaults.push((name, value));
            }
        }
        defaults
    }
}

/// `a="x",b="y",`: what stands between the brace and a series' own labels.
pub(super) fn prefix(defaults: &[(Cow<'_, str>, &str)]) -> Vec<u8> {
    let mut out = Vec::new();
    for (name, value) in defaults {
        push_label_name(name, &mut out);
        out.extend_from_slice(b"=\"");
        escape_value(value, &mut out);
        out.extend_from_slice(b"\",");
    }
    out
}
