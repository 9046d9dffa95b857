//! The plan of a scrape: which metrics, of any registry, make up which family, and which names are taken. Any thread.

use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashMap, HashSet, HashTable};

use super::super::collector::{Collector, Sample};
use super::super::metric::Kind;
use super::escape::{metric_name, sorted_pairs};
use super::{Format, LEFT_OUT, openmetrics, text};

/// The word of a TYPE line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Type {
    Counter,
    Gauge,
    Histogram,
    /// A counter whose family name without `_total` is taken: OpenMetrics still shows it, under its full name.
    Unknown,
}

impl Type {
    pub(super) fn word(self) -> &'static str {
        match self {
            Type::Counter => "counter",
            Type::Gauge => "gauge",
            Type::Histogram => "histogram",
            Type::Unknown => "unknown",
        }
    }
}

impl From<Kind> for Type {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Counter => Type::Counter,
            Kind::Gauge => Type::Gauge,
            Kind::Histogram => Type::Histogram,
            Kind::Summary | Kind::Info | Kind::StateSet => Type::Unknown,
        }
    }
}

/// Series of a family that several metrics share, kept apart from the output until all of them are written.
#[derive(Default)]
pub(super) struct Group {
    pub(super) bytes: Vec<u8>,
    seen: HashSet<Vec<u8>>,
}

impl Group {
    /// True the first time a set of labels comes, in whatever order its labels stand.
    pub(super) fn is_new(&mut self, labels: &[u8]) -> bool {
        self.seen
            .insert(sorted_pairs(labels).map_or_else(|| labels.to_vec(), |pairs| pairs.join(&b","[..])))
    }
}

/// Where a metric's lines go.
pub(super) enum Place<'a> {
    Alone,
    Shared(&'a mut Group),
}

struct Family {
    /// Name as the metric has it, under the escaping scheme.
    name: String,
    r#type: Type,
    /// Metrics announced for it, in [1, ...).
    members: u32,
    /// Metrics placed so far.
    visited: u32,
    group: Option<Group>,
}

/// All families of one scrape.
pub(super) struct Families {
    format: Format,
    families: Vec<Family>,
    /// By kind and name as written; `None` = refused.
    routes: HashMap<(Kind, String), Option<usize>>,
    names: TakenNames,
    refused: u64,
}

impl Families {
    pub(super) fn new(format: Format) -> Families {
        let mut names = TakenNames::default();
        names.take(format, LEFT_OUT, Type::Gauge);
        Families {
            format,
            families: Vec::new(),
            routes: HashMap::new(),
            names,
            refused: 0,
        }
    }

    /// Announces a metric. The first to come has its names.
    pub(super) fn declare(&mut self, name: &str, kind: Kind) {
        let name = metric_name(name).into_owned();
        if let Some(route) = self.routes.get(&(kind, name.clone())) {
            match route {
                Some(index) => self.families[*index].members += 1,
                None => self.refused += 1,
            }
            return;
        }
        let mut types = [Some(Type::from(kind)), None];
        if kind == Kind::Counter && self.format == Format::OpenMetrics100 {
            types[1] = Some(Type::Unknown);
        }
        let found = types
            .into_iter()
            .flatten()
            .find(|r#type| self.names.take(self.format, &name, *r#type));
        let route = found.map(|r#type| {
            self.families.push(Family {
                name: name.clone(),
                r#type,
                members: 1,
                visited: 0,
                group: None,
            });
            self.families.len() - 1
        });
        if route.is_none() {
            self.refused += 1;
        }
        self.routes.insert((kind, name), route);
    }

    /// The sample name, type and place of a metric; none for one that was refused, or that came after the plan was
    /// made: it is in the next scrape.
    pub(super) fn place(&mut self, name: &str, kind: Kind) -> Option<(&str, Type, Place<'_>)> {
        let name = metric_name(name).into_owned();
        let index = (*self.routes.get(&(kind, name))?)?;
        let Family {
            name,
            r#type,
            members,
            visited,
            group,
            ..
        } = &mut self.families[index];
        *visited += 1;
        let place = match *members {
            // A second one under the name of one that was alone has been registered since.
            1 if *visited > 1 => return None,
            1 => Place::Alone,
            _ => Place::Shared(group.get_or_insert_default()),
        };
        Some((name, *r#type, place))
    }

    pub(super) fn groups(&self) -> impl Iterator<Item = &Group> {
        self.families.iter().filter_map(|family| family.group.as_ref())
    }

    pub(super) fn refused(&self) -> u64 {
        self.refused
    }
}

/// The sample names that families have taken, as bytes in one piece.
#[derive(Default)]
struct TakenNames {
    bytes: Vec<u8>,
    ranges: HashTable<(u32, u32)>,
    hasher: DefaultHashBuilder,
}

impl TakenNames {
    /// Takes all sample names of a family, or none if one of them is taken.
    fn take(&mut self, format: Format, name: &str, r#type: Type) -> bool {
        let (base, suffixes) = match format {
            Format::Text004 => text::sample_names(name, r#type),
            Format::OpenMetrics100 => openmetrics::sample_names(name, r#type),
        };
        let start = self.bytes.len();
        for suffix in suffixes {
            self.bytes.extend_from_slice(base.as_bytes());
            self.bytes.extend_from_slice(suffix.as_bytes());
        }
        let mut at = start;
        let ranges: Vec<_> = suffixes
            .iter()
            .map(|suffix| {
                let from = at;
                at += base.len() + suffix.len();
                (from as u32, at as u32)
            })
            .collect();
        let TakenNames {
            bytes,
            ranges: taken,
            hasher,
        } = self;
        let of = |range: &(u32, u32)| &bytes[range.0 as usize..range.1 as usize];
        if ranges.iter().any(|range| {
            taken
                .find(hasher.hash_one(of(range)), |other| of(other) == of(range))
                .is_some()
        }) {
            bytes.truncate(start);
            return false;
        }
        for range in ranges {
            taken.insert_unique(hasher.hash_one(of(&range)), range, |range| hasher.hash_one(of(range)));
        }
        true
    }
}

/// Samples that collectors gave in this scrape.
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
    /// Label block and value.
    pub(super) samples: Vec<(String, f64)>,
}

impl Collected {
    /// Keeps all samples of a collector.
    pub(super) fn run(&mut self, collector: &dyn Collector) {
        self.open = false;
        collector.collect(&mut |sample| self.add(&sample));
    }

    /// Keeps a sample; consecutive ones of one name and kind are one family. Collectors give single values, so a histogram has
    /// no meaning here and is left out.
    pub(super) fn add(&mut self, sample: &Sample<'_>) {
        if sample.kind == Kind::Histogram {
            return;
        }
        let value = (sample.labels.to_owned(), sample.value);
        match self.families.last_mut() {
            Some(last) if self.open && last.name == sample.name && last.kind == sample.kind => last.samples.push(value),
            _ => self.families.push(CollectedFamily {
                name: sample.name.to_owned(),
                help: sample.help.to_owned(),
                kind: sample.kind,
                samples: vec![value],
            }),
        }
        self.open = true;
    }

    pub(super) fn families(&self) -> &[CollectedFamily] {
        &self.families
    }
}
