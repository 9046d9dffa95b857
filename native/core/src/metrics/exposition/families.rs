//! The plan of a scrape: which metrics, of any registry, make up which family, and which names are taken. Any thread.

use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashMap, HashSet, HashTable};

use super::super::metric::Kind;
use super::filter::NameFilter;
use super::format::{Names, Style, Type};
use super::pairs::identity;
use super::source::Source;
use super::{LEFT_OUT, RenderOptions};

/// Series of a family that several metrics share, kept apart from the output until all of them are written.
#[derive(Default)]
pub(super) struct Group {
    pub(super) bytes: Vec<u8>,
    seen: HashSet<Vec<u8>>,
}

impl Group {
    /// True the first time a set of labels comes, in whatever order its labels stand.
    pub(super) fn is_new(&mut self, labels: &[u8]) -> bool {
        self.seen.insert(identity(labels))
    }
}

/// Where a metric's lines go.
pub(super) enum Place<'a> {
    Alone,
    Shared(&'a mut Group),
}

struct Family {
    names: Names,
    r#type: Type,
    /// False when the scraper asked for others.
    wanted: bool,
    /// Metrics announced for it, in [1, ...); more than one: series have to be compared.
    members: u32,
    /// Metrics placed so far.
    visited: u32,
    group: Option<Group>,
}

/// All families of one scrape.
pub(super) struct Families<'a> {
    options: RenderOptions<'a>,
    filter: NameFilter<'a>,
    families: Vec<Family>,
    /// By kind and escaped name; `None` = refused.
    routes: HashMap<(Kind, String), Option<usize>>,
    names: TakenNames,
    refused: u64,
}

impl<'a> Families<'a> {
    pub(super) fn new(options: RenderOptions<'a>) -> Families<'a> {
        let mut names = TakenNames::default();
        let style = options.format.style();
        names.take(&Names::new(style, LEFT_OUT, Type::Gauge), style, Type::Gauge);
        Families {
            options,
            filter: NameFilter::new(options.names),
            families: Vec::new(),
            routes: HashMap::new(),
            names,
            refused: 0,
        }
    }

    /// Announces a metric. The first to come has its names.
    pub(super) fn declare(&mut self, source: &Source<'_>) {
        let (declared, kind) = (source.name, source.kind);
        // Series of one metric may become equal where its label names do.
        let members = if source.names_collide(self.options.escaping) {
            2
        } else {
            1
        };
        let name = self.options.escaping.metric_name(declared).into_owned();
        if let Some(route) = self.routes.get(&(kind, name.clone())) {
            match route {
                Some(index) => self.families[*index].members += members,
                None => self.refused += 1,
            }
            return;
        }
        let found = self.take(&name, Type::from(kind));
        let route = found.map(|(names, r#type)| {
            self.families.push(Family {
                names,
                r#type,
                wanted: self.filter.wants(declared, &name, Type::from(kind)),
                members,
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

    /// Takes the names of a family, or the one name of its samples where OpenMetrics 1 has another family of that name.
    fn take(&mut self, name: &str, r#type: Type) -> Option<(Names, Type)> {
        let style = self.options.format.style();
        let names = Names::new(style, name, r#type);
        if self.names.take(&names, style, r#type) {
            return Some((names, r#type));
        }
        if style != Style::OpenMetrics1 || !matches!(r#type, Type::Counter | Type::Info) {
            return None;
        }
        let sample = Names::new(Style::Text, name, r#type).sample;
        let names = Names::new(style, &sample, Type::Unknown);
        self.names
            .take(&names, style, Type::Unknown)
            .then_some((names, Type::Unknown))
    }

    /// The names, type and place of a metric; none for one that was refused or not asked for, or that came after the plan was
    /// made: it is in the next scrape.
    pub(super) fn place(&mut self, name: &str, kind: Kind) -> Option<(&Names, Type, Place<'_>)> {
        let name = self.options.escaping.metric_name(name).into_owned();
        let index = (*self.routes.get(&(kind, name))?)?;
        let Family {
            names,
            r#type,
            wanted,
            members,
            visited,
            group,
        } = &mut self.families[index];
        *visited += 1;
        if !*wanted {
            return None;
        }
        let place = match *members {
            // A second one under the name of one that was alone has been registered since.
            1 if *visited > 1 => return None,
            1 => Place::Alone,
            _ => Place::Shared(group.get_or_insert_default()),
        };
        Some((names, *r#type, place))
    }

    pub(super) fn groups(&self) -> impl Iterator<Item = &Group> {
        self.families.iter().filter_map(|family| family.group.as_ref())
    }

    /// True when the scraper asked for the sample of that name, or for everything.
    pub(super) fn wants_sample(&self, name: &str) -> bool {
        self.filter.has(name)
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
    /// Takes all names of a family, or none if one of them is taken.
    fn take(&mut self, names: &Names, style: Style, r#type: Type) -> bool {
        let start = self.bytes.len();
        let mut ranges = [(0, 0); 5];
        let mut count = 0;
        for name in names.reserved(style, r#type) {
            let from = self.bytes.len() as u32;
            self.bytes.extend_from_slice(name.as_bytes());
            ranges[count] = (from, self.bytes.len() as u32);
            count += 1;
        }
        let TakenNames {
            bytes,
            ranges: taken,
            hasher,
        } = self;
        let of = |range: &(u32, u32)| &bytes[range.0 as usize..range.1 as usize];
        if ranges[..count].iter().any(|range| {
            taken
                .find(hasher.hash_one(of(range)), |other| of(other) == of(range))
                .is_some()
        }) {
            bytes.truncate(start);
            return false;
        }
        for range in &ranges[..count] {
            taken.insert_unique(hasher.hash_one(of(range)), *range, |range| hasher.hash_one(of(range)));
        }
        true
    }
}
