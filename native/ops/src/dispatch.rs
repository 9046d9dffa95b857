//! Answers requests on the ops thread: pages at once, scrapes when the render thread has put them into the mailbox.

use std::cell::{Cell, RefCell};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, PoisonError};

use crate::config::OpsConfig;
use crate::counters::{OpsCounters, RouteCounts, Total};
use crate::ffi::{Answer, Content, Engine, Event, Handler, Waker};
use crate::host::HostRules;
use crate::policy::{Decision, Head, Policy, Verdict};
use crate::render::Job;
use crate::response::{Body, Page, STATUSES, SharedPage, error_body, status_index};
use crate::route::{RouteTable, ScrapeRequest, Source};

/// A message to the ops thread.
pub(crate) enum Mail {
    /// None: the render panicked.
    Rendered {
        job: u64,
        body: Option<Body>,
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
}

impl Shared {
    pub fn new(config: OpsConfig, routes: RouteTable, counters: Arc<OpsCounters>, waker: Waker) -> Self {
        let hosts = HostRules::new(&config.allowed_hosts);
        let (mailbox, live_bytes) = (Mutex::default(), Arc::default());
        Shared {
            config,
            routes,
            hosts,
            counters,
            waker,
            mailbox,
            live_bytes,
        }
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

/// A job and the requests it answers.
struct Waiting {
    job: Arc<Job>,
    requests: Vec<Waiter>,
}

struct Waiter {
    exchange: u64,
    head_only: bool,
    close: bool,
}

/// The ops thread's state.
pub(crate) struct Dispatcher<S: Fn()> {
    shared: Arc<Shared>,
    engine: Cell<Option<Engine>>,
    jobs: Sender<Arc<Job>>,
    waiting: RefCell<Vec<Waiting>>,
    last_job: Cell<u64>,
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
                Source::Page(page) => Some(SharedPage::new(copy(page), &shared.live_bytes)),
                Source::Render(_) => None,
            })
            .collect();
        Dispatcher {
            engine: Cell::new(None),
            waiting: RefCell::default(),
            last_job: Cell::new(0),
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
            self.send_page(exchange, page, false, head_only, close);
            return;
        }
        let request = ScrapeRequest {
            accept: head.first("accept"),
            accept_encoding: head.first("accept-encoding"),
        };
        let waiter = Waiter {
            exchange,
            head_only,
            close,
        };
        let mut waiting = self.waiting.borrow_mut();
        if let Some(found) = waiting.iter_mut().find(|w| w.job.can_serve(route, &request)) {
            found.requests.push(waiter);
            self.shared.counters.wait(1, 0);
            return;
        }
        let limits = &self.shared.config;
        let full = waiting.len() >= limits.max_waiting_renders
            || self.shared.live_bytes.load(Ordering::Relaxed) >= limits.max_body_bytes;
        if full {
            drop(waiting);
            return self.refuse(exchange, 503, Some(route), head_only, close);
        }
        self.last_job.set(self.last_job.get() + 1);
        let job = Job::new(self.last_job.get(), route, &request);
        if self.jobs.send(Arc::clone(&job)).is_err() {
            drop(waiting);
            return self.refuse(exchange, 500, Some(route), head_only, close);
        }
        self.shared.counters.wait(1, 0);
        waiting.push(Waiting {
            job,
            requests: vec![waiter],
        });
    }

    fn send_page(&self, exchange: u64, page: &Arc<SharedPage>, varies: bool, head_only: bool, close: bool) {
        let body = &page.page.body;
        let mut fields = vec![("Content-Type", body.content_type)];
        fields.extend(body.encoding.map(|e| ("Content-Encoding", e)));
        fields.extend(varies.then_some(("Vary", "Accept, Accept-Encoding")));
        self.send(
            exchange,
            page.page.status,
            fields,
            Content::Shared(page),
            head_only,
            close,
        );
    }

    fn rendered(&self, job: u64, body: Option<Body>) {
        let done = {
            let mut waiting = self.waiting.borrow_mut();
            let Some(place) = waiting.iter().position(|w| w.job.id == job) else {
                return;
            };
            waiting.remove(place)
        };
        self.shared.counters.wait(0, done.requests.len());
        let route = done.job.route;
        let page = body.map(|body| SharedPage::new(Page { status: 200, body }, &self.shared.live_bytes));
        for Waiter {
            exchange,
            head_only,
            close,
        } in done.requests
        {
            match &page {
                Some(page) => {
                    self.counts(Some(route)).count(200);
                    self.send_page(exchange, page, true, head_only, close);
                }
                None => self.refuse(exchange, 500, Some(route), head_only, close),
            }
        }
    }
}

const ALLOW: &str = "GET, HEAD, OPTIONS";

fn copy(page: &Page) -> Page {
    let Body {
        content_type,
        encoding,
        bytes,
    } = &page.body;
    Page {
        status: page.status,
        body: Body {
            content_type,
            encoding: *encoding,
            bytes: bytes.clone(),
        },
    }
}

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
        self.shared.counters.add(Total::SentBytes, body_bytes);
        if complete {
            return;
        }
        self.shared.counters.add(Total::Aborted, 1);
        // Its client is gone: a render that only it waited for need not be made.
        let Ok(mut waiting) = self.waiting.try_borrow_mut() else {
            return;
        };
        for w in waiting.iter_mut() {
            let before = w.requests.len();
            w.requests.retain(|r| r.exchange != exchange);
            self.shared.counters.wait(0, before - w.requests.len());
        }
        waiting.retain(|w| !(w.requests.is_empty() && w.job.cancel()));
    }

    fn woken(&self) {
        for mail in self.shared.collect() {
            let Some(engine) = self.engine.get() else { return };
            match mail {
                Mail::Rendered { job, body } => self.rendered(job, body),
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
