//! Answers requests on the ops thread: pages at once, scrapes when the render thread has put them into the mailbox.

use std::cell::{Cell, RefCell};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use crate::config::OpsConfig;
use crate::counters::{OpsCounters, Refusal, RouteCounts, Total};
use crate::ffi::{Answer, Content, Engine, Event, Handler, Waker};
use crate::host::HostRules;
use crate::policy::{Decision, Head, Policy, Verdict};
use crate::query::Names;
use crate::render::Job;
use crate::response::{Page, STATUSES, SharedPage, error_body, status_index};
use crate::route::{RouteTable, ScrapeRequest, Source};
use crate::scrapes::{Admission, Limits, Load, Scrapes, Wait, Waiter};
use crate::target::query_of;

/// A message to the ops thread.
pub(crate) enum Mail {
    /// None: the render panicked.
    Rendered {
        job: u64,
        page: Option<Page>,
    },
    Stop,
    CloseAll,
    InjectFault,
}

/// What the threads of a server share.
pub(crate) struct Shared {
    pub config: OpsConfig,
    pub routes: RouteTable,
    pub hosts: HostRules,
    pub counters: Arc<OpsCounters>,
    pub waker: Waker,
    mailbox: Mutex<Vec<Mail>>,
    /// Bytes of rendered bodies in memory.
    live_bytes: Arc<AtomicUsize>,
    /// Renders on their way to the render thread.
    queued: AtomicUsize,
}

impl Shared {
    pub fn new(config: OpsConfig, routes: RouteTable, counters: Arc<OpsCounters>, waker: Waker) -> Self {
        let hosts = HostRules::new(&config.allowed_hosts);
        let (mailbox, live_bytes, queued) = Default::default();
        Shared {
            config,
            routes,
            hosts,
            counters,
            waker,
            mailbox,
            live_bytes,
            queued,
        }
    }

    /// The render thread has taken one render from the queue.
    pub fn taken(&self) {
        self.queued.fetch_sub(1, Ordering::Relaxed);
    }

    /// Any thread.
    pub fn post(&self, mail: Mail) {
        self.mailbox.lock().unwrap_or_else(PoisonError::into_inner).push(mail);
        self.waker.wake();
    }

    fn collect(&self) -> Vec<Mail> {
        std::mem::take(&mut *self.mailbox.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The ops thread's state.
pub(crate) struct Dispatcher<S: Fn()> {
    shared: Arc<Shared>,
    engine: Cell<Option<Engine>>,
    jobs: Sender<Arc<Job>>,
    /// Borrowed between calls into the engine, never across one: it may finish an exchange before it returns.
    scrapes: RefCell<Scrapes>,
    /// Whether the engine's timer is going to ring.
    timer_is_set: Cell<bool>,
    by_route: Vec<Arc<RouteCounts>>,
    /// Requests that reach no route.
    unrouted: Arc<RouteCounts>,
    pages: Vec<Option<Arc<SharedPage>>>,
    on_started: S,
}

impl<S: Fn()> Dispatcher<S> {
    pub fn new(shared: Arc<Shared>, jobs: Sender<Arc<Job>>, on_started: S) -> Self {
        let routes = &shared.routes.routes;
        let by_route = routes.iter().map(|r| shared.counters.route(&r.path)).collect();
        let unrouted = shared.counters.route("other");
        let pages = routes
            .iter()
            .map(|r| match &r.source {
                Source::Page(page) => Some(SharedPage::new(page.clone(), &shared.live_bytes)),
                Source::Render(_) => None,
            })
            .collect();
        Dispatcher {
            engine: Cell::new(None),
            scrapes: RefCell::default(),
            timer_is_set: Cell::new(false),
            shared,
            jobs,
            by_route,
            unrouted,
            pages,
            on_started,
        }
    }

    fn counts(&self, route: Option<usize>) -> &RouteCounts {
        route.and_then(|r| self.by_route.get(r)).unwrap_or(&self.unrouted)
    }

    fn refuse(&self, exchange: u64, status: u16, route: Option<usize>, head_only: bool, close: bool) {
        self.counts(route).count(status);
        let mut fields = vec![("Content-Type", "application/json")];
        fields.extend(match status {
            401 => Some(("WWW-Authenticate", "Bearer")),
            405 => Some(("Allow", ALLOW)),
            503 => Some(("Retry-After", "1")),
            _ => None,
        });
        self.send(
            exchange,
            status,
            fields,
            Content::Static(error_body(status).as_bytes()),
            head_only,
            close,
        );
    }

    fn send<'a>(
        &self,
        exchange: u64,
        status: u16,
        mut fields: Vec<(&'a str, &'a str)>,
        content: Content<'a>,
        head_only: bool,
        close: bool,
    ) {
        let Some(engine) = self.engine.get() else { return };
        // Every answer is about this moment, and none is anything but what its type says.
        fields.extend([("Cache-Control", "no-store"), ("X-Content-Type-Options", "nosniff")]);
        let (_, status) = STATUSES[status_index(status)];
        engine.answer(
            exchange,
            &Answer {
                status,
                fields: &fields,
                content,
                head_only,
                close,
            },
        );
    }

    fn serve(&self, exchange: u64, route: usize, head: &Head<'_>, head_only: bool, close: bool) {
        if let Some(page) = &self.pages[route] {
            self.counts(Some(route)).count(page.page.status);
            self.send_page(exchange, page, head_only, close);
            return;
        }
        let is_queried = self.shared.routes.routes[route].is_queried;
        let query = query_of(head.target);
        let (names, query) = if is_queried {
            (Ok(Names::default()), query)
        } else {
            (Names::of_query(query), &b""[..])
        };
        let Ok(names) = names else {
            return self.refuse(exchange, 400, Some(route), head_only, close);
        };
        let request = ScrapeRequest {
            accept: head.first("accept"),
            accept_encoding: head.first("accept-encoding"),
            names: &names,
            query,
        };
        let waiter = Waiter {
            exchange,
            head_only,
            close,
        };
        let Shared { config, counters, .. } = &*self.shared;
        let limits = Limits {
            in_flight: config.max_scrapes_in_flight,
            renders: config.max_waiting_renders,
        };
        let load = Load {
            queued: self.shared.queued.load(Ordering::Relaxed),
            memory_is_full: self.shared.live_bytes.load(Ordering::Relaxed) >= config.max_body_bytes,
        };
        let until = Instant::now() + config.scrape_timeout;
        let admission = self
            .scrapes
            .borrow_mut()
            .admit(route, &request, waiter, &limits, &load, until);
        match admission {
            Admission::Joined => {
                counters.wait(1, 0);
                counters.add(Total::Coalesced, 1);
            }
            Admission::Render(job) => {
                counters.wait(1, 0);
                self.render(job);
            }
            Admission::Refused(reason) => {
                counters.refuse_scrape(reason);
                self.refuse(exchange, 503, Some(route), head_only, close);
            }
        }
    }

    fn render(&self, job: Arc<Job>) {
        let id = job.id;
        self.shared.queued.fetch_add(1, Ordering::Relaxed);
        if self.jobs.send(job).is_err() {
            // The render thread is gone, and with it whoever would take it from the queue.
            self.rendered(id, None);
        } else {
            self.set_timer();
        }
    }

    /// Has the timer ring when the first render takes too long, unless it rings before anyway.
    fn set_timer(&self) {
        let (Some(engine), Some(until)) = (self.engine.get(), self.scrapes.borrow().next_late()) else {
            return;
        };
        if !self.timer_is_set.replace(true) {
            engine.set_timer(until.saturating_duration_since(Instant::now()));
        }
    }

    fn send_page(&self, exchange: u64, page: &Arc<SharedPage>, head_only: bool, close: bool) {
        let body = &page.page.body;
        let mut fields = vec![("Content-Type", body.content_type)];
        fields.extend(body.encoding.map(|e| ("Content-Encoding", e)));
        fields.extend(body.vary.map(|names| ("Vary", names)));
        fields.extend(body.fields.iter().map(|(name, value)| (*name, value.as_str())));
        self.send(
            exchange,
            page.page.status,
            fields,
            Content::Shared(page),
            head_only,
            close,
        );
    }

    fn rendered(&self, job: u64, page: Option<Page>) {
        let Some(done) = self.scrapes.borrow_mut().take(job) else {
            return;
        };
        self.shared.counters.wait(0, done.requests.len());
        let route = done.job.route;
        let page = page.map(|page| SharedPage::new(page, &self.shared.live_bytes));
        for Waiter {
            exchange,
            head_only,
            close,
        } in done.requests
        {
            match &page {
                Some(page) => {
                    self.counts(Some(route)).count(page.page.status);
                    self.scrapes
                        .borrow_mut()
                        .answer(exchange, page.page.body.tally.as_ref());
                    self.send_page(exchange, page, head_only, close);
                }
                None => self.refuse(exchange, 500, Some(route), head_only, close),
            }
        }
    }

    fn refuse_late(&self, late: Wait) {
        self.shared.counters.wait(0, late.requests.len());
        for Waiter {
            exchange,
            head_only,
            close,
        } in late.requests
        {
            self.shared.counters.refuse_scrape(Refusal::Timeout);
            self.refuse(exchange, 503, Some(late.job.route), head_only, close);
        }
    }
}

const ALLOW: &str = "GET, HEAD, OPTIONS";

impl<S: Fn()> Handler for Dispatcher<S> {
    fn started(&self, engine: Engine) {
        self.engine.set(Some(engine));
        (self.on_started)();
    }

    fn request(&self, exchange: u64, head: &Head<'_>) {
        let shared = &*self.shared;
        let policy = Policy {
            routes: &shared.routes,
            hosts: &shared.hosts,
            token: shared.config.token.as_deref().map(str::as_bytes),
            max_head_bytes: shared.config.max_head_bytes,
        };
        let Decision { verdict, close } = policy.decide(head);
        match verdict {
            Verdict::Refuse { status, route } => self.refuse(exchange, status, route, head.method == b"HEAD", close),
            Verdict::Options { route } => {
                self.counts(route).count(204);
                self.send(exchange, 204, vec![("Allow", ALLOW)], Content::None, false, close);
            }
            Verdict::Serve { route, head_only } => self.serve(exchange, route, head, head_only, close),
        }
    }

    fn finished(&self, exchange: u64, complete: bool, body_bytes: u64) {
        let counters = &self.shared.counters;
        counters.add(Total::SentBytes, body_bytes);
        let tally = self.scrapes.borrow_mut().finish(exchange);
        if let Some(tally) = tally {
            tally.sent(body_bytes, complete);
        }
        if !complete {
            counters.add(Total::Aborted, 1);
            counters.wait(0, self.scrapes.borrow_mut().leave(exchange));
        }
    }

    fn timer(&self) {
        self.timer_is_set.set(false);
        let late = self.scrapes.borrow_mut().take_late(Instant::now());
        late.into_iter().for_each(|wait| self.refuse_late(wait));
        self.set_timer();
    }

    fn woken(&self) {
        for mail in self.shared.collect() {
            let Some(engine) = self.engine.get() else { return };
            match mail {
                Mail::Rendered { job, page } => self.rendered(job, page),
                Mail::Stop => engine.stop(),
                Mail::CloseAll => engine.close_all(),
                Mail::InjectFault => engine.inject_fault(),
            }
        }
    }

    fn event(&self, event: Event, count: u64) {
        let counters = &self.shared.counters;
        match event {
            Event::Opened => counters.add(Total::Opened, count),
            Event::Closed => counters.add(Total::Closed, count),
            Event::RefusedLimit => counters.add(Total::RefusedLimit, count),
            Event::RefusedDescriptors => counters.add(Total::RefusedDescriptors, count),
            Event::TimedOut => counters.add(Total::TimedOut, count),
            Event::Parser400 => self.unrouted.add(400, count),
            Event::Parser431 => self.unrouted.add(431, count),
            Event::Parser505 => self.unrouted.add(505, count),
        }
    }

    fn panicked(&self, exchange: Option<u64>) {
        self.shared.counters.add(Total::Panics, 1);
        if let Some(exchange) = exchange {
            self.refuse(exchange, 500, None, false, true);
        }
    }
}
