//! Lines of one dead process for one outlet: those that it has not got. Runs on the thread that recovers.
use super::PIECE_BYTES;
use super::segments::{Left, Part, Run};
use crate::logs::host::{Extra, Logs};
use crate::logs::outlet::Outlet;
use crate::logs::own_line::OwnLine;
use crate::logs::piece::{Lane, NO_LANE, Piece};
use crate::logs::routes::LineFormat;
use crate::logs::{LogRecord, Place};
use crate::memory::recover::EndedBy;
use crate::ring::position::used;
use crate::ring::slots::{SlotImage, SlotIntent, Slots, read_slot};
use crate::threads;
use std::sync::{Arc, PoisonError};

/// Makes the pieces of one run for one outlet.
pub(super) struct Maker<'a> {
    pub(super) logs: &'a Logs,
    pub(super) run: &'a Run,
    pub(super) format: &'a Arc<dyn LineFormat>,
    pub(super) outlet: &'a Arc<Outlet>,
}

impl Maker<'_> {
    /// Returns the lines that the outlet has not got yet.
    pub(super) fn pieces(&self, left: &[Left<'_>], min_level: u16, lost: u64, extras: &mut Vec<Extra>) -> u64 {
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
