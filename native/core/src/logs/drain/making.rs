//! A batch in the making: each record's line once per format, at the end of the piece of each outlet that wants it. Runs on the collector.
use crate::logs::LogRecord;
use crate::logs::host::Logs;
use crate::logs::outlet::Outlet;
use crate::logs::piece::Piece;
use crate::logs::routes::{RouteSink, RouteTable, Scrub, SinkKind};
use crate::threads;
use std::sync::Arc;

/// A batch in the making.
#[derive(Default)]
pub(super) struct Making {
    pub(super) pieces: Vec<(Arc<Outlet>, Piece)>,
    scratch: Vec<u8>,
}

impl Making {
    /// Gives a record to the sinks of its route.
    pub(super) fn add(
        &mut self,
        logs: &Logs,
        table: &RouteTable,
        scrub: Option<&dyn Scrub>,
        log: &LogRecord<'_>,
        lane: u16,
        to: i32,
    ) {
        let Some(sinks) = table.get(usize::from(log.route)).and_then(Option::as_ref) else {
            logs.losses().count(log.level, "no_route", 1);
            return;
        };
        let mut scratch = std::mem::take(&mut self.scratch);
        scratch.clear();
        let values = match scrub {
            Some(scrub) => threads::guard(|| Some(scrub.scrub(log.values, &mut scratch)), None),
            None => Some(log.values),
        };
        match values {
            Some(values) => self.spread(sinks, &LogRecord { values, ..*log }, lane, to),
            // What could not be looked through may hold a secret.
            None => logs.losses().count(log.level, "scrub", 1),
        }
        self.scratch = scratch;
    }

    fn spread(&mut self, sinks: &[RouteSink], log: &LogRecord<'_>, lane: u16, to: i32) {
        // A line that was made for one outlet is copied for the next one with the same format.
        let mut made: Option<(*const (), usize, usize)> = None;
        for RouteSink { min_level, sink } in sinks {
            if log.level < *min_level {
                continue;
            }
            let (format, outlet) = match sink {
                SinkKind::Records(records) => {
                    threads::guard(|| records.accept(log), false);
                    continue;
                }
                SinkKind::Lines { format, outlet } => (format, outlet),
            };
            let index = self.piece_of(outlet);
            let start = self.pieces[index].1.bytes.len();
            let key = Arc::as_ptr(format).cast::<()>();
            match made {
                Some((known, from, begin)) if known == key && from != index => {
                    let [(_, source), (_, target)] = match self.pieces.get_disjoint_mut([from, index]) {
                        Ok(pair) => pair,
                        Err(_) => continue,
                    };
                    target.bytes.extend_from_slice(&source.bytes[begin..]);
                }
                _ => {
                    outlet.set_format(format);
                    let bytes = &mut self.pieces[index].1.bytes;
                    let whole = threads::guard(
                        || {
                            format.write(log, bytes);
                            true
                        },
                        false,
                    );
                    if !whole {
                        self.pieces[index].1.bytes.truncate(start);
                        outlet.losses().count(log.level, "failed", 1);
                    }
                    made = Some((key, index, start)).filter(|_| whole);
                }
            }
            self.pieces[index].1.mark(lane, log.level, to, log.time_ms);
        }
    }

    fn piece_of(&mut self, outlet: &Arc<Outlet>) -> usize {
        let known = self.pieces.iter().position(|(other, _)| Arc::ptr_eq(other, outlet));
        known.unwrap_or_else(|| {
            self.pieces.push((Arc::clone(outlet), Piece::default()));
            self.pieces.len() - 1
        })
    }
}
