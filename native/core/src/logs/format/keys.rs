//! Keys that a line may write once only: those that it writes itself, and those that were there before. Runs on the thread that encodes.
use super::error::ErrorForm;
use hashbrown::HashSet;

/// Keys that are remembered without a hash set.
const FEW: usize = 32;

/// A key that the line itself writes.
pub(super) struct Reserved {
    /// It is reserved in a line that has any of these bits.
    when: u8,
    /// As it is spelled in the line.
    pub(super) key: Box<[u8]>,
    pub(super) hash: u64,
}

/// A field that is written where the record has none of its key.
pub(super) struct Fallback {
    pub(super) hash: u64,
    pub(super) key: Box<[u8]>,
    /// With all that stands around it.
    pub(super) entry: Box<[u8]>,
}

/// What the pairs of a record must heed.
pub(super) struct Rules {
    reserved: Vec<Reserved>,
    filter: Filter,
    pub(super) fallbacks: Vec<Fallback>,
    /// How the error of the call is written, and under which keys.
    pub(super) error: Option<(ErrorForm, Vec<Reserved>)>,
}

/// Those of objects inside of a record.
pub(super) static NO_RULES: Rules = Rules {
    reserved: Vec::new(),
    filter: Filter([0; 4]),
    fallbacks: Vec::new(),
    error: None,
};

impl Rules {
    /// Rules for lines that write the keys `reserved` (as spelled) themselves: always with bit 0, otherwise in lines that have the bit.
    pub(super) fn new(reserved: &[(u8, Vec<u8>)], error: Option<(ErrorForm, Vec<Vec<u8>>)>) -> Rules {
        let entry = |when: u8, key: &[u8]| Reserved {
            when,
            key: key.into(),
            hash: hash(key),
        };
        let mut rules = Rules {
            reserved: reserved.iter().map(|(when, key)| entry(*when, key)).collect(),
            error: error.map(|(form, keys)| (form, keys.iter().map(|key| entry(0, key)).collect())),
            filter: Filter([0; 4]),
            fallbacks: Vec::new(),
        };
        rules
            .reserved
            .iter()
            .for_each(|reserved| _ = rules.filter.add(reserved.hash));
        rules
    }

    /// Adds a field for records without that key.
    pub(super) fn fall_back(&mut self, key: &[u8], entry: &[u8]) {
        self.fallbacks.push(Fallback {
            hash: hash(key),
            key: key.into(),
            entry: entry.into(),
        });
    }

    pub(super) fn is_reserved(&self, key: &[u8], active: u8) -> bool {
        self.reserved
            .iter()
            .any(|reserved| reserved.when & active != 0 && *reserved.key == *key)
    }
}

/// 256 bits of a Bloom filter with one hash.
#[derive(Clone, Copy)]
struct Filter([u64; 4]);

impl Filter {
    /// True when the hash was certainly not added before.
    #[inline(always)]
    fn add(&mut self, hash: u64) -> bool {
        let (word, bit) = ((hash >> 6) as usize & 3, 1 << (hash & 63));
        let fresh = self.0[word] & bit == 0;
        self.0[word] |= bit;
        fresh
    }
}

/// Hashes of the keys so far.
pub(super) struct Seen {
    filter: Filter,
    few: [u64; FEW],
    count: usize,
    many: Option<HashSet<u64>>,
}

impl Seen {
    pub(super) fn new(rules: &Rules) -> Seen {
        Seen {
            filter: rules.filter,
            few: [0; FEW],
            count: 0,
            many: None,
        }
    }

    /// Remembers a key. False when it may be there already, or is reserved.
    #[inline]
    pub(super) fn add(&mut self, hash: u64, rules: &Rules, active: u8) -> bool {
        if !self.filter.add(hash) && (self.has(hash) || Self::reserved(hash, rules, active)) {
            return false;
        }
        if self.count < FEW {
            self.few[self.count] = hash;
        } else {
            let few = &self.few;
            self.many
                .get_or_insert_with(|| few.iter().copied().collect())
                .insert(hash);
        }
        self.count += 1;
        true
    }

    pub(super) fn has(&self, hash: u64) -> bool {
        match &self.many {
            Some(many) => many.contains(&hash),
            None => self.few[..self.count.min(FEW)].contains(&hash),
        }
    }

    fn reserved(hash: u64, rules: &Rules, active: u8) -> bool {
        rules
            .reserved
            .iter()
            .any(|reserved| reserved.hash == hash && reserved.when & active != 0)
    }
}

/// Two keys with the same hash cost time, nothing else.
#[inline]
pub(super) fn hash(key: &[u8]) -> u64 {
    const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut hash = (key.len() as u64).wrapping_mul(FACTOR);
    let (words, rest) = key.as_chunks::<8>();
    for word in words {
        hash = (hash.rotate_left(29) ^ u64::from_le_bytes(*word)).wrapping_mul(FACTOR);
    }
    let last = rest.iter().fold(0, |last, byte| last << 8 | u64::from(*byte));
    hash = (hash.rotate_left(29) ^ last).wrapping_mul(FACTOR);
    hash ^ hash >> 32
}
