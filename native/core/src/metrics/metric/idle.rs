//! Hides series that nobody wrote for a while. On the native thread that sweeps; time decides, not scrapes.

use super::Metric;
use crate::loom::Ordering;
use crate::memory::table::lock;
use crate::metrics::limits::OVERFLOW_BLOCK;
use crate::metrics::series::{FREE, SHOWN};

/// What a sweep remembers: per slot when the series began and what its cells were, and since when they are.
#[derive(Default)]
pub(super) struct Idle {
    seen: Vec<Seen>,
}

#[derive(Default, Clone, Copy)]
struct Seen {
    created_ns: u64,
    digest: u64,
    since_ms: u64,
}

impl Metric {
    /// Hides each series whose cells have not changed for [`super::Limits::idle_ms`]; a handle that is still held shows it
    /// again when it writes. The series without labels and the overflow series stay. `now_ms` never goes back. Returns how
    /// many were hidden.
    pub fn sweep_idle(&self, now_ms: u64) -> u32 {
        let idle_ms = self.limits.idle_ms();
        if idle_ms == 0 {
            return 0;
        }
        let idle = self.idle_blocks(now_ms, idle_ms);
        let hidden = idle.iter().filter(|block| self.remove(None, block, true).is_some());
        let hidden = hidden.count();
        self.limits.count_expired(hidden as u64);
        hidden as u32
    }

    fn idle_blocks(&self, now_ms: u64, idle_ms: u64) -> Vec<Vec<u8>> {
        let _pin = self.memory.pin();
        let mut idle = lock(&self.idle);
        idle.seen.resize(self.series.len() as usize, Seen::default());
        let mut blocks = Vec::new();
        for (seen, series) in idle.seen.iter_mut().zip(self.series.iter()) {
            let state = series.state.load(Ordering::Acquire);
            if state == FREE {
                *seen = Seen::default();
                continue;
            }
            let (created_ns, digest) = (series.created.load(Ordering::Relaxed), self.digest(series));
            if (seen.created_ns, seen.digest) != (created_ns, digest) {
                let since_ms = now_ms;
                *seen = Seen {
                    created_ns,
                    digest,
                    since_ms,
                };
            } else if now_ms.saturating_sub(seen.since_ms) >= idle_ms
                && (state == SHOWN || series.is_touched(&mut self.memory.cursor(), &self.descriptor))
                && let Some(block) = self.block(series)
                && !block.is_empty()
                && block != OVERFLOW_BLOCK
            {
                blocks.push(block.to_vec());
            }
        }
        blocks
    }

    /// A number that changes when a cell of the series does.
    fn digest(&self, series: &crate::metrics::series::Series) -> u64 {
        let mut digest = 0xcbf2_9ce4_8422_2325_u64;
        for location in series.locations() {
            for (_, cell) in self.cells(location) {
                digest = (digest ^ cell.load(Ordering::Relaxed)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
                digest ^= digest >> 29;
            }
        }
        digest
    }
}
