//! The pairs of a record, and the entries of its objects: each key once, the last value at the place of the first, and what the line says
//! itself never said by anybody else. Runs on the thread that encodes.
//!
//! Entries are written as they are read, which is right as long as no key comes twice. A hash of each key as it was written tells when one
//! may have come before; only then everything is taken back and written with care.
use super::error::push_error;
use super::keys::{Rules, Seen, hash};
use super::value::Env;
use crate::layout::VALUE_ERROR;
use crate::ring::any::Text;
use crate::ring::record::BadRecord;
use crate::ring::value::Values;
use hashbrown::{HashMap, HashSet};
use std::ops::Range;

/// For [`Entries::push`]: there are as many as there are.
pub(super) const TO_THE_END: u32 = u32::MAX;
/// The key of the error that a call was given.
pub(super) const ERROR_KEY: &str = "err";

/// How keys and values are spelled.
pub(super) trait Style {
    /// Around a text that is written in pieces.
    const TEXT: [&'static str; 2];
    /// Before a key.
    fn open(&self, out: &mut Vec<u8>);
    /// A key as it stands in the line: two keys are the same when this is.
    fn key(&self, key: Text<'_>, out: &mut Vec<u8>);
    /// Between key and value.
    fn between(&self, out: &mut Vec<u8>);
    /// Behind a value.
    fn close(&self, out: &mut Vec<u8>);
    /// A value, read to its end.
    fn value<'a>(&self, values: &mut Values<'a>, env: &Env<'a>, depth: u32, out: &mut Vec<u8>)
    -> Result<(), BadRecord>;
    /// A piece of a text.
    fn inside(&self, text: Text<'_>, out: &mut Vec<u8>);
}

/// Writes entries of a record or object.
pub(super) struct Entries<'s, 'a, S> {
    pub(super) style: &'s S,
    pub(super) rules: &'s Rules,
    /// Bits of the keys that the line writes itself, see [`Rules::new`].
    pub(super) active: u8,
    pub(super) env: &'s Env<'a>,
    /// Values that these are inside of.
    pub(super) depth: u32,
}

struct Entry<'a> {
    key: Range<usize>,
    /// Before its value.
    value: Values<'a>,
    is_error: bool,
    /// A later entry has the same key.
    replaced: bool,
}

impl<'a, S: Style> Entries<'_, 'a, S> {
    /// Appends `count` entries and, at the end, the fallbacks of the rules.
    ///
    /// # Errors
    /// An entry makes no sense. Those before it are written whole.
    pub(super) fn push(&self, values: &mut Values<'a>, count: u32, out: &mut Vec<u8>) -> Result<(), BadRecord> {
        let (from, start) = (values.clone(), out.len());
        let mut seen = Seen::new(self.rules);
        let mut left = count;
        while left > 0 && !(count == TO_THE_END && values.at_end()) {
            left -= 1;
            let at = out.len();
            match self.push_entry(values, &mut seen, out) {
                Ok(true) => {}
                Ok(false) => {
                    out.truncate(start);
                    *values = from;
                    return self.push_with_care(values, count, out);
                }
                Err(bad) => {
                    out.truncate(at);
                    return Err(bad);
                }
            }
        }
        for fallback in &self.rules.fallbacks {
            if !seen.has(fallback.hash) {
                out.extend_from_slice(&fallback.entry);
            }
        }
        Ok(())
    }

    /// Appends one entry; false when its key may have been written before.
    #[inline]
    fn push_entry(&self, values: &mut Values<'a>, seen: &mut Seen, out: &mut Vec<u8>) -> Result<bool, BadRecord> {
        let start = out.len();
        let key = self.env.key(values)?;
        self.style.open(out);
        let key_start = out.len();
        self.style.key(key, out);
        if !seen.add(hash(&out[key_start..]), self.rules, self.active) {
            return Ok(false);
        }
        if let Some((form, keys)) = &self.rules.error
            && is_error(values, &out[key_start..])
        {
            out.truncate(start);
            let own = hash(ERROR_KEY.as_bytes());
            let fresh = |hash| hash == own || seen.add(hash, self.rules, self.active);
            if !keys.iter().map(|key| key.hash).all(fresh) {
                return Ok(false);
            }
            push_error(self, *form, keys, values, out)?;
            return Ok(true);
        }
        self.style.between(out);
        self.style.value(values, self.env, self.depth, out)?;
        self.style.close(out);
        Ok(true)
    }

    /// Appends entries some of whose keys may come twice or are reserved. Reads them all before it writes one; allocates.
    #[cold]
    fn push_with_care(&self, values: &mut Values<'a>, count: u32, out: &mut Vec<u8>) -> Result<(), BadRecord> {
        let mut keys = Vec::new();
        let (mut entries, end) = self.read_all(values, count, &mut keys);
        let mut places: HashMap<&[u8], usize> = HashMap::new();
        for index in 0..entries.len() {
            let first = *places.entry(&keys[entries[index].key.clone()]).or_insert(index);
            if first != index {
                entries[first].value = entries[index].value.clone();
                entries[first].is_error = entries[index].is_error;
                entries[index].replaced = true;
            }
        }
        entries.retain(|entry| !entry.replaced);
        let has_error = entries.iter().any(|entry| entry.is_error);
        let error = self.rules.error.as_ref().filter(|_| has_error);
        let taken = |key: &[u8]| {
            let of_error = error.is_some_and(|(_, keys)| keys.iter().any(|own| *own.key == *key));
            of_error || self.rules.is_reserved(key, self.active)
        };
        let mut given: HashSet<Vec<u8>> = HashSet::new();
        for entry in &mut entries {
            let start = out.len();
            let written = if let Some((form, keys)) = error.filter(|_| entry.is_error) {
                push_error(self, *form, keys, &mut entry.value, out)
            } else {
                let mut key = keys[entry.key.clone()].to_vec();
                if taken(&key) {
                    while taken(&key) || places.contains_key(key.as_slice()) || given.contains(&key) {
                        key.push(b'_');
                    }
                    given.insert(key.clone());
                }
                self.style.open(out);
                out.extend_from_slice(&key);
                self.style.between(out);
                let written = self.style.value(&mut entry.value, self.env, self.depth, out);
                self.style.close(out);
                written
            };
            if let Err(bad) = written {
                out.truncate(start);
                return Err(bad);
            }
        }
        for fallback in &self.rules.fallbacks {
            if !places.contains_key(&*fallback.key) && !given.contains(&*fallback.key) {
                out.extend_from_slice(&fallback.entry);
            }
        }
        end
    }

    /// Reads keys, spelled into `keys`, and where their values are, up to the first that makes no sense.
    fn read_all(
        &self,
        values: &mut Values<'a>,
        count: u32,
        keys: &mut Vec<u8>,
    ) -> (Vec<Entry<'a>>, Result<(), BadRecord>) {
        let mut entries = Vec::new();
        let mut left = count;
        while left > 0 && !(count == TO_THE_END && values.at_end()) {
            left -= 1;
            let start = keys.len();
            let key = match self.env.key(values) {
                Ok(key) => key,
                Err(bad) => return (entries, Err(bad)),
            };
            self.style.key(key, keys);
            let value = values.clone();
            if let Err(bad) = values.skip() {
                return (entries, Err(bad));
            }
            entries.push(Entry {
                is_error: is_error(&value, &keys[start..]),
                key: start..keys.len(),
                value,
                replaced: false,
            });
        }
        (entries, Ok(()))
    }
}

/// True for the error of the call.
#[inline]
fn is_error(value: &Values<'_>, key: &[u8]) -> bool {
    value.rest().first() == Some(&VALUE_ERROR) && *key == *ERROR_KEY.as_bytes()
}
