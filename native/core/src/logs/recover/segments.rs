//! The log segments that dead processes left: found, locked and read by `read(2)`, their records in order. Runs on the thread that recovers.
use crate::intern::read_entries;
use crate::layout::*;
use crate::logs::LogRecord;
use crate::memory::folder::Folder;
use crate::memory::reader::{LARGEST, read_identity};
use crate::memory::recover::EndedBy;
use crate::memory::{name, sweep};
use crate::ring::DropReason;
use crate::ring::read_records;
use crate::ring::recover::{RingImage, unreleased};
use crate::ring::slots::FileSlots;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

/// The segments of one dead process that have to do with logs.
pub(super) struct Run {
    pub(super) pid: u32,
    pub(super) started_ns: u64,
    pub(super) ended_by: EndedBy,
    pub(super) rings: Vec<DeadRing>,
    pub(super) names: Vec<String>,
    pub(super) lost: u64,
}

/// A ring and its overflow.
pub(super) struct DeadRing {
    pub(super) keys: HashMap<u32, String>,
    pub(super) routes: Vec<u64>,
    /// The ring's segment, then the overflow's.
    pub(super) parts: Vec<Part>,
}

pub(super) struct Part {
    pub(super) bytes: Vec<u8>,
    pub(super) file: File,
    pub(super) slots: Arc<FileSlots>,
    pub(super) released: i32,
    pub(super) head: i32,
}

/// One record that is not released.
pub(super) struct Left<'a> {
    /// Index over all parts of the run.
    pub(super) lane: usize,
    pub(super) to: i32,
    pub(super) record: LogRecord<'a>,
}

/// Hash of the route's name; `None` for a route that segments do not tell apart, 0 for one that was recovered.
pub(super) fn route_of(run: &Run, left: &Left<'_>) -> Option<u64> {
    let mut lane = left.lane;
    for ring in &run.rings {
        if lane < ring.parts.len() {
            return ring.routes.get(usize::from(left.record.route)).copied();
        }
        lane -= ring.parts.len();
    }
    None
}

/// Records of a run that are not released, merged over its rings by time as the drain does; each ring's own order is kept.
pub(super) fn pending<'a>(run: &'a Run, unreadable: &mut u64) -> Vec<Left<'a>> {
    let mut queues: Vec<VecDeque<Left<'a>>> = Vec::new();
    let mut first_lane = 0;
    for ring in &run.rings {
        let images: Vec<RingImage<'a>> = ring
            .parts
            .iter()
            .filter_map(|part| RingImage::parse(&part.bytes).ok())
            .collect();
        let mut queue = VecDeque::new();
        if let Some(image) = images.first() {
            for (in_overflow, from, to) in unreleased(image, images.get(1)) {
                let part = usize::from(in_overflow);
                for record in images[part].records(from, to) {
                    let read = record.ok().and_then(|(to, bytes)| {
                        let record = read_records(bytes).next()?.ok()?;
                        let record = LogRecord::read(&record, &ring.keys)?;
                        Some(Left {
                            lane: first_lane + part,
                            to,
                            record,
                        })
                    });
                    match read {
                        Some(left) => queue.push_back(left),
                        None => *unreadable += 1,
                    }
                }
            }
        }
        queues.push(queue);
        first_lane += ring.parts.len();
    }
    let mut merged = Vec::with_capacity(queues.iter().map(VecDeque::len).sum());
    loop {
        let heads = queues
            .iter()
            .enumerate()
            .filter_map(|(index, queue)| Some((queue.front()?.record.time_ms, index)));
        let Some((_, index)) = heads.min_by(|one, other| one.0.total_cmp(&other.0)) else {
            return merged;
        };
        merged.extend(queues[index].pop_front());
    }
}

/// Dead processes of a service that left log segments, oldest first; their segments are locked for as long as the answer lives. A run
/// of which any segment is locked is alive, or somebody else is at it.
pub(super) fn find(folder: &Folder, service: &str) -> Vec<Run> {
    let prefix = name::service_prefix(service);
    let names = folder.names().unwrap_or_default();
    let mut by_run: BTreeMap<&str, Vec<&String>> = BTreeMap::new();
    for name in names.iter().filter(|name| name.starts_with(&prefix)) {
        if let Some(run) = name::run_of(name) {
            by_run.entry(run).or_default().push(name);
        }
    }
    let mut runs: Vec<Run> = by_run
        .into_values()
        .filter_map(|mut names| {
            names.sort_unstable();
            open_run(folder, name::cut(service), &names)
        })
        .collect();
    runs.sort_by_key(|run| run.started_ns);
    runs
}

fn open_run(folder: &Folder, service: &str, names: &[&String]) -> Option<Run> {
    let locked: Vec<(&String, File)> = names
        .iter()
        .map(|name| Some((*name, sweep::take(folder, name)?)))
        .collect::<Option<_>>()?;
    let mut run = Run {
        pid: 0,
        started_ns: 0,
        ended_by: EndedBy::Unclean,
        rings: Vec::new(),
        names: Vec::new(),
        lost: 0,
    };
    let mut overflows = Vec::new();
    let mut rings = Vec::new();
    for (name, file) in locked {
        let Some((kind, bytes)) = read_log_segment(&file, service, &mut run) else {
            if is_unused_overflow(&file) {
                run.names.push(name.clone());
            }
            continue;
        };
        let Ok(image) = RingImage::parse(&bytes) else { continue };
        let (id, released, head) = (image.id, image.released(), image.head());
        run.lost += image
            .drops
            .iter()
            .enumerate()
            .filter(|(reason, _)| *reason != DropReason::Cut as usize)
            .map(|(_, count)| count)
            .sum::<u64>();
        let Ok(again) = file.try_clone() else { continue };
        let part = Part {
            slots: Arc::new(FileSlots::new(again, &bytes)),
            bytes,
            file,
            released,
            head,
        };
        run.names.push(name.clone());
        match kind {
            KIND_RING => rings.push((id, part)),
            _ => overflows.push((id, part)),
        }
    }
    rings.sort_by_key(|(id, _)| *id);
    for (id, part) in rings {
        let end = u32_at(&part.bytes, META_END_AT) as usize;
        let keys = read_entries(part.bytes.get(META_AT..end).unwrap_or_default());
        let keys = keys.map(|(id, text)| (id, text.to_owned())).collect();
        let hashes = &part.bytes[LOG_ROUTES_AT..LOG_ROUTES_AT + 8 * LOG_ROUTES];
        let routes = hashes
            .as_chunks::<8>()
            .0
            .iter()
            .map(|hash| u64::from_le_bytes(*hash))
            .collect();
        let mut parts = vec![part];
        if let Some(at) = overflows.iter().position(|(other, _)| *other == id) {
            parts.push(overflows.swap_remove(at).1);
        }
        run.rings.push(DeadRing { keys, routes, parts });
    }
    (!run.rings.is_empty()).then_some(run)
}

/// An overflow whose process ended before it was given to a ring: nobody will ask for it.
fn is_unused_overflow(file: &File) -> bool {
    let mut page = vec![0; HEADER_SIZE];
    let identity = file
        .read_exact_at(&mut page, 0)
        .ok()
        .and_then(|()| read_identity(&page).ok());
    identity.is_some_and(|identity| identity.kind == KIND_OVERFLOW) && u32_at(&page, RING_OFFSET_AT) == 0
}

/// The kind and the bytes of a segment of logs that was not recovered.
fn read_log_segment(file: &File, service: &str, run: &mut Run) -> Option<(u32, Vec<u8>)> {
    let mut page = vec![0; HEADER_SIZE];
    file.read_exact_at(&mut page, 0).ok()?;
    let identity = read_identity(&page).ok()?;
    if identity.service != service
        || identity.recovered == RECOVERED
        || identity.kind == KIND_CELLS
        || u32_at(&page, RING_SIGNAL_AT) != SIGNAL_LOGS
    {
        return None;
    }
    let size = file.metadata().ok()?.len();
    if size > LARGEST || size < identity.size {
        return None;
    }
    let mut bytes = Vec::with_capacity(size as usize);
    file.take(LARGEST).read_to_end(&mut bytes).ok()?;
    (run.pid, run.started_ns) = (identity.pid, identity.anchors.wall_ns);
    let ended = EndedBy::of(identity.exit_state, identity.exit_detail);
    if run.ended_by == EndedBy::Unclean {
        run.ended_by = ended;
    }
    Some((identity.kind, bytes))
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    let word = bytes.get(at..at + 4);
    word.map_or(0, |word| u32::from_le_bytes([word[0], word[1], word[2], word[3]]))
}
