//! Renders registries for one scrape: negotiates, renders, compresses. Render thread, or any other but an event loop.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use kymo_core::metrics::compression::gzip;
use kymo_core::metrics::exposition::render;
use kymo_core::metrics::negotiation::{Encoding, negotiate, negotiate_encoding};
use kymo_core::metrics::registry::Registry;

use crate::response::Body;
use crate::route::{RenderFn, ScrapeRequest};

/// Below this a compressed body saves no packet.
const MIN_COMPRESSED_BYTES: usize = 1024;

/// Renders `registries` as `request` asks. `expected_bytes` is the size of the last one: the body is allocated once.
pub fn scrape(registries: &[Arc<Registry>], request: &ScrapeRequest<'_>, expected_bytes: &AtomicUsize) -> Body {
    let format = negotiate(request.accept);
    let borrowed: Vec<&Registry> = registries.iter().map(|r| &**r).collect();
    let expected = expected_bytes.load(Ordering::Relaxed);
    let mut bytes = Vec::with_capacity(expected + expected / 8);
    render(&borrowed, format, &mut bytes);
    expected_bytes.store(bytes.len(), Ordering::Relaxed);
    let mut encoding = None;
    if bytes.len() >= MIN_COMPRESSED_BYTES && negotiate_encoding(request.accept_encoding) == Encoding::Gzip {
        let mut compressed = Vec::with_capacity(bytes.len() / 4);
        gzip(&bytes, &mut compressed);
        bytes = compressed;
        encoding = Some("gzip");
    }
    Body {
        content_type: format.content_type(),
        encoding,
        bytes,
    }
}

/// The renderer of `/metrics`.
pub fn scraper(registries: Vec<Arc<Registry>>) -> Arc<RenderFn> {
    let expected_bytes = AtomicUsize::new(0);
    Arc::new(move |request| scrape(&registries, request, &expected_bytes))
}
