//! What the server counts about itself. Written by the ops and render threads, read by any.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use kymo_core::metrics::collector::{Collector, Sample};
use kymo_core::metrics::metric::Kind;

use crate::response::{STATUSES, status_index};

/// Totals of every server that was started with it, so a restart does not set them back.
#[derive(Default)]
pub struct OpsCounters {
    routes: Mutex<Vec<Arc<RouteCounts>>>,
    opened: AtomicU64,
    closed: AtomicU64,
    refused_limit: AtomicU64,
    refused_descriptors: AtomicU64,
    waiting: AtomicU64,
    aborted: AtomicU64,
    timed_out: AtomicU64,
    sent_bytes: AtomicU64,
    renders: AtomicU64,
    coalesced: AtomicU64,
    panics: AtomicU64,
    faults: AtomicU64,
    scrapes_refused: [AtomicU64; REFUSALS.len()],
}

/// Why a request for something rendered got 503.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// `maxScrapesInFlight` are being answered.
    InFlight,
    /// As many different renders as may wait do.
    Renders,
    /// Bodies that are rendered or being sent take all the memory they may.
    Memory,
    /// `scrapeTimeoutMs` is over.
    Timeout,
}

const REFUSALS: [(Refusal, &str); 4] = [
    (Refusal::InFlight, "in_flight"),
    (Refusal::Renders, "renders"),
    (Refusal::Memory, "memory"),
    (Refusal::Timeout, "timeout"),
];

/// Answers of one route, by status.
pub(crate) struct RouteCounts {
    route: String,
    by_status: [AtomicU64; STATUSES.len()],
}

impl RouteCounts {
    pub fn count(&self, status: u16) {
        self.add(status, 1);
    }

    pub fn add(&self, status: u16, count: u64) {
        self.by_status[status_index(status)].fetch_add(count, Ordering::Relaxed);
    }
}

/// The counters without labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Total {
    Opened,
    Closed,
    RefusedLimit,
    RefusedDescriptors,
    Aborted,
    TimedOut,
    SentBytes,
    Renders,
    Coalesced,
    Panics,
    Faults,
}

impl OpsCounters {
    /// All zero.
    pub fn new() -> Arc<Self> {
        Arc::new(OpsCounters::default())
    }

    /// The counts of `route`, the same ones for every server of these counters.
    pub(crate) fn route(&self, route: &str) -> Arc<RouteCounts> {
        let mut routes = self.routes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = routes.iter().find(|r| r.route == route) {
            return Arc::clone(found);
        }
        let counts = Arc::new(RouteCounts {
            route: route.to_owned(),
            by_status: [const { AtomicU64::new(0) }; STATUSES.len()],
        });
        routes.push(Arc::clone(&counts));
        counts
    }

    pub(crate) fn add(&self, total: Total, count: u64) {
        self.cell(total).fetch_add(count, Ordering::Relaxed);
    }

    pub(crate) fn get(&self, total: Total) -> u64 {
        self.cell(total).load(Ordering::Relaxed)
    }

    fn cell(&self, total: Total) -> &AtomicU64 {
        match total {
            Total::Opened => &self.opened,
            Total::Closed => &self.closed,
            Total::RefusedLimit => &self.refused_limit,
            Total::RefusedDescriptors => &self.refused_descriptors,
            Total::Aborted => &self.aborted,
            Total::TimedOut => &self.timed_out,
            Total::SentBytes => &self.sent_bytes,
            Total::Renders => &self.renders,
            Total::Coalesced => &self.coalesced,
            Total::Panics => &self.panics,
            Total::Faults => &self.faults,
        }
    }

    pub(crate) fn refuse_scrape(&self, reason: Refusal) {
        self.scrapes_refused[reason as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// Requests that began or ceased to wait for a render.
    pub(crate) fn wait(&self, more: usize, less: usize) {
        self.waiting.fetch_add(more as u64, Ordering::Relaxed);
        self.waiting.fetch_sub(less as u64, Ordering::Relaxed);
    }

    /// The value of `name` with exactly these labels, 0 if it was never counted.
    pub fn value(&self, name: &str, labels: &str) -> u64 {
        let mut value = 0;
        self.collect(&mut |s| {
            if s.name == name && s.labels == labels {
                // Counts stay far below 2^53.
                value = s.value as u64;
            }
        });
        value
    }
}

const TOTALS: [(&str, &str, Total); 8] = [
    (
        "kymo_ops_connections_total",
        "Connections accepted by the ops server",
        Total::Opened,
    ),
    (
        "kymo_ops_requests_aborted_total",
        "Requests whose client left before the end of the answer",
        Total::Aborted,
    ),
    (
        "kymo_ops_timeouts_total",
        "Connections ended because their client was too slow or silent",
        Total::TimedOut,
    ),
    ("kymo_ops_sent_bytes_total", "Bytes of bodies sent", Total::SentBytes),
    ("kymo_ops_renders_total", "Bodies rendered", Total::Renders),
    (
        "kymo_ops_renders_shared_total",
        "Requests answered with a render that another request had asked for",
        Total::Coalesced,
    ),
    ("kymo_ops_panics_total", "Panics caught while answering", Total::Panics),
    (
        "kymo_ops_faults_total",
        "Servers ended by a fault of their engine",
        Total::Faults,
    ),
];

/// Allocates the labels; takes a lock that only a start takes too.
impl Collector for OpsCounters {
    fn collect(&self, emit: &mut dyn FnMut(Sample<'_>)) {
        let mut emit = |name, help, kind, labels: &str, value: u64| {
            emit(Sample {
                name,
                help,
                kind,
                labels,
                value: value as f64,
            });
        };
        // Closed first: a connection that opens in between may be counted as open, never as less than none.
        let closed = self.get(Total::Closed);
        let open = self.get(Total::Opened).saturating_sub(closed);
        emit(
            "kymo_ops_connections",
            "Connections to the ops server",
            Kind::Gauge,
            "",
            open,
        );
        let waiting = self.waiting.load(Ordering::Relaxed);
        let help = "Requests that wait for a render";
        emit("kymo_ops_requests_waiting", help, Kind::Gauge, "", waiting);
        let refused = "kymo_ops_connections_refused_total";
        let help = "Connections closed at once: over the limit, or without a file descriptor left";
        emit(
            refused,
            help,
            Kind::Counter,
            "reason=\"limit\"",
            self.get(Total::RefusedLimit),
        );
        emit(
            refused,
            help,
            Kind::Counter,
            "reason=\"descriptors\"",
            self.get(Total::RefusedDescriptors),
        );
        let help = "Scrapes answered with 503, by what they were too many, too large or too slow for";
        for ((_, reason), count) in REFUSALS.iter().zip(&self.scrapes_refused) {
            let labels = format!("reason=\"{reason}\"");
            let count = count.load(Ordering::Relaxed);
            emit("kymo_ops_scrapes_refused_total", help, Kind::Counter, &labels, count);
        }
        for (name, help, total) in TOTALS {
            emit(name, help, Kind::Counter, "", self.get(total));
        }
        let routes = self.routes.lock().unwrap_or_else(PoisonError::into_inner);
        for route in routes.iter() {
            for ((status, _), count) in STATUSES.iter().zip(&route.by_status) {
                let count = count.load(Ordering::Relaxed);
                if count > 0 {
                    // A route is a path of ours: nothing in it needs escaping.
                    let labels = format!("route=\"{}\",code=\"{status}\"", route.route);
                    emit(
                        "kymo_ops_requests_total",
                        "Requests answered by the ops server",
                        Kind::Counter,
                        &labels,
                        count,
                    );
                }
            }
        }
    }
}
