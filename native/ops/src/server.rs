//! Start and stop of a server: the threads `kymo-ops` and `kymo-render`, and the handle on them. Any thread.

use std::path::PathBuf;
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use kymo_core::threads::{guard, spawn};

use crate::config::{OpsConfig, OpsError};
use crate::counters::{OpsCounters, Total};
use crate::dispatch::{Dispatcher, Mail, Shared};
use crate::ffi::{self, End, Options, Waker};
use crate::listener::{self, SocketFile};
use crate::render::Job;
use crate::route::{RouteTable, Source};

/// Where a server listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// The host as configured, the port as bound.
    Tcp {
        /// Without brackets.
        host: String,
        /// Never 0.
        port: u16,
    },
    /// The path as configured.
    Unix(PathBuf),
}

/// A running server. Dropping it stops it without grace.
pub struct OpsServer {
    shared: Arc<Shared>,
    address: Address,
    ends: Arc<Ends>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    _file: Option<SocketFile>,
}

/// How many of the two threads have ended.
#[derive(Default)]
struct Ends {
    ended: Mutex<usize>,
    changed: Condvar,
}

impl Ends {
    fn count(&self) -> usize {
        *self.ended.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait_for(&self, threads: usize, until: Instant) -> bool {
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        let left = until.saturating_duration_since(Instant::now());
        let (ended, _) = self
            .changed
            .wait_timeout_while(ended, left, |n| *n < threads)
            .unwrap_or_else(PoisonError::into_inner);
        *ended >= threads
    }
}

/// Counts a thread's end, however it ends.
struct EndMark(Arc<Ends>);

impl Drop for EndMark {
    fn drop(&mut self) {
        *self.0.ended.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.0.changed.notify_all();
    }
}

/// The kernel's send buffer per connection: 64 clients that never read hold 16 MB of it, not 256.
const SEND_BUFFER_BYTES: u32 = 128 << 10;
/// After the grace, for the threads to notice that every socket is closed.
const END_TIMEOUT: Duration = Duration::from_millis(1500);

/// Binds, starts both threads and returns once the engine runs. Blocks for some milliseconds, never on a client.
///
/// # Errors
/// [`OpsError::Option`], [`OpsError::InUse`], [`OpsError::Bind`], or [`OpsError::Start`] without a thread or descriptor
/// to spare; nothing is left behind then.
pub fn start(config: OpsConfig, routes: RouteTable, counters: Arc<OpsCounters>) -> Result<OpsServer, OpsError> {
    config.validate()?;
    let failed = |reason: String| OpsError::Start { reason };
    let waker = Waker::new().ok_or_else(|| failed("out of memory".to_owned()))?;
    let bound = listener::bind(&config.listen)?;
    let shared = Arc::new(Shared::new(config, routes, counters, waker));
    let ends = Arc::new(Ends::default());
    let (jobs, received) = mpsc::channel();
    let (report, started) = mpsc::channel::<Result<(), End>>();

    let mark = EndMark(Arc::clone(&ends));
    let of_render = Arc::clone(&shared);
    let render = spawn("kymo-render", move || {
        let _mark = mark;
        render_jobs(&of_render, &received);
    })
    .map_err(|e| failed(format!("the thread kymo-render could not be started: {e}")))?;

    let mark = EndMark(Arc::clone(&ends));
    let of_ops = Arc::clone(&shared);
    let ops = spawn("kymo-ops", move || {
        let _mark = mark;
        let success = report.clone();
        let dispatcher = Dispatcher::new(Arc::clone(&of_ops), jobs, move || {
            // The receiver is gone only if `start` gave up waiting, and then nobody needs the report.
            let _ = success.send(Ok(()));
        });
        let end = ffi::run(
            bound.descriptor,
            &engine_options(&of_ops.config),
            &dispatcher,
            &of_ops.waker,
        );
        if end == End::Fault {
            of_ops.counters.add(Total::Faults, 1);
        }
        let _ = report.send(Err(end));
    })
    .map_err(|e| failed(format!("the thread kymo-ops could not be started: {e}")))?;

    let threads = Mutex::new(vec![ops, render]);
    let server = OpsServer {
        shared,
        address: bound.address,
        ends,
        threads,
        _file: bound.file,
    };
    match started.recv() {
        Ok(Ok(())) => Ok(server),
        Ok(Err(End::NoDescriptors)) => Err(failed("no file descriptor is left".to_owned())),
        Ok(Err(end)) => Err(failed(format!("the engine ended at once ({end:?})"))),
        Err(_) => Err(failed("the thread kymo-ops ended at once".to_owned())),
    }
}

fn engine_options(config: &OpsConfig) -> Options {
    let ms = |d: Duration| u32::try_from(d.as_millis()).unwrap_or(u32::MAX);
    // The engine keeps seconds in steps of 4, and at most 956 of them.
    let seconds = |d: Duration| u32::try_from(d.as_secs()).unwrap_or(u32::MAX).clamp(1, 900);
    Options {
        max_connections: config.max_connections,
        header_seconds: seconds(config.header_timeout),
        idle_seconds: seconds(config.idle_timeout),
        header_ms: ms(config.header_timeout),
        response_ms: ms(config.response_timeout),
        send_buffer_bytes: SEND_BUFFER_BYTES,
    }
}

/// The render thread: ends when the ops thread has dropped its end of the channel.
fn render_jobs(shared: &Shared, jobs: &Receiver<Arc<Job>>) {
    for job in jobs {
        shared.taken();
        let Source::Render(render) = &shared.routes.routes[job.route].source else {
            continue;
        };
        if !job.begin() {
            continue;
        }
        let page = guard(|| Some(render(&job.request())), None);
        shared
            .counters
            .add(if page.is_some() { Total::Renders } else { Total::Panics }, 1);
        shared.post(Mail::Rendered { job: job.id, page });
    }
}

impl OpsServer {
    /// Where it listens, or listened.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// False once stopped, or after a fault of the engine.
    pub fn is_running(&self) -> bool {
        self.ends.count() == 0
    }

    /// Takes no new connection, closes idle ones, gives requests under way `grace`, then closes everything and joins
    /// both threads. Blocks for at most `grace` + 1.5 s; further calls return at once.
    ///
    /// Returns false if a thread did not end in time (a render that hangs): it is left to itself.
    pub fn stop(&self, grace: Duration) -> bool {
        let mut threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        if threads.is_empty() {
            return true;
        }
        let until = Instant::now() + grace;
        self.shared.post(Mail::Stop);
        if !self.ends.wait_for(1, until) {
            self.shared.post(Mail::CloseAll);
        }
        let ended = self.ends.wait_for(2, Instant::now().max(until) + END_TIMEOUT);
        for thread in threads.drain(..) {
            if thread.is_finished() || ended {
                // Its panic, if any, was caught and counted inside.
                let _ = thread.join();
            }
        }
        ended
    }

    /// Makes the engine throw on its own thread. For the test that the process survives it.
    #[doc(hidden)]
    pub fn inject_engine_fault(&self) {
        self.shared.post(Mail::InjectFault);
    }

    /// Blocks until both threads have ended by themselves, at most `timeout`.
    #[doc(hidden)]
    pub fn wait_for_end(&self, timeout: Duration) -> bool {
        self.ends.wait_for(2, Instant::now() + timeout)
    }
}

impl Drop for OpsServer {
    fn drop(&mut self) {
        self.stop(Duration::ZERO);
    }
}
