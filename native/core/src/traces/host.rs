//! Providers of tracers and their pipelines, for the whole process: where spans go once they are out of a ring. The collector
//! hands spans in, app threads configure, exporters' threads take batches.
use super::clock::WallClocks;
use super::record::StatusCode;
use super::store::TraceStore;
use super::tail::TailSampler;
use super::{EncodeSpans, ExportSpan, Resource, Scopes, SpanRecord};
use crate::export::{Outbound, Pipeline, PipelineOptions};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

/// A queue of spans on their way to one exporter.
pub type SpanPipeline = Pipeline<ExportSpan>;

/// A provider: its resource, what it keeps, how it samples and where it exports to.
pub struct Host {
    /// What its spans have in common.
    pub resource: Arc<Resource>,
    /// Completed traces.
    pub store: TraceStore,
    tail: Option<TailSampler>,
    pipelines: RwLock<Vec<Arc<SpanPipeline>>>,
    /// Its thread has ended; see [`Traces::retire_host`].
    retired: AtomicBool,
}

/// How a trace goes on, as the spans of this process tell it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum TraceOutcome {
    /// A span of it failed.
    Failed,
    /// Its local root ended, and did not fail; ms since 1970.
    Ended(f64),
}

/// Is told how traces go on, by the 16 bytes of their ids. Runs on the collector.
pub type Follower = Box<dyn Fn([u8; 16], TraceOutcome) + Send + Sync>;

/// See the module. One per process.
#[derive(Default)]
pub struct Traces {
    /// All tracers.
    pub scopes: Arc<Scopes>,
    /// Wall clock anchors.
    pub clocks: WallClocks,
    hosts: RwLock<Vec<Option<Arc<Host>>>>,
    /// All pipelines there were: what they lost is counted for good.
    exports: RwLock<Vec<Arc<SpanPipeline>>>,
    spans: AtomicU64,
    /// Spans whose record made no sense, whose provider is gone, and those lost before a ring, by reason.
    unread: AtomicU64,
    homeless: AtomicU64,
    before_ring: RwLock<Vec<(Box<str>, u64)>>,
    follower: RwLock<Option<Follower>>,
}

impl Host {
    /// A provider without pipelines.
    pub fn new(resource: Resource, store: TraceStore, tail: Option<TailSampler>) -> Host {
        Host {
            resource: Arc::new(resource),
            store,
            tail,
            pipelines: RwLock::default(),
            retired: AtomicBool::new(false),
        }
    }

    /// Whether a new provider like `other` can go on as this one.
    fn goes_on_as(&self, other: &Host) -> bool {
        let rules = |host: &Host| host.tail.as_ref().map(|tail| tail.rules().clone());
        self.retired.load(Ordering::Acquire)
            && self.resource == other.resource
            && self.store.limits() == other.store.limits()
            && rules(self) == rules(other)
    }

    fn close_pipelines(&self) {
        let pipelines = std::mem::take(&mut *self.pipelines.write().unwrap_or_else(PoisonError::into_inner));
        pipelines.iter().for_each(|pipeline| pipeline.close());
    }

    /// How its traces are sampled once they are complete.
    pub fn tail(&self) -> Option<&TailSampler> {
        self.tail.as_ref()
    }

    /// Decides about traces whose local root has not ended: before a shutdown.
    pub fn decide_all(&self) {
        let pipelines = self.pipelines.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(tail) = &self.tail {
            tail.decide_all(&mut |kept| spread(&pipelines, kept));
        }
    }

    fn accept(&self, span: &Arc<SpanRecord>) {
        self.store.accept(span);
        let pipelines = self.pipelines.read().unwrap_or_else(PoisonError::into_inner);
        if pipelines.is_empty() {
            return;
        }
        match &self.tail {
            Some(tail) => tail.accept(span, &mut |kept| spread(&pipelines, kept)),
            None if span.view().record_only => {}
            None => spread(
                &pipelines,
                ExportSpan {
                    record: Arc::clone(span),
                    threshold: None,
                },
            ),
        }
    }

    fn tick(&self, mono_ms: u64) {
        self.store.tick(mono_ms);
        let pipelines = self.pipelines.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(tail) = &self.tail {
            tail.tick(mono_ms, &mut |kept| spread(&pipelines, kept));
        }
    }
}

fn tell(follower: &Follower, span: &SpanRecord) {
    let view = span.view();
    if view.timed_out || view.status == StatusCode::Error {
        follower(view.trace_id, TraceOutcome::Failed);
    } else if view.is_local_root() {
        follower(view.trace_id, TraceOutcome::Ended(view.end_ns as f64 / 1e6));
    }
}

fn spread(pipelines: &[Arc<SpanPipeline>], span: ExportSpan) {
    for pipeline in pipelines {
        pipeline.push(span.clone());
    }
}

impl Traces {
    /// Adds a provider; its number names it from now on. One of an ended thread that is just like it goes on in its place.
    pub fn add_host(&self, host: Host) -> u32 {
        let mut hosts = self.hosts.write().unwrap_or_else(PoisonError::into_inner);
        for (number, known) in hosts.iter().enumerate() {
            if let Some(known) = known.as_ref().filter(|known| known.goes_on_as(&host)) {
                known.retired.store(false, Ordering::Release);
                return number as u32;
            }
        }
        hosts.push(Some(Arc::new(host)));
        hosts.len() as u32 - 1
    }

    /// The provider of a number, while it is not closed.
    pub fn host(&self, number: u32) -> Option<Arc<Host>> {
        let hosts = self.hosts.read().unwrap_or_else(PoisonError::into_inner);
        hosts.get(number as usize).cloned().flatten()
    }

    /// All that are not closed, by number.
    pub fn hosts(&self) -> Vec<(u32, Arc<Host>)> {
        let hosts = self.hosts.read().unwrap_or_else(PoisonError::into_inner);
        let numbered = hosts.iter().enumerate();
        numbered
            .filter_map(|(number, host)| Some((number as u32, Arc::clone(host.as_ref()?))))
            .collect()
    }

    /// Closes a provider's pipelines and gives back what it keeps. Its spans that are still in a ring are counted as lost.
    pub fn close_host(&self, number: u32) {
        let mut hosts = self.hosts.write().unwrap_or_else(PoisonError::into_inner);
        let Some(host) = hosts.get_mut(number as usize).and_then(Option::take) else {
            return;
        };
        drop(hosts);
        host.close_pipelines();
    }

    /// The thread of a provider has ended without closing it: nobody takes its batches any more. Its traces are still shown,
    /// until a provider just like it takes over: threads that come and go need no more room than those that run at a time.
    pub fn retire_host(&self, number: u32) {
        if let Some(host) = self.host(number) {
            host.close_pipelines();
            host.retired.store(true, Ordering::Release);
        }
    }

    /// Adds a pipeline to a provider: it gets what ends from now on. `None` when the provider is closed.
    pub fn add_pipeline(&self, host: u32, options: PipelineOptions, encode: EncodeSpans) -> Option<Arc<SpanPipeline>> {
        let host = self.host(host)?;
        let (resource, scopes) = (Arc::clone(&host.resource), Arc::clone(&self.scopes));
        let encode = Box::new(move |spans: &[ExportSpan], out: &mut Vec<u8>| encode(spans, &resource, &scopes, out));
        let pipeline = Arc::new(Pipeline::new(options, encode));
        let mut exports = self.exports.write().unwrap_or_else(PoisonError::into_inner);
        exports.push(Arc::clone(&pipeline));
        let mut pipelines = host.pipelines.write().unwrap_or_else(PoisonError::into_inner);
        pipelines.push(Arc::clone(&pipeline));
        Some(pipeline)
    }

    /// Closes a pipeline and takes it off its provider. It still answers about what it has out.
    pub fn close_pipeline(&self, pipeline: &Arc<SpanPipeline>) {
        for (_, host) in self.hosts() {
            let mut pipelines = host.pipelines.write().unwrap_or_else(PoisonError::into_inner);
            pipelines.retain(|known| !Arc::ptr_eq(known, pipeline));
        }
        pipeline.close();
    }

    /// Takes one record out of a ring. Runs on the collector.
    pub fn accept(&self, span: Option<SpanRecord>) {
        let Some(span) = span else {
            self.unread.fetch_add(1, Ordering::Relaxed);
            return;
        };
        self.spans.fetch_add(1, Ordering::Relaxed);
        if let Some(follower) = &*self.follower.read().unwrap_or_else(PoisonError::into_inner) {
            tell(follower, &span);
        }
        let host = self.scopes.get(span.scope()).and_then(|scope| self.host(scope.host));
        match host {
            Some(host) => host.accept(&Arc::new(span)),
            None => {
                self.homeless.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// Has somebody told how traces go on, in place of who was told before.
    pub fn follow(&self, follower: Option<Follower>) {
        *self.follower.write().unwrap_or_else(PoisonError::into_inner) = follower;
    }

    /// All pipelines, closed ones included.
    pub fn exports(&self) -> Vec<Arc<SpanPipeline>> {
        let exports = self.exports.read().unwrap_or_else(PoisonError::into_inner);
        exports.clone()
    }

    /// Spans that got to no provider, by reason.
    pub fn lost(&self) -> Vec<(Box<str>, u64)> {
        let mut lost = vec![
            ("unreadable".into(), self.unread.load(Ordering::Relaxed)),
            ("provider_closed".into(), self.homeless.load(Ordering::Relaxed)),
        ];
        lost.extend(
            self.before_ring
                .read()
                .unwrap_or_else(PoisonError::into_inner)
                .iter()
                .cloned(),
        );
        lost
    }

    /// How many spans were taken out of rings.
    pub fn spans(&self) -> u64 {
        self.spans.load(Ordering::Relaxed)
    }

    /// Counts spans that a thread lost before they got into a ring.
    pub fn count_lost(&self, reason: &str, spans: u64) {
        let mut counts = self.before_ring.write().unwrap_or_else(PoisonError::into_inner);
        match counts.iter_mut().find(|(known, _)| &**known == reason) {
            Some((_, count)) => *count += spans,
            None => counts.push((reason.into(), spans)),
        }
    }

    /// What has to be done now and then: anchors of the wall clock, traces that never complete, decisions that are due. Twice a
    /// second.
    pub fn tick(&self, mono_ms: u64) -> bool {
        for (_, host) in self.hosts() {
            host.tick(mono_ms);
        }
        self.clocks.check()
    }
}

#[cfg(test)]
#[path = "host_tests.rs"]
mod tests;
