//! The render thread's work: one job is one render, shared by every request of its kind that was waiting for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use crate::query::Names;
use crate::route::ScrapeRequest;

/// A render that somebody waits for.
pub(crate) struct Job {
    pub id: u64,
    /// Index in the route table.
    pub route: usize,
    accept: Option<Vec<u8>>,
    accept_encoding: Option<Vec<u8>>,
    names: Names,
    query: Vec<u8>,
    state: AtomicU8,
}

const WAITING: u8 = 0;
const STARTED: u8 = 1;
const CANCELLED: u8 = 2;

impl Job {
    pub fn new(id: u64, route: usize, request: &ScrapeRequest<'_>) -> Arc<Self> {
        Arc::new(Job {
            id,
            route,
            accept: request.accept.map(<[u8]>::to_vec),
            accept_encoding: request.accept_encoding.map(<[u8]>::to_vec),
            names: request.names.clone(),
            query: request.query.to_vec(),
            state: AtomicU8::new(WAITING),
        })
    }

    pub fn request(&self) -> ScrapeRequest<'_> {
        ScrapeRequest {
            accept: self.accept.as_deref(),
            accept_encoding: self.accept_encoding.as_deref(),
            names: &self.names,
            query: &self.query,
        }
    }

    /// Whether `request` may share this render: it is of the same kind, and the render has not begun, so that it will
    /// see everything that happened before the request.
    pub fn can_serve(&self, route: usize, request: &ScrapeRequest<'_>) -> bool {
        self.state.load(Ordering::Acquire) == WAITING && self.route == route && self.request() == *request
    }

    /// Render thread. False if nobody waits for it any more.
    pub fn begin(&self) -> bool {
        self.change(STARTED)
    }

    /// Ops thread. False if the render has begun.
    pub fn cancel(&self) -> bool {
        self.change(CANCELLED)
    }

    fn change(&self, to: u8) -> bool {
        self.state
            .compare_exchange(WAITING, to, Ordering::AcqRel, Ordering::Acquire)
            .is_ok()
    }
}
