//! Retained traces as they are shown: those of all providers of the process in one order, each with its provider's resource. Any
//! thread; cold.

use std::collections::HashMap;
use std::sync::Arc;

use super::Resource;
use super::host::Traces;
use super::retained::RetainedTrace;

/// A retained trace and what its spans have in common.
#[derive(Clone)]
pub struct ShownTrace {
    /// The trace.
    pub trace: Arc<RetainedTrace>,
    /// Of the provider.
    pub resource: Arc<Resource>,
}

/// The last `n` completed traces of all providers in the order of their completion, newest last. What several providers
/// retain of one trace is shown as one, under the resource of the one that has its outermost span.
pub fn recent(traces: &Traces, n: usize) -> Vec<ShownTrace> {
    let hosts = traces.hosts();
    let mut shown: Vec<ShownTrace> = Vec::new();
    for (_, host) in &hosts {
        shown.extend(host.store.recent(n).into_iter().map(|trace| ShownTrace {
            trace,
            resource: Arc::clone(&host.resource),
        }));
    }
    if hosts.len() > 1 {
        shown = joined(shown);
        shown.sort_by_key(|shown| shown.trace.sequence());
        shown.drain(..shown.len().saturating_sub(n));
    }
    shown
}

/// A completed trace by its id, if any provider retains it.
pub fn find(traces: &Traces, trace_id: &[u8; 16]) -> Option<ShownTrace> {
    let found = traces.hosts().into_iter().filter_map(|(_, host)| {
        Some(ShownTrace {
            trace: host.store.find(trace_id)?,
            resource: Arc::clone(&host.resource),
        })
    });
    joined(found.collect()).pop()
}

fn joined(all: Vec<ShownTrace>) -> Vec<ShownTrace> {
    let mut places: HashMap<[u8; 16], usize> = HashMap::new();
    let mut joined: Vec<ShownTrace> = Vec::with_capacity(all.len());
    for shown in all {
        match places.get(&shown.trace.trace_id()) {
            Some(place) => {
                let known = &mut joined[*place];
                if shown.trace.leads(&known.trace) {
                    known.resource = shown.resource;
                }
                Arc::make_mut(&mut known.trace).join(&shown.trace);
            }
            None => {
                places.insert(shown.trace.trace_id(), joined.len());
                joined.push(shown);
            }
        }
    }
    joined
}
