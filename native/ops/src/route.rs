//! The route table: what a path answers, and who may ask. Built before the start, read by the ops thread.

use std::sync::Arc;

use crate::query::Names;
use crate::response::{Body, Page};

/// What a render may look at. Requests that are equal in all of it share one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScrapeRequest<'a> {
    /// `Accept`, as sent.
    pub accept: Option<&'a [u8]>,
    /// `Accept-Encoding`, as sent.
    pub accept_encoding: Option<&'a [u8]>,
    /// `name[]` of the query.
    pub names: &'a Names,
    /// What stands behind `?`, for a route that asked for it ([`Route::queried`]); empty for others.
    pub query: &'a [u8],
}

/// Renders a page. Render thread; a panic is answered with 500 and counted.
pub type RenderFn = dyn Fn(&ScrapeRequest<'_>) -> Page + Send + Sync;

/// Who may ask for a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Anybody.
    Open,
    /// Only with the token, when one is configured.
    Token,
}

/// Where a route's answer comes from.
pub(crate) enum Source {
    /// Known before the request: answered by the ops thread at once.
    Page(Page),
    /// Made by the render thread, one render for all requests of a kind that wait.
    Render(Arc<RenderFn>),
}

/// One path and its answer.
pub struct Route {
    pub(crate) path: String,
    pub(crate) access: Access,
    pub(crate) source: Source,
    /// The renderer looks at the whole query, not at `name[]` only.
    pub(crate) is_queried: bool,
}

impl Route {
    /// `path` starts with `/` and is matched exactly, without the query.
    pub fn page(path: &str, access: Access, page: Page) -> Self {
        Route {
            path: path.to_owned(),
            access,
            source: Source::Page(page),
            is_queried: false,
        }
    }

    /// Same, rendered anew per scrape.
    pub fn rendered(path: &str, access: Access, render: Arc<RenderFn>) -> Self {
        Route {
            path: path.to_owned(),
            access,
            source: Source::Render(render),
            is_queried: false,
        }
    }

    /// Same, with the query as it was sent: requests that differ in it do not share a render.
    pub fn queried(path: &str, access: Access, render: Arc<RenderFn>) -> Self {
        Route {
            is_queried: true,
            ..Route::rendered(path, access, render)
        }
    }
}

/// All routes of a server; another domain adds its own before the start.
#[derive(Default)]
pub struct RouteTable {
    pub(crate) routes: Vec<Route>,
}

impl RouteTable {
    /// `/live` (always open: answering it proves that the process and this thread run) and nothing else.
    pub fn new() -> Self {
        let live = Page {
            status: 200,
            body: Body::json(r#"{"status":"ok"}"#),
        };
        RouteTable { routes: Vec::new() }.with(Route::page("/live", Access::Open, live))
    }

    /// Adds a route; one with the same path is replaced.
    #[must_use]
    pub fn with(mut self, route: Route) -> Self {
        self.routes.retain(|r| r.path != route.path);
        self.routes.push(route);
        self
    }

    pub(crate) fn find(&self, path: &[u8]) -> Option<usize> {
        self.routes.iter().position(|r| r.path.as_bytes() == path)
    }
}
