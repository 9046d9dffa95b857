//! Bodies and pages as they are sent. Any thread.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use kymo_core::metrics::scrapes::{ScrapeCounters, ScrapeKind};

/// One rendered body.
#[derive(Clone)]
pub struct Body {
    /// `Content-Type`
    pub content_type: &'static str,
    /// `Content-Encoding`, unless the bytes are plain.
    pub encoding: Option<&'static str>,
    /// `Vary`: the fields of the request that chose this body; none when everybody gets the same.
    pub vary: Option<&'static str>,
    /// Further header fields.
    pub fields: Vec<(&'static str, String)>,
    /// As sent.
    pub bytes: Vec<u8>,
    /// Who counts what is sent of it.
    pub tally: Option<Tally>,
}

impl Body {
    /// The same for everybody, not coded and not counted.
    pub fn plain(content_type: &'static str, bytes: impl Into<Vec<u8>>) -> Self {
        Body {
            content_type,
            encoding: None,
            vary: None,
            fields: Vec::new(),
            bytes: bytes.into(),
            tally: None,
        }
    }

    /// [`Body::plain`] with JSON.
    pub fn json(text: impl Into<Vec<u8>>) -> Self {
        Body::plain("application/json", text)
    }
}

/// Counts what is sent of a scrape, once per client.
#[derive(Clone)]
pub struct Tally {
    /// Where.
    pub counters: Arc<ScrapeCounters>,
    /// As what.
    pub kind: ScrapeKind,
}

impl Tally {
    /// To one client; `complete` when it has the whole.
    pub fn sent(&self, bytes: u64, complete: bool) {
        self.counters.sent(self.kind, bytes, complete);
    }
}

/// A body with its status.
#[derive(Clone)]
pub struct Page {
    /// One of the statuses of this file.
    pub status: u16,
    /// What it says.
    pub body: Body,
}

impl Page {
    /// A refusal, with the body that the server gives for that status.
    pub fn error(status: u16) -> Self {
        Page {
            status,
            body: Body::json(error_body(status)),
        }
    }
}

impl From<Body> for Page {
    /// 200.
    fn from(body: Body) -> Self {
        Page { status: 200, body }
    }
}

/// A page that connections share while they send it; counts into `live` until the last of them is done.
pub(crate) struct SharedPage {
    pub page: Page,
    live: Arc<AtomicUsize>,
}

impl SharedPage {
    pub fn new(page: Page, live: &Arc<AtomicUsize>) -> Arc<Self> {
        live.fetch_add(page.body.bytes.len(), Ordering::Relaxed);
        Arc::new(SharedPage {
            page,
            live: Arc::clone(live),
        })
    }
}

impl Drop for SharedPage {
    fn drop(&mut self) {
        self.live.fetch_sub(self.page.body.bytes.len(), Ordering::Relaxed);
    }
}

/// The statuses the server gives, in the order of its counters.
pub(crate) const STATUSES: [(u16, &str); 14] = [
    (200, "200 OK"),
    (204, "204 No Content"),
    (400, "400 Bad Request"),
    (401, "401 Unauthorized"),
    (404, "404 Not Found"),
    (405, "405 Method Not Allowed"),
    (421, "421 Misdirected Request"),
    (431, "431 Request Header Fields Too Large"),
    (500, "500 Internal Server Error"),
    (503, "503 Service Unavailable"),
    (505, "505 HTTP Version Not Supported"),
    (202, "202 Accepted"),
    (403, "403 Forbidden"),
    (429, "429 Too Many Requests"),
];

/// Place of `status` in [`STATUSES`]; an unlisted one counts and is sent as 500.
pub(crate) fn status_index(status: u16) -> usize {
    let index = |status| STATUSES.iter().position(|(code, _)| *code == status);
    index(status).or_else(|| index(500)).unwrap_or(0)
}

/// The body of a refusal.
pub(crate) fn error_body(status: u16) -> &'static str {
    match status {
        400 => r#"{"error":"bad request"}"#,
        401 => r#"{"error":"unauthorized"}"#,
        404 => r#"{"error":"not found"}"#,
        405 => r#"{"error":"method not allowed"}"#,
        421 => r#"{"error":"misdirected request"}"#,
        431 => r#"{"error":"request header fields too large"}"#,
        503 => r#"{"error":"busy"}"#,
        _ => r#"{"error":"internal error"}"#,
    }
}
