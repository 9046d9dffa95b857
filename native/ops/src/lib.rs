//! The ops server: a uWebSockets engine on the thread `kymo-ops`, scrapes rendered on the thread `kymo-render`, and
//! nothing in it that needs the event loop of the application. Knows nothing of Node.
//!
//! One request: the shim (`shim/`) parses it and hands it over as plain data; [`policy`] decides by pure functions; a page
//! is answered at once, a scrape goes to the render thread and comes back through the mailbox of [`dispatch`].

mod config;
mod counters;
mod dispatch;
mod ffi;
mod host;
mod listener;
mod policy;
mod query;
mod render;
mod response;
mod route;
mod scrape;
mod scrapes;
mod server;
mod target;
mod token;
mod trace_query;
mod traces;

pub use config::{Listen, OpsConfig, OpsError};
pub use counters::OpsCounters;
pub use host::HostRules;
pub use query::{MAX_NAMES, Names, TooManyNames};
pub use response::{Body, Page, Tally};
pub use route::{Access, RenderFn, Route, RouteTable, ScrapeRequest};
pub use scrape::{Scraper, cardinality};
pub use server::{Address, OpsServer, start};
pub use traces::traces;

/// Where the engine's sources were when this was built, as pinned and as compiled; a test compares the two.
#[doc(hidden)]
pub const ENGINE_SOURCES: [&str; 2] = [env!("OPS_ENGINE_PINNED"), env!("OPS_ENGINE_PATCHED")];
