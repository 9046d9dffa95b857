//! Requests for something rendered: which render each of them waits for, how many there are, and since when. Plain data of the
//! ops thread.

use std::sync::Arc;
use std::time::Instant;

use crate::counters::Refusal;
use crate::render::Job;
use crate::response::Tally;
use crate::route::ScrapeRequest;

/// A request that waits for a render.
pub(crate) struct Waiter {
    pub exchange: u64,
    pub head_only: bool,
    pub close: bool,
}

/// A render and the requests it answers.
pub(crate) struct Wait {
    pub job: Arc<Job>,
    pub requests: Vec<Waiter>,
    /// Beyond, its requests are answered without it.
    until: Instant,
}

/// A request from its head to the last byte of its answer.
struct Flight {
    exchange: u64,
    /// Set when its answer is a scrape.
    tally: Option<Tally>,
}

/// What may be under way at a time.
pub(crate) struct Limits {
    pub in_flight: usize,
    pub renders: usize,
}

/// What is under way beside the requests here.
pub(crate) struct Load {
    /// Renders that have not reached the render thread.
    pub queued: usize,
    /// No body may be added.
    pub memory_is_full: bool,
}

/// How a request goes on.
pub(crate) enum Admission {
    /// It shares a render that has not begun.
    Joined,
    /// This render has to be made.
    Render(Arc<Job>),
    Refused(Refusal),
}

/// All of them, of one server.
#[derive(Default)]
pub(crate) struct Scrapes {
    waits: Vec<Wait>,
    flights: Vec<Flight>,
    last_job: u64,
}

impl Scrapes {
    /// Takes a request in, or tells why not; a render made for it may take until `until`.
    pub fn admit(
        &mut self,
        route: usize,
        request: &ScrapeRequest<'_>,
        waiter: Waiter,
        limits: &Limits,
        load: &Load,
        until: Instant,
    ) -> Admission {
        if self.flights.len() >= limits.in_flight {
            return Admission::Refused(Refusal::InFlight);
        }
        let flight = Flight {
            exchange: waiter.exchange,
            tally: None,
        };
        if let Some(found) = self.waits.iter_mut().find(|w| w.job.can_serve(route, request)) {
            found.requests.push(waiter);
            self.flights.push(flight);
            return Admission::Joined;
        }
        // Renders that nobody waits for any more stay in the queue until the render thread comes to them: behind one that hangs,
        // that is never.
        if self.waits.len().max(load.queued) >= limits.renders {
            return Admission::Refused(Refusal::Renders);
        }
        if load.memory_is_full {
            return Admission::Refused(Refusal::Memory);
        }
        self.last_job += 1;
        let job = Job::new(self.last_job, route, request);
        self.flights.push(flight);
        self.waits.push(Wait {
            job: Arc::clone(&job),
            requests: vec![waiter],
            until,
        });
        Admission::Render(job)
    }

    /// The requests that wait for the render of that id; none for one that was given up.
    pub fn take(&mut self, job: u64) -> Option<Wait> {
        let place = self.waits.iter().position(|w| w.job.id == job)?;
        Some(self.waits.remove(place))
    }

    /// Takes out what has waited too long; a render that has not begun is not made then.
    pub fn take_late(&mut self, now: Instant) -> Vec<Wait> {
        let (late, waits) = std::mem::take(&mut self.waits)
            .into_iter()
            .partition(|w| w.until <= now);
        self.waits = waits;
        let late: Vec<Wait> = late;
        late.iter().for_each(|w| {
            w.job.cancel();
        });
        late
    }

    /// When the first of those that wait has waited too long.
    pub fn next_late(&self) -> Option<Instant> {
        self.waits.iter().map(|w| w.until).min()
    }

    /// From now on the answer of `exchange` is counted by `tally`.
    pub fn answer(&mut self, exchange: u64, tally: Option<&Tally>) {
        if let Some(flight) = self.flights.iter_mut().find(|f| f.exchange == exchange) {
            flight.tally = tally.cloned();
        }
    }

    /// The exchange is over; gives what counts its answer.
    pub fn finish(&mut self, exchange: u64) -> Option<Tally> {
        let place = self.flights.iter().position(|f| f.exchange == exchange)?;
        self.flights.swap_remove(place).tally
    }

    /// The client of `exchange` is gone: a render that only it waited for need not be made. Gives the number of requests
    /// that waited.
    pub fn leave(&mut self, exchange: u64) -> usize {
        let mut left = 0;
        for w in &mut self.waits {
            let before = w.requests.len();
            w.requests.retain(|r| r.exchange != exchange);
            left += before - w.requests.len();
        }
        self.waits.retain(|w| !(w.requests.is_empty() && w.job.cancel()));
        left
    }
}
