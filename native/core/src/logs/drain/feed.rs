//! One ring as the drain reads it: the batch that it took, and how far it is in it. Runs on the collector.
use super::BATCH_BYTES;
use crate::layout::{LOG_SLOTS, RECORD_HEADER};
use crate::logs::outlet::Outlet;
use crate::logs::piece::Lane;
use crate::ring::consumer::Flight;
use crate::ring::memory::SegmentRing;
use crate::ring::position::after;
use crate::ring::rings::OpenRing;
use crate::ring::slots::Slots;
use std::sync::Arc;

/// One ring.
pub(super) struct Feed {
    pub(super) open: Arc<OpenRing>,
    pub(super) flight: Option<Flight<SegmentRing>>,
    /// Bytes of the flight that are in batches.
    pub(super) at: usize,
    /// Where the current batch began.
    pub(super) began: usize,
    /// Time of the next record of the flight.
    pub(super) time: Option<f64>,
    /// Bytes of records that were released.
    pub(super) released: u64,
}

impl Feed {
    pub(super) fn new(open: Arc<OpenRing>) -> Feed {
        Feed {
            open,
            flight: None,
            at: 0,
            began: 0,
            time: None,
            released: 0,
        }
    }

    /// Takes records, unless there are some.
    pub(super) fn fill(&mut self) {
        if self.flight.is_none() {
            self.flight = self.open.ring.take(BATCH_BYTES as u32);
            (self.at, self.began) = (0, 0);
            self.look();
        }
    }

    /// Reads the time of the next record.
    pub(super) fn look(&mut self) {
        self.time = self.flight.as_ref().and_then(|flight| {
            let rest = flight.bytes().get(self.at..).filter(|rest| !rest.is_empty())?;
            let time = rest.get(RECORD_HEADER..)?.first_chunk();
            Some(time.map_or(0.0, |time| f64::from_le_bytes(*time)))
        });
    }

    pub(super) fn has_more(&self) -> bool {
        self.time.is_some() || self.open.ring.has_more()
    }

    /// The part of the flight that is in the current batch.
    pub(super) fn lane(&self) -> Lane {
        let position = |at: usize| self.flight.as_ref().map_or(0, |flight| after(flight.from(), at as u32));
        let memory = match &self.flight {
            Some(flight) => flight.memory(),
            None => self.open.ring.memory(),
        };
        let filled = self.at > self.began;
        Lane {
            slots: filled.then(|| Arc::clone(memory) as Arc<dyn Slots>),
            at: position(self.began),
            to: position(self.at),
        }
    }

    /// Outlets that had no line in the batch have it too.
    pub(super) fn note(&self, outlets: &[Arc<Outlet>]) {
        let Some(flight) = &self.flight else { return };
        let to = after(flight.from(), self.at as u32);
        for outlet in outlets.iter().filter(|outlet| outlet.is_empty()) {
            if let Some(slot) = outlet.slot().filter(|&slot| slot < LOG_SLOTS) {
                flight.memory().delivered(slot, outlet.hash(), to);
            }
        }
    }
}
