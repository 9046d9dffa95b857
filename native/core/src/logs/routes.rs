//! Which sinks a record goes to: a route is a number that stands in the record, a name that stays the same over restarts, and the
//! sinks it leads to now. Changed by app threads (cold), read by the collector.
use super::outlet::Outlet;
use super::{LogRecord, RecordSink};
use crate::ring::any::Text;
use crate::ring::slots::hash_of;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

/// Routes of one process; a further name gets the number of the last one.
pub const MOST_ROUTES: usize = 4096;

/// Makes a line of a record.
pub trait LineFormat: Send + Sync {
    /// Appends exactly one line with its ending, or nothing. A finished line is taken as it is.
    fn write(&self, record: &LogRecord<'_>, out: &mut Vec<u8>);
}

/// Takes secrets out of a record's values.
pub trait Scrub: Send + Sync {
    /// The values as they may be written: `values` themselves, or what was made of them in `scratch`.
    fn scrub<'a>(&self, values: &'a [u8], scratch: &'a mut Vec<u8>) -> &'a [u8];
}

/// One sink of a route.
#[derive(Clone)]
pub struct RouteSink {
    /// Records below this level do not go there.
    pub min_level: u16,
    /// Where they go.
    pub sink: SinkKind,
}

/// The two kinds of sinks.
#[derive(Clone)]
pub enum SinkKind {
    /// Lines, made once per format.
    Lines {
        /// What they look like.
        format: Arc<dyn LineFormat>,
        /// Where they go.
        outlet: Arc<Outlet>,
    },
    /// Records themselves.
    Records(Arc<dyn RecordSink>),
}

/// The sinks of each route by its number; `None` for one that was never set.
pub type RouteTable = Vec<Option<Arc<[RouteSink]>>>;

struct Route {
    name: Box<str>,
    sinks: Option<Arc<[RouteSink]>>,
}

/// All routes of the process.
#[derive(Default)]
pub struct Routes {
    routes: RwLock<Vec<Route>>,
    version: AtomicU64,
}

impl Routes {
    /// The number of a name; the same one for the same name.
    pub fn number(&self, name: &str) -> u16 {
        let mut routes = self.routes.write().unwrap_or_else(PoisonError::into_inner);
        let known = routes.iter().position(|route| &*route.name == name);
        let number = known.unwrap_or_else(|| {
            if routes.len() < MOST_ROUTES {
                routes.push(Route {
                    name: name.into(),
                    sinks: None,
                });
            }
            routes.len() - 1
        });
        number as u16
    }

    /// Hash of a route's name, which names it in segments.
    pub fn hash(&self, number: u16) -> Option<u64> {
        let routes = self.routes.read().unwrap_or_else(PoisonError::into_inner);
        routes.get(usize::from(number)).map(|route| hash_of(&route.name))
    }

    /// Hashes of all names, by number.
    pub fn hashes(&self) -> Vec<u64> {
        let routes = self.routes.read().unwrap_or_else(PoisonError::into_inner);
        routes.iter().map(|route| hash_of(&route.name)).collect()
    }

    /// Gives a route its sinks.
    pub fn set(&self, number: u16, sinks: Vec<RouteSink>) {
        let mut routes = self.routes.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(route) = routes.get_mut(usize::from(number)) {
            route.sinks = Some(sinks.into());
            self.version.fetch_add(1, Ordering::Release);
        }
    }

    /// The sinks of a route.
    pub fn sinks(&self, number: u16) -> Option<Arc<[RouteSink]>> {
        let routes = self.routes.read().unwrap_or_else(PoisonError::into_inner);
        routes.get(usize::from(number))?.sinks.clone()
    }

    /// Changes whenever [`Routes::table`] does.
    pub fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    /// All sinks, for who looks at every record.
    pub fn table(&self) -> RouteTable {
        let routes = self.routes.read().unwrap_or_else(PoisonError::into_inner);
        routes.iter().map(|route| route.sinks.clone()).collect()
    }

    /// Outlets that routes lead to, each once.
    pub fn outlets(&self) -> Vec<Arc<Outlet>> {
        let mut outlets: Vec<Arc<Outlet>> = Vec::new();
        for sinks in self.table().into_iter().flatten() {
            for sink in &*sinks {
                if let SinkKind::Lines { outlet, .. } = &sink.sink
                    && !outlets.iter().any(|known| Arc::ptr_eq(known, outlet))
                {
                    outlets.push(Arc::clone(outlet));
                }
            }
        }
        outlets
    }
}

/// Takes finished lines alone: for a route that gets no others.
pub struct Verbatim;

impl LineFormat for Verbatim {
    fn write(&self, record: &LogRecord<'_>, out: &mut Vec<u8>) {
        if record.is_line {
            push_line(record, out);
        }
    }
}

/// Appends a finished line as it is; with an ending where it has none.
pub fn push_line(record: &LogRecord<'_>, out: &mut Vec<u8>) {
    let Some(text) = record.message_text() else { return };
    match text {
        Text::Latin1(characters) => crate::encode::text::push_latin1(characters, out),
        Text::Utf16(units) => crate::encode::text::push_utf16(units, out),
        Text::Utf8(text) => out.extend_from_slice(text.as_bytes()),
    }
    if out.last() != Some(&b'\n') {
        out.push(b'\n');
    }
}
