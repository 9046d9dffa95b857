//! What the server counts about itself. Written by the ops and render threads, read by any.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::response::{STATUSES, status_index};

/// Totals of every server that was started with it, so a restart does not set them back.
#[derive(Default)]
pub struct OpsCounters {
    routes: Mutex<Vec<Arc<RouteCounts>>>,
    opened: AtomicU64,
    closed: AtomicU64,
    refused_limit: AtomicU64,
    refused_descriptors: AtomicU64,
    aborted: AtomicU64,
    timed_out: AtomicU64,
    sent_bytes: AtomicU64,
    renders: AtomicU64,
    panics: AtomicU64,
    faults: AtomicU64,
}

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
    Panics,
    Faults,
}

/// One value with its family; consecutive samples of a name are one family.
pub struct OpsSample {
    /// Of the family.
    pub name: &'static str,
    /// Of the family.
    pub help: &'static str,
    /// A counter otherwise.
    pub gauge: bool,
    /// Without braces, escaped.
    pub labels: String,
    /// Total, or level of a gauge.
    pub value: u64,
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
            Total::Panics => &self.panics,
            Total::Faults => &self.faults,
        }
    }

    /// Calls `visit` for each sample, families together. Takes a short lock; allocates the labels.
    pub fn for_each(&self, visit: &mut dyn FnMut(&OpsSample)) {
        let mut emit = |name, help, gauge, labels: &str, value| {
            visit(&OpsSample {
                name,
                help,
                gauge,
                labels: labels.to_owned(),
                value,
            });
        };
        // Closed first: a connection that opens in between may be counted as open, never as less than none.
        let closed = self.get(Total::Closed);
        let open = self.get(Total::Opened).saturating_sub(closed);
        emit("kymo_ops_connections", "Connections to the ops server", true, "", open);
        let refused = "kymo_ops_connections_refused_total";
        let help = "Connections closed at once: over the limit, or without a file descriptor left";
        emit(refused, help, false, "reason=\"limit\"", self.get(Total::RefusedLimit));
        emit(
            refused,
            help,
            false,
            "reason=\"descriptors\"",
            self.get(Total::RefusedDescriptors),
        );
        for (name, help, total) in [
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
            ("kymo_ops_panics_total", "Panics caught while answering", Total::Panics),
            (
                "kymo_ops_faults_total",
                "Servers ended by a fault of their engine",
                Total::Faults,
            ),
        ] {
            emit(name, help, false, "", self.get(total));
        }
        let routes = self.routes.lock().unwrap_or_else(PoisonError::into_inner);
        for route in routes.iter() {
            for ((status, _), count) in STATUSES.iter().zip(&route.by_status) {
                let count = count.load(Ordering::Relaxed);
                if count > 0 {
                    let labels = format!("route=\"{}\",code=\"{status}\"", route.route);
                    emit(
                        "kymo_ops_requests_total",
                        "Requests answered by the ops server",
                        false,
                        &labels,
                        count,
                    );
                }
            }
        }
    }

    /// The sample of `name` with exactly these labels, 0 if it was never counted.
    pub fn value(&self, name: &str, labels: &str) -> u64 {
        let mut value = 0;
        self.for_each(&mut |s| {
            if s.name == name && s.labels == labels {
                value = s.value;
            }
        });
        value
    }
}
