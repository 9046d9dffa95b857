//! Renders registries for JS: as a string, as bytes, or into memory of the caller. App threads and the runtime's pool.

use super::text::{Text, spare};
use crate::process::{process, registry};
use crate::raw::{CodedError, coded};
use kymo_core::metrics::exposition::{Escaping, Format, RenderOptions, render_with};
use kymo_core::metrics::registry::Registry;
use kymo_core::metrics::scrapes::ScrapeKind;
use napi::bindgen_prelude::{AsyncTask, Buffer, Uint8Array};
use napi::{Env, Task};
use napi_derive::napi;
use std::cell::RefCell;
use std::time::Instant;

/// What to render, as every call takes it: registries by id, the number of the format, `_created` samples, the number of the
/// escaping scheme (default: underscores), and the names of families (default: all).
struct Request {
    registries: Vec<u32>,
    format: Format,
    created: bool,
    escaping: Escaping,
    names: Box<[Box<str>]>,
}

impl Request {
    /// Fails with `KYMO_METRICS_UNKNOWN` for a number that is no format or no scheme.
    fn new(
        registries: Vec<u32>,
        format: u32,
        created: bool,
        escaping: Option<u32>,
        names: Option<Vec<String>>,
    ) -> Result<Request, CodedError> {
        let unknown = |what: &str, code: u32| coded("KYMO_METRICS_UNKNOWN", format!("{what} {code}"));
        Ok(Request {
            registries,
            format: Format::from_code(format).ok_or_else(|| unknown("format", format))?,
            created,
            escaping: escaping.map_or(Ok(Escaping::default()), |code| {
                Escaping::from_code(code).ok_or_else(|| unknown("escaping", code))
            })?,
            names: names
                .unwrap_or_default()
                .into_iter()
                .map(String::into_boxed_str)
                .collect(),
        })
    }

    /// Appends to `out` and counts a scrape: whoever renders for JS sends it somewhere.
    fn render(&self, out: &mut Vec<u8>) -> Result<(), CodedError> {
        let began = Instant::now();
        let registries = self
            .registries
            .iter()
            .map(|id| registry(*id))
            .collect::<Result<Vec<_>, _>>()?;
        let registries: Vec<&Registry> = registries.iter().map(|registry| &**registry).collect();
        let options = RenderOptions {
            format: self.format,
            escaping: self.escaping,
            created: self.created,
            names: &self.names,
        };
        let start = out.len();
        let rendered = render_with(&registries, options, out);
        let counters = &process()?.scrapes;
        counters.rendered(self.format, began.elapsed(), &rendered);
        counters.sent(ScrapeKind::plain(self.format), (out.len() - start) as u64, true);
        Ok(())
    }

    fn rendered(&self) -> Result<Vec<u8>, CodedError> {
        let mut out = Vec::new();
        self.render(&mut out)?;
        Ok(out)
    }
}

thread_local! {
    /// Text on its way into a caller's buffer; kept, so that a caller that comes again pays for no memory.
    static INTO: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Renders into `target` from its start and gives the length in bytes. What is longer than `target` writes nothing: the
/// caller comes again with room for it.
#[napi(catch_unwind)]
pub fn render_into(
    registries: Vec<u32>,
    format: u32,
    created: bool,
    mut target: Uint8Array,
    escaping: Option<u32>,
    names: Option<Vec<String>>,
) -> Result<f64, CodedError> {
    let request = Request::new(registries, format, created, escaping, names)?;
    INTO.with_borrow_mut(|text| {
        text.clear();
        request.render(text)?;
        // SAFETY: nothing else touches this memory during the call: JS runs on this thread, which is here, and a buffer that
        // is shared with other threads only ever sees text being written, as with `set`. Attacked by
        // test/metrics/render-into.test.ts.
        let target = unsafe { target.as_mut() };
        if let Some(room) = target.get_mut(..text.len()) {
            room.copy_from_slice(text);
        }
        Ok(text.len() as f64)
    })
}

/// Renders on the calling thread. A binary format gives a string of U+FFFD: use [`render_bytes_sync`].
#[napi(catch_unwind, ts_return_type = "string")]
pub fn render_sync(
    registries: Vec<u32>,
    format: u32,
    created: bool,
    escaping: Option<u32>,
    names: Option<Vec<String>>,
) -> Result<Text, CodedError> {
    let request = Request::new(registries, format, created, escaping, names)?;
    let mut text = spare();
    request.render(&mut text)?;
    Ok(Text(text))
}

/// [`render_sync`] as bytes, in any format.
#[napi(catch_unwind)]
pub fn render_bytes_sync(
    registries: Vec<u32>,
    format: u32,
    created: bool,
    escaping: Option<u32>,
    names: Option<Vec<String>>,
) -> Result<Buffer, CodedError> {
    let bytes = Request::new(registries, format, created, escaping, names)?.rendered()?;
    Ok(bytes.into())
}

fn on_the_pool(request: &Request) -> napi::Result<Vec<u8>> {
    request
        .rendered()
        .map_err(|error| napi::Error::from_reason(error.reason.clone()))
}

/// A render on a thread of the pool, for a string.
pub struct RenderText(Request);

impl Task for RenderText {
    type Output = Vec<u8>;
    type JsValue = Text;

    fn compute(&mut self) -> napi::Result<Vec<u8>> {
        on_the_pool(&self.0)
    }

    fn resolve(&mut self, _: Env, output: Vec<u8>) -> napi::Result<Text> {
        Ok(Text(output))
    }
}

/// A render on a thread of the pool, for bytes.
pub struct RenderBytes(Request);

impl Task for RenderBytes {
    type Output = Vec<u8>;
    type JsValue = Buffer;

    fn compute(&mut self) -> napi::Result<Vec<u8>> {
        on_the_pool(&self.0)
    }

    fn resolve(&mut self, _: Env, output: Vec<u8>) -> napi::Result<Buffer> {
        Ok(output.into())
    }
}

/// Renders off the calling thread; the loop pays only for making the string.
#[napi(catch_unwind, ts_return_type = "Promise<string>")]
pub fn render_async(
    registries: Vec<u32>,
    format: u32,
    created: bool,
    escaping: Option<u32>,
    names: Option<Vec<String>>,
) -> Result<AsyncTask<RenderText>, CodedError> {
    let request = Request::new(registries, format, created, escaping, names)?;
    Ok(AsyncTask::new(RenderText(request)))
}

/// [`render_async`] as bytes, in any format; they are not copied.
#[napi(catch_unwind, ts_return_type = "Promise<Buffer>")]
pub fn render_bytes(
    registries: Vec<u32>,
    format: u32,
    created: bool,
    escaping: Option<u32>,
    names: Option<Vec<String>>,
) -> Result<AsyncTask<RenderBytes>, CodedError> {
    let request = Request::new(registries, format, created, escaping, names)?;
    Ok(AsyncTask::new(RenderBytes(request)))
}
