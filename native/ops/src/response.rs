//! Bodies and pages as they are sent. Any thread.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// One rendered body.
pub struct Body {
    /// `Content-Type`
    pub content_type: &'static str,
    /// `Content-Encoding`, unless the bytes are plain.
    pub encoding: Option<&'static str>,
    /// As sent.
    pub bytes: Vec<u8>,
}

impl Body {
    /// A copy of `text`, as JSON.
    pub fn json(text: &str) -> Self {
        Body {
            content_type: "application/json",
            encoding: None,
            bytes: text.as_bytes().to_vec(),
        }
    }
}

/// A body with its status.
pub struct Page {
    /// One of the statuses of this file.
    pub status: u16,
    /// What it says.
    pub body: Body,
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
