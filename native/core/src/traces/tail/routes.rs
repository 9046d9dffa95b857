//! What the sampler knows about each route: its durations, and its rates by rule. Bounded; plain data of the sampler.

use std::hash::{BuildHasher, Hasher};

use super::durations::Durations;
use super::rate::Rate;
use super::rules::Share;
use crate::traces::assembly::Assembly;
use crate::traces::record::SpanView;
use crate::traces::value::AnyValue;

/// A route that was silent for so long gives its place to another one.
const SILENT_MS: u64 = 60_000;

/// Routes by the hash of their key, in the order of their last trace.
pub(super) struct Routes {
    known: Assembly<Route, 1>,
    /// Of all that find no place.
    others: Route,
    most: usize,
    hasher: hashbrown::DefaultHashBuilder,
}

/// One route.
#[derive(Default)]
pub(super) struct Route {
    durations: Option<Durations>,
    /// By number of the rule.
    rates: Vec<(usize, Rate)>,
    last_ms: u64,
}

impl Routes {
    pub fn new(most: usize) -> Routes {
        Routes {
            known: Assembly::new(),
            others: Route::default(),
            most,
            hasher: hashbrown::DefaultHashBuilder::default(),
        }
    }

    /// How many are told apart.
    pub fn len(&self) -> usize {
        self.known.len(0)
    }

    /// The key of a trace: its root's name, and the route that an attribute tells. The hash has a seed of its own, and 64 bits
    /// are enough to tell some hundred routes apart.
    pub fn key(&self, root: &SpanView<'_>, route_attribute: &str) -> u64 {
        let mut hash = self.hasher.build_hasher();
        root.name.chars().for_each(|char| hash.write_u32(char.into()));
        if let Some(AnyValue::Text(route)) = root.attribute(route_attribute) {
            // No character has this number.
            hash.write_u32(u32::MAX);
            route.chars().for_each(|char| hash.write_u32(char.into()));
        }
        hash.finish()
    }

    /// The route of a key, or what stands for all those without a place; without a key, the latter.
    pub fn get(&mut self, key: Option<u64>, now_ms: u64) -> &mut Route {
        let Some(key) = key.map(u128::from) else {
            return &mut self.others;
        };
        let place = match self.known.find(key) {
            Some(place) => {
                self.known.shift(place, 0);
                place
            }
            None => {
                if self.len() >= self.most {
                    let oldest = self.known.oldest(0).and_then(|oldest| self.known.get(oldest));
                    if oldest.is_none_or(|route| route.last_ms + SILENT_MS > now_ms) {
                        return &mut self.others;
                    }
                    self.known.remove_oldest(0);
                }
                self.known.insert(0, key, Route::default())
            }
        };
        let route = self.known.get_mut(place).unwrap_or(&mut self.others);
        route.last_ms = now_ms;
        route
    }
}

impl Route {
    /// Its durations.
    pub fn durations(&mut self) -> &mut Durations {
        self.durations.get_or_insert_with(Durations::new)
    }

    /// The probability of one more trace that a rule applies to.
    pub fn probability(&mut self, rule: usize, share: &Share, now_ms: u64) -> f64 {
        if !share.has_rate() {
            return share.ratio;
        }
        let at = match self.rates.iter().position(|(known, _)| *known == rule) {
            Some(at) => at,
            None => {
                self.rates.push((rule, Rate::new(share, now_ms)));
                self.rates.len() - 1
            }
        };
        share.probability(self.rates[at].1.arrive(now_ms))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::traces::sample::{Given, Sample};

    #[test]
    fn name_and_route_make_the_key_however_they_are_written() {
        let routes = Routes::new(10);
        let key = |sample: Sample| routes.key(&sample.record().view(), "http.route");
        let root = || Sample::root(1).named("GET");
        assert_eq!(key(root()), key(Sample::root(2).named("GET").failed()));
        let users = || root().with("http.route", Given::Text("/users"));
        assert_eq!(key(users()), key(users().with("other", Given::Int(1))));
        let keys = [
            key(root()),
            key(root().named("POST")),
            key(users()),
            key(root().with("http.route", Given::Text("/usersé"))),
            key(root().named("GET/users")),
        ];
        for (at, one) in keys.iter().enumerate() {
            assert!(!keys[at + 1..].contains(one));
        }
        assert_eq!(key(root().with("http.route", Given::Int(1))), key(root()));
    }

    #[test]
    fn a_busy_route_keeps_its_place_and_a_silent_one_gives_it_up() {
        let mut routes = Routes::new(2);
        for key in [1, 2] {
            routes.get(Some(key), 0).durations().record(1);
        }
        routes.get(Some(1), 50_000).durations().record(1);
        routes.get(Some(3), 59_000).durations().record(1);
        assert_eq!(routes.get(None, 59_000).durations().count(), 1, "3 found no place");
        routes.get(Some(3), 60_000).durations().record(1);
        assert_eq!(routes.get(Some(3), 60_000).durations().count(), 1, "in the place of 2");
        assert_eq!(routes.get(Some(1), 60_000).durations().count(), 2);
        assert_eq!(routes.len(), 2);
        let mut none = Routes::new(0);
        none.get(Some(1), 0).durations().record(1);
        assert_eq!((none.len(), none.get(Some(9), 0).durations().count()), (0, 1));
    }
}
