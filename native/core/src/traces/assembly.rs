//! Values by trace id, in lists ordered by age: what the store and tail sampling group spans in. Plain data of whoever holds it.

use hashbrown::HashMap;

/// No node.
const NONE: u32 = u32::MAX;

/// A value by trace id, each in one of `LISTS` lists, oldest first. Everything is O(1): a lookup hashes the id with a seed of
/// this process, so that ids that somebody chose do not collide; the lists are links between slots, which are used again.
pub(crate) struct Assembly<T, const LISTS: usize> {
    index: HashMap<u128, u32>,
    slots: Vec<Slot<T>>,
    free: Vec<u32>,
    lists: [List; LISTS],
}

struct Slot<T> {
    id: u128,
    older: u32,
    newer: u32,
    list: usize,
    /// None while the slot is free.
    value: Option<T>,
}

#[derive(Clone, Copy)]
struct List {
    oldest: u32,
    newest: u32,
    len: usize,
}

/// The place of a value; valid until that value is removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place(u32);

impl<T, const LISTS: usize> Assembly<T, LISTS> {
    pub fn new() -> Self {
        let empty = List {
            oldest: NONE,
            newest: NONE,
            len: 0,
        };
        Assembly {
            index: HashMap::new(),
            slots: Vec::new(),
            free: Vec::new(),
            lists: [empty; LISTS],
        }
    }

    /// Where the value of that trace is.
    #[inline]
    pub fn find(&self, id: u128) -> Option<Place> {
        self.index.get(&id).map(|slot| Place(*slot))
    }

    /// Adds a value as the newest of `list`, in place of one of the same trace.
    pub fn insert(&mut self, list: usize, id: u128, value: T) -> Place {
        if let Some(known) = self.find(id) {
            self.remove(known);
        }
        let slot = Slot {
            id,
            older: NONE,
            newer: NONE,
            list,
            value: Some(value),
        };
        let at = match self.free.pop() {
            Some(at) => {
                self.slots[at as usize] = slot;
                at
            }
            None => {
                self.slots.push(slot);
                (self.slots.len() - 1) as u32
            }
        };
        self.index.insert(id, at);
        self.link(list, at);
        Place(at)
    }

    /// The list that it is in.
    #[inline]
    pub fn list_of(&self, place: Place) -> usize {
        self.slots[place.0 as usize].list
    }

    /// The value; none behind its removal.
    #[inline]
    pub fn get_mut(&mut self, place: Place) -> Option<&mut T> {
        self.slots[place.0 as usize].value.as_mut()
    }

    /// Same, to look at.
    pub fn get(&self, place: Place) -> Option<&T> {
        self.slots[place.0 as usize].value.as_ref()
    }

    /// The trace whose value is there.
    pub fn id_of(&self, place: Place) -> u128 {
        self.slots[place.0 as usize].id
    }

    /// Makes it the newest of `list`.
    pub fn shift(&mut self, place: Place, list: usize) {
        self.unlink(place.0);
        self.link(list, place.0);
    }

    /// The oldest of a list.
    #[inline]
    pub fn oldest(&self, list: usize) -> Option<Place> {
        let oldest = self.lists[list].oldest;
        (oldest != NONE).then_some(Place(oldest))
    }

    /// Takes a value out.
    pub fn remove(&mut self, place: Place) -> Option<T> {
        let value = self.slots[place.0 as usize].value.take()?;
        self.unlink(place.0);
        self.index.remove(&self.slots[place.0 as usize].id);
        self.free.push(place.0);
        Some(value)
    }

    /// Takes the oldest of a list out.
    pub fn remove_oldest(&mut self, list: usize) -> Option<T> {
        self.oldest(list).and_then(|place| self.remove(place))
    }

    /// How many are in a list.
    #[inline]
    pub fn len(&self, list: usize) -> usize {
        self.lists[list].len
    }

    /// The values of a list, newest first.
    pub fn newest_first(&self, list: usize) -> impl Iterator<Item = &T> {
        let mut next = self.lists[list].newest;
        std::iter::from_fn(move || {
            let slot = self.slots.get(next as usize)?;
            next = slot.older;
            slot.value.as_ref()
        })
    }

    fn link(&mut self, list: usize, at: u32) {
        let newest = self.lists[list].newest;
        let slot = &mut self.slots[at as usize];
        (slot.list, slot.older, slot.newer) = (list, newest, NONE);
        match self.slots.get_mut(newest as usize) {
            Some(older) => older.newer = at,
            None => self.lists[list].oldest = at,
        }
        self.lists[list].newest = at;
        self.lists[list].len += 1;
    }

    fn unlink(&mut self, at: u32) {
        let Slot { older, newer, list, .. } = self.slots[at as usize];
        match self.slots.get_mut(older as usize) {
            Some(slot) => slot.newer = newer,
            None => self.lists[list].oldest = newer,
        }
        match self.slots.get_mut(newer as usize) {
            Some(slot) => slot.older = older,
            None => self.lists[list].newest = older,
        }
        self.lists[list].len -= 1;
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    type Model = [Vec<(u128, u32)>; 2];

    fn check(assembly: &Assembly<u32, 2>, model: &Model) {
        for (list, expected) in model.iter().enumerate() {
            let newest_first: Vec<u32> = assembly.newest_first(list).copied().collect();
            assert_eq!(newest_first, expected.iter().rev().map(|(_, v)| *v).collect::<Vec<_>>());
            assert_eq!(assembly.len(list), expected.len());
            assert_eq!(
                assembly.oldest(list).and_then(|p| assembly.get(p)).copied(),
                expected.first().map(|(_, v)| *v)
            );
            for (id, value) in expected {
                let place = assembly.find(*id).unwrap();
                assert_eq!((assembly.get(place), assembly.list_of(place)), (Some(value), list));
            }
        }
    }

    /// Against two plain vectors.
    #[test]
    fn any_sequence_keeps_both_lists_in_order_and_finds_what_is_there() {
        let mut assembly: Assembly<u32, 2> = Assembly::new();
        let mut model: Model = Default::default();
        let mut state = 7_u64;
        let mut random = |below: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 33) % below
        };
        for step in 0..20_000 {
            let (id, list) = (u128::from(random(40)), random(2) as usize);
            let known = assembly.find(id);
            assert_eq!(known.is_some(), model.iter().flatten().any(|(other, _)| *other == id));
            match (random(4), known) {
                (0, _) => {
                    model.iter_mut().for_each(|one| one.retain(|(other, _)| *other != id));
                    model[list].push((id, step));
                    assembly.insert(list, id, step);
                }
                (1, Some(place)) => {
                    let (mut value, from) = (0, assembly.list_of(place));
                    model[from].retain(|(other, v)| {
                        *other != id || {
                            value = *v;
                            false
                        }
                    });
                    model[list].push((id, value));
                    assembly.shift(place, list);
                }
                (2, Some(place)) => {
                    model.iter_mut().for_each(|one| one.retain(|(other, _)| *other != id));
                    assembly.remove(place).unwrap();
                    assert_eq!(assembly.get(place), None);
                    assert_eq!(assembly.remove(place), None);
                }
                _ if random(3) == 0 => {
                    let expected = (!model[list].is_empty()).then(|| model[list].remove(0).1);
                    assert_eq!(assembly.remove_oldest(list), expected);
                }
                _ => {}
            }
            check(&assembly, &model);
        }
        assert!(assembly.slots.len() <= 40, "slots are used again");
    }
}
