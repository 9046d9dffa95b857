//! Spans for JS: providers, tracers, span rings. App threads; cold, but for the ring's own warm calls.

mod retained;
mod tail;
pub mod values;

use crate::export::{self, NewPipeline};
use crate::metrics::sweeping;
use crate::process::{Mode, process};
use crate::raw::{CodedError, coded};
use crate::ring::{Attachment, lend, rings_of};
use kymo_core::export::Resource;
use kymo_core::memory::clock::mono_ms;
use kymo_core::metrics::self_metrics::SELF_REGISTRY;
use kymo_core::ring::full::{OnFull, Policy};
use kymo_core::ring::rings::{Destination, RingOptions};
use kymo_core::threads::guard;
use kymo_core::traces::host::{Host, Traces};
use kymo_core::traces::scope::{MOST_SCOPES, Scope};
use kymo_core::traces::sink::SpanSink;
use kymo_core::traces::store::TraceStore;
use kymo_core::traces::tail::TailSampler;
use kymo_core::traces::{EncodeSpans, msgpack, otlp};
use napi::bindgen_prelude::Unknown;
use napi::{Env, sys};
use napi_derive::napi;
use std::ffi::c_void;
use std::sync::{Arc, OnceLock};
use tail::TailOptions;

static TRACES: OnceLock<Arc<Traces>> = OnceLock::new();

/// The process's spans, made when somebody asks first.
pub fn traces() -> &'static Arc<Traces> {
    TRACES.get_or_init(|| {
        let traces = Arc::<Traces>::default();
        if let Ok(process) = process() {
            process
                .registries
                .open(Some(SELF_REGISTRY))
                .attach(Arc::clone(&traces) as Arc<_>);
        }
        // Its thread also ticks us.
        sweeping();
        traces
    })
}

/// The process's spans, once there are any to be shown.
pub fn known_traces() -> Option<Arc<Traces>> {
    TRACES.get().cloned()
}

/// What is to be done now and then, once there are providers. Runs on `kymo-sweep`.
pub fn tick() {
    if let Some(traces) = TRACES.get()
        && traces.tick(mono_ms())
    {
        crate::ring::set_clock(traces.clocks.newest());
    }
}

fn unknown(what: &str, number: u32) -> CodedError {
    coded("KYMO_TRACES_UNKNOWN", format!("{what} {number}"))
}

/// See `src/binding/native-traces.ts`.
#[napi(object)]
pub struct HostOptions<'a> {
    /// Flat: key, value.
    #[napi(ts_type = "unknown[]")]
    pub resource: Vec<Unknown<'a>>,
    /// Of the resource.
    pub schema_url: String,
    /// Completed traces kept.
    pub retained_traces: u32,
    /// Bytes of them.
    pub retained_bytes: f64,
    /// Without them, every sampled span is exported at once.
    pub tail: Option<TailOptions<'a>>,
}

/// Makes a provider, which is retired when the calling thread ends.
#[napi(catch_unwind)]
pub fn traces_host(env: Env, options: HostOptions<'_>) -> napi::Result<u32> {
    let resource = Resource {
        attributes: values::attributes(&options.resource)?,
        schema_url: options.schema_url.into(),
    };
    let store = TraceStore::new(options.retained_traces as usize, options.retained_bytes as usize);
    let tail = options.tail.map(tail::rules).transpose()?.map(TailSampler::new);
    let host = traces().add_host(Host::new(resource, store, tail));
    // SAFETY: `env` is the environment of the running call, and the argument a mere number.
    unsafe { sys::napi_add_env_cleanup_hook(env.raw(), Some(retire), host as usize as *mut c_void) };
    Ok(host)
}

/// Runs on the app thread when its environment ends.
unsafe extern "C" fn retire(host: *mut c_void) {
    guard(|| traces().retire_host(host as usize as u32), ());
}

/// Ends a provider.
#[napi(catch_unwind)]
pub fn traces_host_close(host: u32) {
    traces().close_host(host);
}

/// Adds a pipeline to a provider.
#[napi(catch_unwind)]
pub fn traces_pipeline(host: u32, options: NewPipeline) -> Result<u32, CodedError> {
    let encode: EncodeSpans = match options.format.as_str() {
        "protobuf" => otlp::protobuf::encode,
        "json" => otlp::json::encode,
        "msgpack" => msgpack::encode,
        other => return Err(export::unknown(&format!("format {other}"))),
    };
    let pipeline = traces()
        .add_pipeline(host, options.queue()?, encode)
        .ok_or_else(|| unknown("provider", host))?;
    Ok(export::add(Arc::clone(&pipeline) as Arc<_>, move || {
        traces().close_pipeline(&pipeline)
    }))
}

/// Decides about traces whose local root has not ended.
#[napi(catch_unwind)]
pub fn traces_decide(host: u32) {
    if let Some(host) = traces().host(host) {
        host.decide_all();
    }
}

/// Number of a tracer.
#[napi(catch_unwind)]
pub fn traces_scope(
    host: u32,
    name: String,
    version: String,
    schema_url: String,
    attributes: Vec<Unknown<'_>>,
) -> napi::Result<u32> {
    let scope = Scope {
        host,
        name: name.into(),
        version: version.into(),
        schema_url: schema_url.into(),
        attributes: values::attributes(&attributes)?,
    };
    Ok(traces().scopes.add(scope).map_or(MOST_SCOPES, u32::from))
}

/// Counts spans that a thread lost before a ring.
#[napi(catch_unwind)]
pub fn traces_dropped(reason: String, spans: f64) {
    traces().count_lost(&reason, spans as u64);
}

/// Wall minus monotonic clock in ms, per anchor.
#[napi(catch_unwind)]
pub fn traces_anchors() -> Vec<f64> {
    traces().clocks.iter().map(|clock| clock.wall_minus_mono_ms()).collect()
}

/// Which ring to open.
#[napi(object)]
pub struct SpanRingOptions {
    /// Bytes, a power of two.
    pub size_bytes: u32,
    /// Node's thread id.
    pub thread_id: u32,
}

/// Opens the calling thread's span ring. Fails with `KYMO_RING_OPEN`.
#[napi(catch_unwind)]
pub fn span_ring_open(env: Env, options: SpanRingOptions) -> Result<Attachment<'static>, CodedError> {
    let process = process()?;
    let rings = rings_of(process);
    let traces = Arc::clone(traces());
    let clock = traces.clocks.newest();
    let ring = RingOptions {
        size: options.size_bytes,
        policy: Policy::new(OnFull::DropNewest),
        signal: "traces".to_owned(),
        destination: Destination::Process,
    };
    let open = rings
        .open_into(
            ring,
            options.thread_id,
            Box::new(|number, interned| Box::new(SpanSink::new(traces, number, Arc::clone(interned)))),
        )
        .map_err(|why| coded("KYMO_RING_OPEN", why.to_string()))?;
    open.set_clock(clock.0, clock.1.wall_minus_mono_ms());
    lend(env, rings, &open, process.mode == Mode::External)
}
