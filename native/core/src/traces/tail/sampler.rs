//! The sampler: groups spans, decides, remembers. Spans come in on the collector thread; see the module for how it decides.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::counts::TailCounts;
use super::routes::Routes;
use super::rules::TailRules;
use super::tracestate::HeadSampling;
use super::undecided::Undecided;
use crate::traces::ExportSpan;
use crate::traces::assembly::{Assembly, Place};
use crate::traces::elapsed::Elapsed;
use crate::traces::record::{SpanRecord, SpanView};
use crate::traces::threshold::Threshold;

/// Lists of the assembly.
const UNDECIDED: usize = 0;
const DECIDED: usize = 1;

/// The sampler of one provider. Every call takes one lock; what it keeps is handed on after the lock is given back.
pub struct TailSampler {
    rules: TailRules,
    state: Mutex<State>,
}

struct State {
    traces: Assembly<Held, 2>,
    bytes: usize,
    elapsed: Elapsed,
    /// Nothing waits any more.
    is_ending: bool,
    routes: Routes,
    counts: TailCounts,
}

enum Held {
    Undecided(Undecided),
    Decided(Verdict),
}

/// What becomes of a trace.
#[derive(Clone, Copy)]
enum Verdict {
    Drop,
    /// With the threshold to be written, unless it is there already.
    Keep(Option<Threshold>),
}

/// Why a trace is decided on.
enum Cause<'a> {
    Root(&'a SpanView<'a>),
    TimeOut,
    /// No room is left, or the process ends.
    Early,
}

/// Spans that go on.
struct Kept {
    spans: Vec<Arc<SpanRecord>>,
    threshold: Option<Threshold>,
}

impl TailSampler {
    /// Knows no route yet.
    pub fn new(rules: TailRules) -> TailSampler {
        let state = State {
            traces: Assembly::new(),
            bytes: 0,
            elapsed: Elapsed::default(),
            is_ending: false,
            routes: Routes::new(rules.max_routes),
            counts: TailCounts::default(),
        };
        TailSampler {
            rules,
            state: Mutex::new(state),
        }
    }

    /// Takes a span in; `emit` gets those that are kept now: all of a trace when its root ends, a late one of a kept trace at
    /// once. A span that is only recorded is never emitted, but as a local root it is what its trace waits for.
    pub fn accept(&self, span: &Arc<SpanRecord>, emit: &mut dyn FnMut(ExportSpan)) {
        let view = span.view();
        let id = u128::from_be_bytes(view.trace_id);
        let mut kept = Vec::new();
        let mut state = self.lock();
        if view.record_only {
            let place = state.traces.find(id).filter(|_| view.is_local_root());
            if let Some(place) = place {
                self.decide(&mut state, place, id, &Cause::Root(&view), &mut kept);
            }
            drop(state);
            return hand_on(kept, emit);
        }
        let place = state.find_or_insert(id);
        match state.traces.get_mut(place) {
            Some(Held::Undecided(trace)) => {
                let bytes = trace.add(span, &view, &self.rules);
                let cannot_wait = trace.bytes > self.rules.max_bytes / 4 || state.is_ending;
                state.bytes += bytes;
                if view.is_local_root() {
                    self.decide(&mut state, place, id, &Cause::Root(&view), &mut kept);
                } else if cannot_wait {
                    self.decide(&mut state, place, id, &Cause::Early, &mut kept);
                }
                self.make_room(&mut state, &mut kept);
            }
            Some(Held::Decided(verdict)) => {
                let verdict = *verdict;
                state.counts.late_spans += 1;
                match verdict {
                    Verdict::Drop => state.counts.dropped_spans += 1,
                    Verdict::Keep(threshold) => kept.push(Kept {
                        spans: vec![Arc::clone(span)],
                        threshold,
                    }),
                }
            }
            None => {}
        }
        drop(state);
        hand_on(kept, emit);
    }

    /// Tells the time, on the monotonic clock, and decides on traces that have waited too long. To be called often (rates are
    /// measured by it): at least every second while spans come in. Costs a lock when there is nothing to do.
    pub fn tick(&self, mono_ms: u64, emit: &mut dyn FnMut(ExportSpan)) {
        let mut kept = Vec::new();
        let mut state = self.lock();
        state.elapsed.tell(mono_ms);
        while let Some((place, id)) = state.traces.oldest(UNDECIDED).map(|at| (at, state.traces.id_of(at))) {
            let waits_since = match state.traces.get(place) {
                Some(Held::Undecided(trace)) => trace.since_ms,
                _ => break,
            };
            if !state.elapsed.is_over(waits_since, self.rules.decision_timeout_ms) {
                break;
            }
            self.decide(&mut state, place, id, &Cause::TimeOut, &mut kept);
        }
        drop(state);
        hand_on(kept, emit);
    }

    /// Decides on everything that waits, and from now on on each trace with its first span: for the end of the provider,
    /// whose last spans may still be in a ring.
    pub fn decide_all(&self, emit: &mut dyn FnMut(ExportSpan)) {
        let mut kept = Vec::new();
        let mut state = self.lock();
        state.is_ending = true;
        while let Some(place) = state.traces.oldest(UNDECIDED) {
            let id = state.traces.id_of(place);
            self.decide(&mut state, place, id, &Cause::Early, &mut kept);
        }
        drop(state);
        hand_on(kept, emit);
    }

    /// What it has done so far, and what it holds.
    pub fn counts(&self) -> TailCounts {
        let state = self.lock();
        TailCounts {
            undecided_traces: state.traces.len(UNDECIDED),
            undecided_bytes: state.bytes,
            routes: state.routes.len(),
            ..state.counts
        }
    }

    /// As given.
    pub fn rules(&self) -> &TailRules {
        &self.rules
    }

    fn make_room(&self, state: &mut State, kept: &mut Vec<Kept>) {
        while state.traces.len(UNDECIDED) > self.rules.max_traces || state.bytes > self.rules.max_bytes {
            let Some(place) = state.traces.oldest(UNDECIDED) else {
                return;
            };
            let id = state.traces.id_of(place);
            self.decide(state, place, id, &Cause::Early, kept);
        }
    }

    fn decide(&self, state: &mut State, place: Place, id: u128, cause: &Cause<'_>, kept: &mut Vec<Kept>) {
        // A decision stands: the record of a trace object may come behind it.
        let Some(held @ Held::Undecided(_)) = state.traces.get_mut(place) else {
            return;
        };
        let Held::Undecided(trace) = std::mem::replace(held, Held::Decided(Verdict::Drop)) else {
            return;
        };
        state.bytes = state.bytes.saturating_sub(trace.bytes);
        let verdict = self.verdict(state, &trace, id, cause);
        match verdict {
            Verdict::Drop => {
                state.counts.dropped_traces += 1;
                state.counts.dropped_spans += trace.spans.len() as u64;
            }
            Verdict::Keep(threshold) => kept.push(Kept {
                spans: trace.spans,
                threshold,
            }),
        }
        if let Some(held) = state.traces.get_mut(place) {
            *held = Held::Decided(verdict);
        }
        state.traces.shift(place, DECIDED);
        while state.traces.len(DECIDED) > self.rules.max_decisions {
            state.traces.remove_oldest(DECIDED);
        }
    }

    fn verdict(&self, state: &mut State, trace: &Undecided, id: u128, cause: &Cause<'_>) -> Verdict {
        let now_ms = state.elapsed.now_ms();
        let State { routes, counts, .. } = state;
        let root = match cause {
            Cause::Root(root) => Some(*root),
            Cause::TimeOut => {
                counts.timed_out += 1;
                None
            }
            Cause::Early => {
                counts.early += 1;
                None
            }
        };
        let key = root.map(|root| routes.key(root, &self.rules.route_attribute));
        let route = routes.get(key, now_ms);
        let is_slow = match (&self.rules.slow, root) {
            // What fails fast, or runs into a time-out, tells nothing about how long the route takes.
            (Some(rule), Some(root)) if !trace.failed => {
                let duration = root.end_ns.saturating_sub(root.start_ns);
                let durations = route.durations();
                let judges = durations.count() >= rule.min_count.max(1) && duration >= rule.min_duration_ns;
                let is_slow = judges && duration as f64 > durations.quantile(rule.quantile) as f64 * rule.factor;
                durations.record(duration);
                is_slow
            }
            _ => false,
        };
        let attributes = self.rules.attributes.len();
        let errors = self.rules.errors.as_ref().filter(|_| trace.failed);
        let (number, share, count) = match (errors, trace.matched, &self.rules.slow) {
            (Some(share), ..) => (0, share, &mut counts.kept_errors),
            (_, Some(rule), _) => (
                1 + rule,
                &self.rules.attributes[rule].share,
                &mut counts.kept_attributes,
            ),
            (.., Some(rule)) if is_slow => (1 + attributes, &rule.share, &mut counts.kept_slow),
            _ => (2 + attributes, &self.rules.rest, &mut counts.kept_rest),
        };
        let probability = route.probability(number, share, now_ms);
        // The record of a trace object has no tracestate; its spans do.
        let told = root.filter(|root| !root.record_only).cloned();
        let first = told.or_else(|| trace.spans.first().map(|span| span.view()));
        let head = first.map_or_else(HeadSampling::default, |span| {
            HeadSampling::of(&span.rest().trace_state.to_string())
        });
        let randomness = head.randomness(id);
        let threshold = head.passed(randomness).share(probability);
        match threshold.filter(|threshold| threshold.keeps(randomness)) {
            Some(threshold) => {
                *count += 1;
                Verdict::Keep((head.threshold != Some(threshold)).then_some(threshold))
            }
            None => Verdict::Drop,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn find_or_insert(&mut self, id: u128) -> Place {
        if let Some(place) = self.traces.find(id) {
            return place;
        }
        let trace = Undecided::new(self.elapsed.now_ms());
        self.bytes += trace.bytes;
        self.traces.insert(UNDECIDED, id, Held::Undecided(trace))
    }
}

fn hand_on(kept: Vec<Kept>, emit: &mut dyn FnMut(ExportSpan)) {
    for Kept { spans, threshold } in kept {
        for record in spans {
            emit(ExportSpan { record, threshold });
        }
    }
}
