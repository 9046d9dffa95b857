//! Interned strings of one ring segment: keys that records name by id. An id is given only after its entry is published in
//! the segment (M1), so whatever a crash leaves can be read. The owner thread's calls write it, under the table's lock;
//! the collector and recovery read.
//!
//! Three things bound it. Declared keys (an API named them) take ids at once. Dynamic keys (a user's object brought them)
//! are admitted on *second sight*: a filter of [`CANDIDATES`] hashes remembers the first, so keys that never come
//! back (ids used as keys, an attacker's) take no room. And the table has a largest number of entries and the segment's
//! metadata area: what does not fit is written inline, for ever correct, only longer.
use crate::append::AppendVec;
use crate::layout::{META_AT, META_END_AT, META_INTERN, META_RECORD_HEADER};
use crate::memory::segment::Segment;
use hashbrown::{DefaultHashBuilder, HashMap};
use std::hash::BuildHasher;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

/// Longest key that is interned, in bytes of UTF-8. A longer one is written inline.
pub const LONGEST_KEY: usize = 256;
/// Most entries of one table.
pub const MOST_ENTRIES: usize = 4096;
/// Entries that dynamic keys leave to declared ones.
pub const RESERVED: usize = 512;
/// First sights that the filter remembers. A power of two; a newer key displaces an older one.
const CANDIDATES: usize = 1024;

/// Texts by id, of a running process or of a dead one.
pub trait Keys {
    /// The text of an id; `None` for one that was never given.
    fn text(&self, id: u32) -> Option<&str>;
}

impl Keys for InternTable {
    fn text(&self, id: u32) -> Option<&str> {
        InternTable::text(self, id)
    }
}

impl Keys for std::collections::HashMap<u32, String> {
    fn text(&self, id: u32) -> Option<&str> {
        self.get(&id).map(String::as_str)
    }
}

/// What became of a dynamic key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interned {
    /// Its id.
    Id(u32),
    /// Write it inline, and ask again when it comes again.
    NotYet,
    /// Write it inline, and ask no more for any key that is not known.
    Full,
    /// Write it inline: too long.
    Never,
}

/// The table of one segment.
pub struct InternTable {
    segment: Arc<Segment>,
    /// Held by calls of the owner thread, which do not wait for each other.
    writer: Mutex<Writer>,
    /// Text by id, for readers on any thread, which take no lock; pushed under the writer's.
    texts: AppendVec<Arc<str>>,
}

struct Writer {
    ids: HashMap<Arc<str>, u32>,
    candidates: Box<[u64; CANDIDATES]>,
    hasher: DefaultHashBuilder,
    full: bool,
}

impl InternTable {
    /// The table of a segment; entries that are already in it (a segment that is used again) keep their ids.
    pub fn new(segment: Arc<Segment>) -> InternTable {
        let mut ids = HashMap::new();
        let texts: AppendVec<Arc<str>> = AppendVec::default();
        let end = (segment.u32_at(META_END_AT).load(Ordering::Acquire) as usize).min(segment.size());
        // SAFETY: published metadata is inside the segment and only grows; no call of the owner runs yet.
        let metadata = unsafe { std::slice::from_raw_parts(segment.base().add(META_AT), end.saturating_sub(META_AT)) };
        for (id, text) in read_entries(metadata) {
            if id == texts.len() {
                let text: Arc<str> = text.into();
                ids.insert(Arc::clone(&text), id);
                // SAFETY: the list is not shared yet.
                unsafe { texts.push(text) };
            }
        }
        let writer = Writer {
            ids,
            candidates: Box::new([0; CANDIDATES]),
            hasher: DefaultHashBuilder::default(),
            full: false,
        };
        InternTable {
            segment,
            writer: Mutex::new(writer),
            texts,
        }
    }

    /// Gives a declared key its id at once. `None` when it is too long or nothing is left.
    pub fn declare(&self, key: &str) -> Option<u32> {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        match writer.ids.get(key) {
            Some(&id) => Some(id),
            None if key.len() > LONGEST_KEY => None,
            None => self.publish(&mut writer, key, MOST_ENTRIES),
        }
    }

    /// Gives a dynamic key its id if it was seen before. Cost: a lock that nobody else wants and a hash.
    pub fn intern(&self, key: &str) -> Interned {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(&id) = writer.ids.get(key) {
            return Interned::Id(id);
        }
        if key.len() > LONGEST_KEY {
            return Interned::Never;
        }
        if writer.full {
            return Interned::Full;
        }
        // 0 marks an empty place, so no hash is 0.
        let hash = writer.hasher.hash_one(key) | 1;
        let place = (hash >> 32) as usize % CANDIDATES;
        if writer.candidates[place] != hash {
            writer.candidates[place] = hash;
            return Interned::NotYet;
        }
        match self.publish(&mut writer, key, MOST_ENTRIES - RESERVED) {
            Some(id) => Interned::Id(id),
            None => {
                writer.full = true;
                Interned::Full
            }
        }
    }

    /// The text of an id. Any thread; two loads, no lock.
    pub fn text(&self, id: u32) -> Option<&str> {
        self.texts.get(id).map(|text| &**text)
    }

    /// How many keys have ids.
    pub fn len(&self) -> usize {
        self.texts.len() as usize
    }

    /// True while no key has an id.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn publish(&self, writer: &mut Writer, key: &str, most: usize) -> Option<u32> {
        let id = Some(self.texts.len()).filter(|&id| (id as usize) < most)?;
        let header = [id.to_le_bytes(), (key.len() as u32).to_le_bytes()].concat();
        self.segment.append_meta(META_INTERN, &[&header, key.as_bytes()]).ok()?;
        let text: Arc<str> = key.into();
        writer.ids.insert(Arc::clone(&text), id);
        // SAFETY: `writer` is what the table's lock guards, so nobody else pushes.
        unsafe { self.texts.push(text) };
        Some(id)
    }
}

/// The intern entries in the bytes of a metadata area (from `META_AT` to the published end), in the order they were made.
/// Ends at the first record that makes no sense; entries that make none are passed over. Never panics.
pub fn read_entries(metadata: &[u8]) -> impl Iterator<Item = (u32, &str)> {
    let mut rest = metadata;
    std::iter::from_fn(move || {
        loop {
            let header = rest.first_chunk::<META_RECORD_HEADER>()?;
            let word = |bytes: &[u8]| u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
            let (length, tag) = (word(&header[..4]) as usize, word(&header[4..]));
            if length < META_RECORD_HEADER || !length.is_multiple_of(8) || length > rest.len() {
                return None;
            }
            let (record, after) = rest.split_at(length);
            rest = after;
            let payload = &record[META_RECORD_HEADER..];
            if tag == META_INTERN && payload.len() >= 8 {
                let bytes = word(&payload[4..]) as usize;
                if let Some(Ok(text)) = payload[8..].get(..bytes).map(std::str::from_utf8) {
                    return Some((word(payload), text));
                }
            }
        }
    })
}

/// Drives [`read_entries`] with arbitrary bytes.
pub fn fuzz_intern(data: &[u8]) {
    for (_, text) in read_entries(data) {
        assert!(text.len() <= data.len());
    }
}

#[cfg(all(test, not(loom)))]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::layout::{HEADER_SIZE, KIND_RING};

    fn table(pages: usize) -> InternTable {
        InternTable::new(Arc::new(
            Segment::anonymous(KIND_RING, HEADER_SIZE * (1 + pages)).unwrap(),
        ))
    }

    fn entries(table: &InternTable) -> Vec<(u32, String)> {
        let end = table.segment.u32_at(META_END_AT).load(Ordering::Acquire) as usize;
        // SAFETY: published metadata; this thread is the only writer.
        let bytes = unsafe { std::slice::from_raw_parts(table.segment.base().add(META_AT), end - META_AT) };
        read_entries(bytes).map(|(id, text)| (id, text.to_owned())).collect()
    }

    /// [M1]
    #[test]
    fn an_id_is_in_the_segment_before_anybody_has_it() {
        let table = table(16);
        assert_eq!(table.declare("method"), Some(0));
        assert_eq!(entries(&table), [(0, "method".to_owned())]);
        assert_eq!(table.intern("user"), Interned::NotYet);
        assert_eq!(entries(&table).len(), 1, "seen once takes no room");
        assert_eq!(table.intern("user"), Interned::Id(1));
        assert_eq!(table.intern("method"), Interned::Id(0));
        assert_eq!(entries(&table)[1], (1, "user".to_owned()));
        let again = InternTable::new(Arc::clone(&table.segment));
        assert_eq!((again.declare("user"), again.text(1)), (Some(1), Some("user")));
    }

    #[test]
    fn keys_that_never_come_back_take_no_room_and_leave_declared_keys_theirs() {
        let table = table(64);
        for number in 0..100_000 {
            table.intern(&format!("key-{number}"));
        }
        assert!(table.is_empty());
        for number in 0..MOST_ENTRIES {
            for _ in 0..2 {
                table.intern(&format!("twice-{number}"));
            }
        }
        assert_eq!(table.len(), MOST_ENTRIES - RESERVED);
        assert_eq!(table.intern("one more"), Interned::Full);
        assert!(table.declare("reserved").is_some());
    }

    #[test]
    fn a_full_metadata_area_and_long_keys_are_written_inline() {
        let table = table(1);
        assert_eq!(table.intern(&"k".repeat(LONGEST_KEY + 1)), Interned::Never);
        assert_eq!(table.declare(&"k".repeat(LONGEST_KEY + 1)), None);
        let declared = (0..100)
            .filter(|number| table.declare(&format!("{number:0>200}")).is_some())
            .count();
        assert_eq!(declared, HEADER_SIZE / 216, "as many as fit");
        assert_eq!(entries(&table).len(), declared);
    }

    #[test]
    fn entries_that_make_no_sense_end_the_reading_quietly() {
        let mut bytes = Vec::new();
        for word in [24_u32, META_INTERN, 0, 99, 0, 0] {
            bytes.extend(word.to_le_bytes());
        }
        assert_eq!(read_entries(&bytes).count(), 0, "text longer than its record");
        bytes[12] = 2;
        bytes[16..18].copy_from_slice(b"ok");
        assert_eq!(read_entries(&bytes).collect::<Vec<_>>(), [(0, "ok")]);
        for length in [0_u32, 4, 20, 32, u32::MAX] {
            bytes[..4].copy_from_slice(&length.to_le_bytes());
            assert_eq!(read_entries(&bytes).count(), 0);
        }
        for end in 0..bytes.len() {
            fuzz_intern(&bytes[..end]);
        }
    }
}
