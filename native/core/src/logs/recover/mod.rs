//! Lines of processes that ended without delivering them: read from the segments they left, made into lines again and handed to the
//! sinks of their route, once, in order, before any new line. Runs on the thread that asks (cold); the collector writes.
//!
//! What a sink has already is told by its slot in each dead segment (`ring/slots.rs`): a position, and what was being written when the
//! process ended. For the latter the records are encoded as they were and the writer compares them with its file
//! ([`super::LineWriter::resume`]). While recovery writes, the same slots say how far it is: a recovery that is killed goes on where
//! it stopped. The lock on the segments keeps two starts from doing it at once.
mod maker;
mod segments;

use super::host::{Extra, Logs, lock};
use super::routes::{RouteSink, SinkKind};
use crate::layout::*;
use crate::memory::folder::Folder;
use crate::threads;
use maker::Maker;
use segments::{Left, Run, find, pending, route_of};
use std::collections::BTreeSet;
use std::fs::File;
use std::os::unix::fs::FileExt;

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

impl Logs {
    /// Hands the lines of dead processes of `service` to the sinks that `route` has now, oldest process first, with a line behind
    /// each that says how many there were. Lines of other routes stay where they are, unless `all` asks for every route's. The second call
    /// for a route does nothing.
    ///
    /// Cost: reads every log segment that a dead process of the service left (5 MiB per thread).
    pub fn recover(&self, folder: &Folder, service: &str, route: u16, all: bool) -> Recovered {
        let sinks = self.routes.sinks(route);
        let Some(sinks) = sinks.filter(|sinks| !sinks.is_empty()) else {
            return Recovered::default();
        };
        let claim = if all { Claim::All } else { Claim::Route(route) };
        if !lock(&self.dead).claimed.insert(claim) {
            return Recovered::default();
        }
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
