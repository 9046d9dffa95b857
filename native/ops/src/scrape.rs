//! Renders registries for one scrape: negotiates, renders, compresses, counts; and the report on their cardinality. Render
//! thread, or any other but an event loop.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use kymo_core::metrics::cardinality::report;
use kymo_core::metrics::compression::{gzip, zstd};
use kymo_core::metrics::exposition::{RenderOptions, render_with};
use kymo_core::metrics::negotiation::{Encoding, negotiate, negotiate_encoding};
use kymo_core::metrics::registry::Registry;
use kymo_core::metrics::scrapes::{ScrapeCounters, ScrapeKind};

use crate::response::{Body, Tally};
use crate::route::{RenderFn, ScrapeRequest};

/// Below this a compressed body saves no packet.
const MIN_COMPRESSED_BYTES: usize = 1024;

/// The fields of a request that choose format and encoding.
const VARY: &str = "Accept, Accept-Encoding";

/// Registries that are scraped.
pub struct Scraper {
    registries: Vec<Arc<Registry>>,
    counters: Arc<ScrapeCounters>,
    /// Size of the last body, so that the next one is allocated once.
    expected_bytes: AtomicUsize,
}

impl Scraper {
    /// Shows `registries` in this order; what scrapes cost is added to `counters`.
    pub fn new(registries: Vec<Arc<Registry>>, counters: Arc<ScrapeCounters>) -> Self {
        Scraper {
            registries,
            counters,
            expected_bytes: AtomicUsize::new(0),
        }
    }

    /// Renders as `request` asks.
    pub fn scrape(&self, request: &ScrapeRequest<'_>) -> Body {
        let began = Instant::now();
        let negotiated = negotiate(request.accept);
        let format = negotiated.format;
        let options = RenderOptions {
            escaping: negotiated.escaping(),
            names: request.names.as_slice(),
            ..RenderOptions::new(format)
        };
        let borrowed: Vec<&Registry> = self.registries.iter().map(|r| &**r).collect();
        let expected = self.expected_bytes.load(Ordering::Relaxed);
        let mut bytes = Vec::with_capacity(expected + expected / 8);
        let rendered = render_with(&borrowed, options, &mut bytes);
        self.expected_bytes.store(bytes.len(), Ordering::Relaxed);
        let encoding = encode(&mut bytes, request.accept_encoding);
        self.counters.rendered(format, began.elapsed(), &rendered);
        let kind = ScrapeKind { format, encoding };
        Body {
            encoding: name_of(encoding),
            vary: Some(VARY),
            tally: Some(Tally {
                counters: Arc::clone(&self.counters),
                kind,
            }),
            ..Body::plain(negotiated.content_type(), bytes)
        }
    }

    /// The renderer of `/metrics`.
    pub fn into_render(self) -> Arc<RenderFn> {
        Arc::new(move |request| self.scrape(request).into())
    }
}

/// The renderer of `/debug/cardinality`: JSON, see [`report`]. Reads every series once.
pub fn cardinality(registries: Vec<Arc<Registry>>) -> Arc<RenderFn> {
    Arc::new(move |request| {
        let borrowed: Vec<&Registry> = registries.iter().map(|r| &**r).collect();
        coded("application/json", report(&borrowed).into_bytes(), request).into()
    })
}

/// A body that is coded as `request` asks.
pub(crate) fn coded(content_type: &'static str, mut bytes: Vec<u8>, request: &ScrapeRequest<'_>) -> Body {
    let encoding = encode(&mut bytes, request.accept_encoding);
    Body {
        encoding: name_of(encoding),
        vary: Some("Accept-Encoding"),
        ..Body::plain(content_type, bytes)
    }
}

/// Codes `bytes` as `accept_encoding` asks, unless they are too few to be worth it.
fn encode(bytes: &mut Vec<u8>, accept_encoding: Option<&[u8]>) -> Encoding {
    if bytes.len() < MIN_COMPRESSED_BYTES {
        return Encoding::Identity;
    }
    let encoding = negotiate_encoding(accept_encoding);
    let mut coded = Vec::with_capacity(bytes.len() / 4);
    match encoding {
        Encoding::Identity => return encoding,
        Encoding::Gzip => gzip(bytes, &mut coded),
        Encoding::Zstd if zstd(bytes, &mut coded) => {}
        Encoding::Zstd => return Encoding::Identity,
    }
    *bytes = coded;
    encoding
}

fn name_of(encoding: Encoding) -> Option<&'static str> {
    (encoding != Encoding::Identity).then(|| encoding.word())
}
