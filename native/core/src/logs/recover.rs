//! Lines of processes that ended without delivering them: read from the segments they left, made into lines again and handed to the
//! sinks of their route, once, in order, before any new line. Runs on the thread that asks (cold); the collector writes.
//!
//! What a sink has already is told by its slot in each dead segment (`ring/slots.rs`): a position, and what was being written when the
//! process ended. For the latter the records are encoded as they were and the writer compares them with its file
//! ([`super::LineWriter::resume`]). While recovery writes, the same slots say how far it is: a recovery that is killed goes on where
//! it stopped. The lock on the segments keeps two starts from doing it at once.
use super::LogRecord;
use super::Place;
use super::host::{Extra, Logs, lock};
use super::outlet::Outlet;
use super::own_line::OwnLine;
use super::piece::{Lane, NO_LANE, Piece};
use super::routes::{LineFormat, RouteSink, SinkKind};
use crate::intern::read_entries;
use crate::layout::*;
use crate::memory::folder::Folder;
use crate::memory::reader::{LARGEST, read_identity};
use crate::memory::recover::EndedBy;
use crate::memory::{name, sweep};
use crate::ring::DropReason;
use crate::ring::position::used;
use crate::ring::read_records;
use crate::ring::recover::{RingImage, unreleased};
use crate::ring::slots::{FileSlots, SlotImage, SlotIntent, Slots, read_slot};
use crate::threads;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::FileExt;
use std::sync::{Arc, PoisonError};

/// Bytes of text of a piece.
const PIECE_BYTES: usize = 256 << 10;

/// What a recovery found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Dead processes with lines for the route.
    pub runs: u32,
    /// Lines of theirs that were handed to sinks; of several sinks, the most that one gets.
    pub lines: u64,
    /// Lines that those processes had lost, or that cannot be read.
    pub lost: u64,
}

/// Routes that were recovered already in this process.
#[derive(Default)]
pub struct DeadRuns {
    claimed: BTreeSet<Claim>,
}

#[derive(PartialEq, Eq, PartialOrd, Ord, Clone, Copy)]
enum Claim {
    Route(u16),
    All,
}

/// The segments of one dead process that have to do with logs.
struct Run {
    pid: u32,
    started_ns: u64,
    ended_by: EndedBy,
    rings: Vec<DeadRing>,
    names: Vec<String>,
    lost: u64,
}

/// A ring and its overflow.
struct DeadRing {
    keys: HashMap<u32, String>,
    routes: Vec<u64>,
    /// The ring's segment, then the overflow's.
    parts: Vec<Part>,
}

struct Part {
    bytes: Vec<u8>,
    file: File,
    slots: Arc<FileSlots>,
    released: i32,
    head: i32,
}

/// One record that is not released.
struct Left<'a> {
    /// Index over all parts of the run.
    lane: usize,
    to: i32,
    record: LogRecord<'a>,
}

impl Logs {
    /// Hands the lines of dead processes of `service` to the sinks that `route` has now, oldest process first, with a line behind
    /// each that says how many there were. Lines of other routes stay where they are, unless `all` asks for every route's. The second call
    /// for a route does nothing.
    ///
    /// Cost: reads every log segment that a dead process of the service left (5 MiB per thread).
    pub fn recover(&self, folder: &Folder, service: &str, route: u16, all: bool) -> Recovered {
        let claim = if all { Claim::All } else { Claim::Route(route) };
        if !lock(&self.dead).claimed.insert(claim) {
            return Recovered::default();
        }
        let sinks = self.routes.sinks(route);
        let Some(sinks) = sinks.filter(|sinks| !sinks.is_empty()) else {
            return Recovered::default();
        };
        let wanted = match all {
            true => None,
            false => self.routes.hash(route),
        };
        let mut sum = Recovered::default();
        for run in find(folder, service) {
            let found = self.recover_run(folder.clone_handle(), run, &sinks, wanted);
            sum.runs += found.runs;
            sum.lines += found.lines;
            sum.lost += found.lost;
        }
        sum
    }

    fn recover_run(&self, folder: Option<Folder>, mut run: Run, sinks: &[RouteSink], wanted: Option<u64>) -> Recovered {
        let mut unreadable = 0;
        let left = pending(&run, &mut unreadable);
        let is_wanted = |left: &Left<'_>| match route_of(&run, left) {
            // Recovered before.
            Some(0) => false,
            Some(hash) => wanted.is_none_or(|wanted| wanted == hash),
            None => true,
        };
        let (mine, others): (Vec<Left<'_>>, Vec<Left<'_>>) = left.into_iter().partition(is_wanted);
        let keep = others.iter().any(|left| route_of(&run, left) != Some(0));
        let lost = run.lost + unreadable;
        let mut lines = 0;
        let mut extras = Vec::new();
        if !mine.is_empty() {
            for sink in sinks {
                let written = match &sink.sink {
                    SinkKind::Lines { format, outlet } => {
                        let maker = Maker {
                            logs: self,
                            run: &run,
                            format,
                            outlet,
                        };
                        maker.pieces(&mine, sink.min_level, lost, &mut extras)
                    }
                    SinkKind::Records(records) => {
                        let wanted = mine.iter().filter(|left| left.record.level >= sink.min_level);
                        let taken = wanted.filter(|left| threads::guard(|| records.accept(&left.record), false));
                        taken.count() as u64
                    }
                };
                lines = lines.max(written);
            }
        }
        self.count_recovered(lines);
        let had_lines = !mine.is_empty();
        drop((mine, others));
        let found = Recovered {
            runs: u32::from(had_lines),
            lines,
            lost: if had_lines { lost } else { 0 },
        };
        let names = std::mem::take(&mut run.names);
        let files: Vec<File> = run
            .rings
            .into_iter()
            .flat_map(|ring| ring.parts)
            .map(|part| part.file)
            .collect();
        extras.push(Extra::Then(Box::new(move |complete| {
            // With some of it in memory only, the next start finds it again.
            if complete {
                finish(folder.as_ref(), &names, &files, wanted, keep);
            }
        })));
        self.put_extras(extras);
        found
    }
}

/// Makes the pieces of one run for one outlet.
struct Maker<'a> {
    logs: &'a Logs,
    run: &'a Run,
    format: &'a Arc<dyn LineFormat>,
    outlet: &'a Arc<Outlet>,
}

impl Maker<'_> {
    /// Returns the lines that the outlet has not got yet.
    fn pieces(&self, left: &[Left<'_>], min_level: u16, lost: u64, extras: &mut Vec<Extra>) -> u64 {
        let parts: Vec<&Part> = self.run.rings.iter().flat_map(|ring| &ring.parts).collect();
        let slots: Vec<Option<SlotImage>> = parts
            .iter()
            .map(|part| read_slot(&part.bytes, self.outlet.hash(), part.released, part.head))
            .collect();
        let position = |lane: usize, at: i32| used(at, parts[lane].released);
        let intent = |left: &Left<'_>| {
            let intent = slots[left.lane].and_then(|slot| slot.intent)?;
            let at = position(left.lane, left.to);
            let within = at > position(left.lane, intent.from) && at <= position(left.lane, intent.to);
            within.then_some(intent)
        };
        let has = |left: &Left<'_>| {
            let delivered = slots[left.lane].map_or(parts[left.lane].released, |slot| slot.delivered);
            position(left.lane, left.to) <= position(left.lane, delivered)
        };
        let mut lines = 0;
        let mut at: Vec<Option<i32>> = vec![None; parts.len()];
        // How far each segment's lines are in a file, as the file itself says.
        let mut found: Vec<u32> = vec![0; parts.len()];
        // A batch has one place. There are two when the process ended while it noted the next one.
        let mut places: Vec<Place> = Vec::new();
        for place in left.iter().filter_map(|left| intent(left).map(place_of)) {
            if !places.contains(&place) {
                places.push(place);
            }
        }
        for place in places {
            let writing = left.iter().filter(|left| intent(left).map(place_of) == Some(place));
            let piece = self.piece(writing, min_level, &mut vec![None; parts.len()]);
            let bytes = self.outlet.resume(place, &piece.bytes);
            for mark in piece.marks.iter().take_while(|mark| mark.end as usize <= bytes) {
                found[usize::from(mark.lane)] = position(usize::from(mark.lane), mark.to);
            }
        }
        let is_there = |left: &&Left<'_>| has(left) || position(left.lane, left.to) <= found[left.lane];
        let rest = left.iter().filter(|left| !is_there(left));
        let mut rest = rest.peekable();
        while rest.peek().is_some() {
            let mut bytes = 0;
            let mut chunk = Vec::new();
            while bytes < PIECE_BYTES
                && let Some(left) = rest.next()
            {
                bytes += left.record.values.len();
                chunk.push(left);
            }
            let piece = self.piece(chunk.into_iter(), min_level, &mut at);
            lines += piece.marks.len() as u64;
            self.give(piece, extras);
        }
        if lines > 0 {
            let mut piece = Piece::default();
            let line = self.summary(lines, lost);
            threads::guard(|| line.write(&**self.format, &mut piece.bytes), ());
            piece.mark(NO_LANE, line.level(), 0, 0.0);
            self.give(piece, extras);
        }
        lines
    }

    fn give(&self, piece: Piece, extras: &mut Vec<Extra>) {
        extras.push(Extra::Pieces(vec![(Arc::clone(self.outlet), piece)]));
    }

    /// Lines of records; `at` has the position of each lane behind the last piece.
    fn piece<'b>(&self, left: impl Iterator<Item = &'b Left<'b>>, min_level: u16, at: &mut [Option<i32>]) -> Piece {
        let scrub = self.logs.scrub.read().unwrap_or_else(PoisonError::into_inner).clone();
        let parts: Vec<&Part> = self.run.rings.iter().flat_map(|ring| &ring.parts).collect();
        let began = at.to_vec();
        let mut touched = vec![false; parts.len()];
        let mut piece = Piece::default();
        let mut scratch = Vec::new();
        for left in left {
            touched[left.lane] = true;
            at[left.lane] = Some(left.to);
            if left.record.level < min_level || left.record.held {
                continue;
            }
            scratch.clear();
            let start = piece.bytes.len();
            let whole = threads::guard(
                || {
                    let values = match &scrub {
                        Some(scrub) => scrub.scrub(left.record.values, &mut scratch),
                        None => left.record.values,
                    };
                    self.format
                        .write(&LogRecord { values, ..left.record }, &mut piece.bytes);
                    true
                },
                false,
            );
            if !whole {
                piece.bytes.truncate(start);
                self.outlet.losses().count(left.record.level, "failed", 1);
            }
            piece.mark(left.lane as u16, left.record.level, left.to, left.record.time_ms);
        }
        let lanes = parts.iter().enumerate().map(|(lane, part)| Lane {
            slots: touched[lane].then(|| Arc::clone(&part.slots) as Arc<dyn Slots>),
            at: began[lane].unwrap_or_else(|| {
                let slot = read_slot(&part.bytes, self.outlet.hash(), part.released, part.head);
                slot.map_or(part.released, |slot| {
                    slot.intent.map_or(slot.delivered, |intent| intent.from)
                })
            }),
            to: at[lane].unwrap_or(part.released),
        });
        piece.lanes = lanes.collect();
        piece
    }

    fn summary(&self, lines: u64, lost: u64) -> OwnLine {
        let pid = self.run.pid;
        let text = format!("recovered {lines} log lines of process {pid}");
        let mut line = OwnLine::new(if lost > 0 { 40 } else { 30 }, &text);
        line.number("recovered", lines);
        line.number("lost", lost);
        line.number("pid", u64::from(pid));
        line.text(
            "ended_by",
            match self.run.ended_by {
                EndedBy::Clean(_) => "clean",
                EndedBy::Signal(_) => "signal",
                EndedBy::Uncaught(_) => "uncaught",
                EndedBy::Unclean => "unclean",
            },
        );
        line
    }
}

fn place_of(intent: SlotIntent) -> Place {
    Place {
        device: intent.device,
        inode: intent.inode,
        offset: intent.offset,
    }
}

/// The delivered lines are not to be delivered again: the route is taken out of the segments, and they go once nothing is left in them.
fn finish(folder: Option<&Folder>, names: &[String], files: &[File], wanted: Option<u64>, keep: bool) {
    if keep {
        let Some(wanted) = wanted else { return };
        for file in files {
            let mut hashes = [0; 8 * LOG_ROUTES];
            if file.read_exact_at(&mut hashes, LOG_ROUTES_AT as u64).is_err() {
                continue;
            }
            for (number, hash) in hashes.chunks_exact(8).enumerate() {
                if hash == wanted.to_le_bytes() {
                    let _ = file.write_all_at(&[0; 8], (LOG_ROUTES_AT + 8 * number) as u64);
                }
            }
        }
        return;
    }
    for file in files {
        // Where it fails, the run is given again: better twice than never.
        let _ = file.write_all_at(&RECOVERED.to_le_bytes(), RECOVERED_AT as u64);
    }
    for name in names {
        let _ = folder.map(|folder| folder.remove(name));
    }
}

/// Hash of the route's name; `None` for a route that segments do not tell apart, 0 for one that was recovered.
fn route_of(run: &Run, left: &Left<'_>) -> Option<u64> {
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
fn pending<'a>(run: &'a Run, unreadable: &mut u64) -> Vec<Left<'a>> {
    let mut queues: Vec<std::collections::VecDeque<Left<'a>>> = Vec::new();
    let mut first_lane = 0;
    for ring in &run.rings {
        let images: Vec<RingImage<'a>> = ring
            .parts
            .iter()
            .filter_map(|part| RingImage::parse(&part.bytes).ok())
            .collect();
        let mut queue = std::collections::VecDeque::new();
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
    let mut merged = Vec::with_capacity(queues.iter().map(std::collections::VecDeque::len).sum());
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
fn find(folder: &Folder, service: &str) -> Vec<Run> {
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
