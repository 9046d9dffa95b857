//! The ops server for JS, and scrapes for a handler in the application's own server. App threads and the runtime's pool.

use std::ffi::c_void;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use kymo_core::memory::exit::ending;
use kymo_core::metrics::registry::Registry;
use kymo_core::metrics::self_metrics::SELF_REGISTRY;
use kymo_core::threads::guard;
use kymo_ops::{
    Access, Address, Body, Listen, Names, OpsConfig, OpsCounters, OpsError, OpsServer, Route, RouteTable,
    ScrapeRequest, Scraper, cardinality,
};
use napi::bindgen_prelude::{AsyncTask, Buffer};
use napi::{Env, Task, sys};
use napi_derive::napi;

use crate::process::process;
use crate::raw::{CodedError, coded};
use crate::traces::known_traces;

/// For requests under way when a thread or the process ends.
const LAST_GRACE: Duration = Duration::from_millis(200);

/// Servers by id, and the environments that may own one.
#[derive(Default)]
struct Servers {
    last_id: u32,
    running: Vec<(u32, usize, Arc<OpsServer>)>,
    environments: Vec<usize>,
}

static SERVERS: OnceLock<Mutex<Servers>> = OnceLock::new();

fn servers() -> MutexGuard<'static, Servers> {
    let servers = SERVERS.get_or_init(|| {
        // A socket file is removed, and an answer under way delivered, when the process ends without stopping.
        ending().before_exit(Box::new(|until| {
            let all = std::mem::take(&mut servers().running);
            stop_all(&all, LAST_GRACE.min(until.saturating_duration_since(Instant::now())));
        }));
        Mutex::default()
    });
    servers.lock().unwrap_or_else(PoisonError::into_inner)
}

fn stop_all(all: &[(u32, usize, Arc<OpsServer>)], grace: Duration) {
    for (_, _, server) in all {
        server.stop(grace);
    }
}

/// Totals of all servers of the process, in the self registry from the first start on.
fn counters() -> Result<Arc<OpsCounters>, CodedError> {
    static COUNTERS: OnceLock<Arc<OpsCounters>> = OnceLock::new();
    let own = process()?.registries.open(Some(SELF_REGISTRY));
    let counters = COUNTERS.get_or_init(|| {
        let counters = OpsCounters::new();
        own.attach(Arc::clone(&counters) as Arc<dyn kymo_core::metrics::collector::Collector>);
        counters
    });
    Ok(Arc::clone(counters))
}

fn registries(ids: &[u32]) -> Result<Vec<Arc<Registry>>, CodedError> {
    let find = |id: &u32| {
        process()?
            .registries
            .get(*id)
            .ok_or_else(|| coded("KYMO_METRICS_UNKNOWN", format!("registry {id}")))
    };
    ids.iter().map(find).collect()
}

/// What TypeScript has checked and completed.
#[napi(object)]
pub struct OpsStartOptions {
    /// Served at `/metrics`, in this order.
    pub registries: Vec<u32>,
    /// Name or address; unused with a socket path.
    pub host: String,
    /// 0 takes a free one.
    pub port: u32,
    /// A unix socket in place of host and port.
    pub socket_path: Option<String>,
    /// Asked for by everything but `/live`.
    pub token: Option<String>,
    /// Names accepted in `Host`.
    pub allowed_hosts: Vec<String>,
    /// Beyond, connections are closed at once.
    pub max_connections: u32,
    /// For one request to arrive.
    pub header_timeout_ms: u32,
    /// Between two requests of a connection.
    pub idle_timeout_ms: u32,
    /// For one answer to be read.
    pub response_timeout_ms: u32,
    /// Beyond, 503.
    pub max_scrapes_in_flight: u32,
    /// For one render; later, 503.
    pub scrape_timeout_ms: u32,
    /// Serve the retained traces of the process too.
    pub traces: bool,
}

/// A started server, or why there is none.
#[napi(object)]
pub struct OpsStarted {
    /// Names it in `opsStop`.
    pub id: u32,
    /// As bound; 0 for a unix socket.
    pub port: u32,
    /// A code of the error table.
    pub code: Option<String>,
    /// What that error is about: an option, or an address with the system's reason.
    pub detail: Option<String>,
}

/// A start on a thread of the pool: a name may have to be looked up.
pub struct StartTask {
    config: OpsConfig,
    routes: Option<RouteTable>,
    counters: Arc<OpsCounters>,
    environment: usize,
}

impl StartTask {
    fn start(&mut self) -> Result<OpsStarted, OpsError> {
        let routes = self.routes.take().unwrap_or_default();
        let server = Arc::new(kymo_ops::start(
            self.config.clone(),
            routes,
            Arc::clone(&self.counters),
        )?);
        let port = match server.address() {
            Address::Tcp { port, .. } => u32::from(*port),
            Address::Unix(_) => 0,
        };
        let mut servers = servers();
        if !servers.environments.contains(&self.environment) {
            // The thread that asked for it has ended; dropping the server stops it.
            return Err(OpsError::Start {
                reason: "its thread has ended".to_owned(),
            });
        }
        servers.last_id += 1;
        let id = servers.last_id;
        servers.running.push((id, self.environment, server));
        Ok(OpsStarted {
            id,
            port,
            code: None,
            detail: None,
        })
    }
}

impl Task for StartTask {
    type Output = OpsStarted;
    type JsValue = OpsStarted;

    fn compute(&mut self) -> napi::Result<OpsStarted> {
        let failed = |code: &str, detail| OpsStarted {
            id: 0,
            port: 0,
            code: Some(code.to_owned()),
            detail: Some(detail),
        };
        let panicked = Err(OpsError::Start {
            reason: "a bug; see kymo_panics_total".to_owned(),
        });
        Ok(guard(|| self.start(), panicked).unwrap_or_else(|error| failed(error.code(), error.to_string())))
    }

    fn resolve(&mut self, _: Env, started: OpsStarted) -> napi::Result<OpsStarted> {
        Ok(started)
    }
}

/// Starts a server that ends with the thread that asked for it. Never rejects; the result tells what went wrong.
#[napi(catch_unwind, ts_return_type = "Promise<OpsStarted>")]
pub fn ops_start(env: Env, options: OpsStartOptions) -> Result<AsyncTask<StartTask>, CodedError> {
    let mut served = registries(&options.registries)?;
    let counters = counters()?;
    if !served.is_empty() {
        served.push(process()?.registries.open(Some(SELF_REGISTRY)));
    }
    let listen = match options.socket_path {
        Some(path) => Listen::Unix {
            path: PathBuf::from(path),
        },
        None => Listen::Tcp {
            host: options.host,
            port: u16::try_from(options.port).unwrap_or_default(),
        },
    };
    let ms = |ms| Duration::from_millis(u64::from(ms));
    let config = OpsConfig {
        token: options.token,
        allowed_hosts: options.allowed_hosts,
        max_connections: options.max_connections,
        header_timeout: ms(options.header_timeout_ms),
        idle_timeout: ms(options.idle_timeout_ms),
        response_timeout: ms(options.response_timeout_ms),
        max_scrapes_in_flight: options.max_scrapes_in_flight as usize,
        scrape_timeout: ms(options.scrape_timeout_ms),
        ..OpsConfig::new(listen)
    };
    let report = cardinality(served.clone());
    let scraper = Scraper::new(served, Arc::clone(&process()?.scrapes));
    let routes = RouteTable::new()
        .with(Route::rendered("/metrics", Access::Token, scraper.into_render()))
        .with(Route::rendered("/debug/cardinality", Access::Token, report));
    let shown = kymo_ops::traces(known_traces);
    let trace_paths: &[&str] = if options.traces {
        &["/trace", "/trace/recent"]
    } else {
        &[]
    };
    let routes = trace_paths.iter().fold(routes, |routes, path| {
        routes.with(Route::queried(path, Access::Token, Arc::clone(&shown)))
    });
    let environment = adopt(env.raw());
    Ok(AsyncTask::new(StartTask {
        config,
        routes: Some(routes),
        counters,
        environment,
    }))
}

/// Notes the environment as alive, until its end stops its servers.
fn adopt(env: sys::napi_env) -> usize {
    let environment = env as usize;
    let mut servers = servers();
    if !servers.environments.contains(&environment) {
        servers.environments.push(environment);
        // SAFETY: `env` is the environment of the running call, and the argument a mere number.
        unsafe { sys::napi_add_env_cleanup_hook(env, Some(disown), env.cast()) };
    }
    environment
}

/// Runs on the app thread when its environment ends.
unsafe extern "C" fn disown(environment: *mut c_void) {
    guard(
        || {
            let owned = {
                let mut servers = servers();
                servers.environments.retain(|e| *e != environment as usize);
                let all = std::mem::take(&mut servers.running);
                let (owned, others) = all
                    .into_iter()
                    .partition::<Vec<_>, _>(|(_, e, _)| *e == environment as usize);
                servers.running = others;
                owned
            };
            stop_all(&owned, LAST_GRACE);
        },
        (),
    );
}

/// A stop on a thread of the pool: it waits for requests under way.
pub struct StopTask {
    server: Option<Arc<OpsServer>>,
    grace: Duration,
}

impl Task for StopTask {
    type Output = bool;
    type JsValue = bool;

    fn compute(&mut self) -> napi::Result<bool> {
        Ok(self
            .server
            .take()
            .is_none_or(|server| guard(|| server.stop(self.grace), false)))
    }

    fn resolve(&mut self, _: Env, ended: bool) -> napi::Result<bool> {
        Ok(ended)
    }
}

/// Stops a server; true once its threads have ended, and at once when it is not running.
#[napi(catch_unwind, ts_return_type = "Promise<boolean>")]
pub fn ops_stop(id: u32, grace_ms: u32) -> AsyncTask<StopTask> {
    let mut servers = servers();
    let place = servers.running.iter().position(|(other, _, _)| *other == id);
    let server = place.map(|place| servers.running.swap_remove(place).2);
    AsyncTask::new(StopTask {
        server,
        grace: Duration::from_millis(u64::from(grace_ms)),
    })
}

/// Whether a server still answers: false after its stop, or after a fault of its engine.
#[napi(catch_unwind)]
pub fn ops_is_running(id: u32) -> bool {
    servers()
        .running
        .iter()
        .any(|(other, _, server)| *other == id && server.is_running())
}

/// A rendered scrape.
#[napi(object, object_from_js = false)]
pub struct Scraped {
    /// `Content-Type`
    pub content_type: String,
    /// `Content-Encoding`, if any.
    pub encoding: Option<String>,
    /// `Vary`, if the request chose any of it.
    pub vary: Option<String>,
    /// The bytes to send.
    pub body: Buffer,
}

/// What a handler passes on of a request.
#[napi(object)]
pub struct HandledRequest {
    /// `Accept`
    pub accept: Option<String>,
    /// `Accept-Encoding`
    pub accept_encoding: Option<String>,
    /// What stands behind `?`.
    pub query: String,
    /// `HEAD`: the body is made for its length.
    pub head_only: bool,
}

/// A scrape on a thread of the pool.
pub struct ScrapeTask {
    registries: Vec<Arc<Registry>>,
    request: HandledRequest,
    names: Names,
}

impl Task for ScrapeTask {
    type Output = Body;
    type JsValue = Scraped;

    fn compute(&mut self) -> napi::Result<Body> {
        let scrape = || {
            let request = ScrapeRequest {
                accept: self.request.accept.as_deref().map(str::as_bytes),
                accept_encoding: self.request.accept_encoding.as_deref().map(str::as_bytes),
                names: &self.names,
                query: b"",
            };
            let counters = Arc::clone(&process().ok()?.scrapes);
            Some(Scraper::new(self.registries.clone(), counters).scrape(&request))
        };
        guard(scrape, None).ok_or_else(|| napi::Error::from_reason("a bug; see kymo_panics_total"))
    }

    /// What JS does with the body is not seen here: it counts as sent.
    fn resolve(&mut self, _: Env, body: Body) -> napi::Result<Scraped> {
        if let Some(tally) = &body.tally {
            let bytes = if self.request.head_only {
                0
            } else {
                body.bytes.len() as u64
            };
            tally.sent(bytes, true);
        }
        Ok(Scraped {
            content_type: body.content_type.to_owned(),
            encoding: body.encoding.map(str::to_owned),
            vary: body.vary.map(str::to_owned),
            body: Buffer::from(body.bytes),
        })
    }
}

/// Renders registries as a request asks, off the calling thread; none when the request names too many metrics.
#[napi(catch_unwind, ts_return_type = "Promise<Scraped> | null")]
pub fn scrape_async(
    registry_ids: Vec<u32>,
    request: HandledRequest,
) -> Result<Option<AsyncTask<ScrapeTask>>, CodedError> {
    let Ok(names) = Names::of_query(request.query.as_bytes()) else {
        return Ok(None);
    };
    Ok(Some(AsyncTask::new(ScrapeTask {
        registries: registries(&registry_ids)?,
        request,
        names,
    })))
}
