//! How many series a metric may have, and how long one lives that nobody writes. Read by registration and by the sweep.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// Series of one metric unless it says otherwise.
pub const MAX_SERIES: u32 = 10_000;

/// The label block of the series that takes what is over the limit: OpenTelemetry's `otel.metric.overflow`, as its
/// Prometheus exporters write it (Metrics SDK, "Overflow attribute").
pub const OVERFLOW_BLOCK: &[u8] = b"otel_metric_overflow=\"true\"";

/// Limits of one metric; not part of its identity, the last caller decides.
#[derive(Debug)]
pub struct Limits {
    max_series: AtomicU32,
    idle_ms: AtomicU64,
    overflowed: AtomicU64,
    expired: AtomicU64,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            max_series: AtomicU32::new(MAX_SERIES),
            idle_ms: AtomicU64::new(0),
            overflowed: AtomicU64::new(0),
            expired: AtomicU64::new(0),
        }
    }
}

impl Limits {
    /// Sets both: series in [1, u32::MAX], and ms without a change after which a series is hidden, 0 = never.
    pub fn set(&self, max_series: u32, idle_ms: u64) {
        self.max_series.store(max_series.max(1), Ordering::Relaxed);
        self.idle_ms.store(idle_ms, Ordering::Relaxed);
    }

    /// Series at most, the overflow series not counted.
    pub fn max_series(&self) -> u32 {
        self.max_series.load(Ordering::Relaxed)
    }

    /// See [`Limits::set`].
    pub fn idle_ms(&self) -> u64 {
        self.idle_ms.load(Ordering::Relaxed)
    }

    /// Requests for a new series that were answered with the overflow series.
    pub fn overflowed(&self) -> u64 {
        self.overflowed.load(Ordering::Relaxed)
    }

    /// Series that were hidden because nobody wrote them.
    pub fn expired(&self) -> u64 {
        self.expired.load(Ordering::Relaxed)
    }

    pub(super) fn count_expired(&self, series: u64) {
        self.expired.fetch_add(series, Ordering::Relaxed);
    }

    pub(super) fn count_overflow(&self) {
        self.overflowed.fetch_add(1, Ordering::Relaxed);
    }
}
