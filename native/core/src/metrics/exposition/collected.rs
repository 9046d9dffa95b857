//! Samples that collectors gave in one scrape: kept, since the plan has to be made before the first line. Any thread.

use super::super::collector::{Collector, Sample};
use super::super::metric::Kind;
use super::super::registry::DefaultLabels;

/// All of them, family by family.
#[derive(Default)]
pub(super) struct Collected {
    families: Vec<CollectedFamily>,
    /// Whether the last family may grow: it is the running collector's.
    open: bool,
}

pub(super) struct CollectedFamily {
    pub(super) name: String,
    pub(super) help: String,
    pub(super) kind: Kind,
    /// Of the collector's registry.
    pub(super) default_labels: DefaultLabels,
    /// Label block and value.
    pub(super) samples: Vec<(String, f64)>,
}

impl Collected {
    /// Keeps all samples of a collector.
    pub(super) fn run(&mut self, collector: &dyn Collector, default_labels: &DefaultLabels) {
        self.open = false;
        collector.collect(&mut |sample| self.add(&sample, default_labels));
    }

    /// Keeps a sample; consecutive ones of one name and kind are one family. Collectors give single values, so a kind of
    /// several values per series has no meaning here and is left out.
    pub(super) fn add(&mut self, sample: &Sample<'_>, default_labels: &DefaultLabels) {
        if !matches!(sample.kind, Kind::Counter | Kind::Gauge | Kind::Info) {
            return;
        }
        let value = (sample.labels.to_owned(), sample.value);
        match self.families.last_mut() {
            Some(last) if self.open && last.name == sample.name && last.kind == sample.kind => last.samples.push(value),
            _ => self.families.push(CollectedFamily {
                name: sample.name.to_owned(),
                help: sample.help.to_owned(),
                kind: sample.kind,
                default_labels: default_labels.clone(),
                samples: vec![value],
            }),
        }
        self.open = true;
    }

    pub(super) fn families(&self) -> &[CollectedFamily] {
        &self.families
    }
}
