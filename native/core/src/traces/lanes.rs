//! The spans of a trace side by side: viewers draw a lane as a stack, so that on one lane a span lies inside another or behind it.
//! Spans that overlap, or outlive their parent, get a lane beside it. Any thread.

use super::record::{SpanRecord, SpanView};
use hashbrown::HashMap;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

/// A span and where it is drawn.
pub(super) struct Placed<'a> {
    pub view: SpanView<'a>,
    /// From 0 on.
    pub lane: u32,
    /// Place of its parent in the same list, if the trace has it.
    pub parent: Option<usize>,
}

/// The spans in the order of their start, parents before children that start with them. O(n log n), whatever ids and times are.
pub(super) fn placed(spans: &[Arc<SpanRecord>]) -> Vec<Placed<'_>> {
    let views: Vec<SpanView<'_>> = spans.iter().map(|span| span.view()).collect();
    let index: HashMap<[u8; 8], usize> = views.iter().map(|view| view.span_id).zip(0..).collect();
    let parents: Vec<Option<usize>> = views
        .iter()
        .map(|view| view.parent_span_id.and_then(|id| index.get(&id).copied()))
        .collect();
    let depths = depths(&parents);
    let mut order: Vec<usize> = (0..views.len()).collect();
    order.sort_by_key(|&span| (views[span].start_ns, Reverse(views[span].end_ns), depths[span]));
    let mut place_of = vec![usize::MAX; views.len()];
    order
        .iter()
        .enumerate()
        .for_each(|(place, &span)| place_of[span] = place);
    let mut placed: Vec<Placed<'_>> = order
        .iter()
        .map(|&span| Placed {
            view: views[span].clone(),
            lane: 0,
            parent: parents[span].map(|parent| place_of[parent]),
        })
        .collect();
    let mut lanes = Lanes::default();
    for place in 0..placed.len() {
        placed[place].lane = lanes.take(place, &placed);
    }
    placed
}

/// How many ancestors each span has. Parents that go round in a circle count from wherever they are met.
fn depths(parents: &[Option<usize>]) -> Vec<u32> {
    const UNKNOWN: u32 = u32::MAX;
    const OPEN: u32 = u32::MAX - 1;
    let mut depths = vec![UNKNOWN; parents.len()];
    let mut path = Vec::new();
    for start in 0..parents.len() {
        let mut at = Some(start);
        while let Some(span) = at.filter(|&span| depths[span] == UNKNOWN) {
            depths[span] = OPEN;
            path.push(span);
            at = parents[span];
        }
        let first = at.map_or(0, |known| if depths[known] == OPEN { 0 } else { depths[known] + 1 });
        for (span, depth) in path.drain(..).rev().zip(first..) {
            depths[span] = depth;
        }
    }
    depths
}

#[derive(Default)]
struct Lanes {
    /// Spans that are open on each lane, each inside the one before it.
    stacks: Vec<Vec<usize>>,
    /// Lanes with an open span, by the end of the outermost.
    busy: BinaryHeap<Reverse<(u64, u32)>>,
    free: BinaryHeap<Reverse<u32>>,
}

impl Lanes {
    /// The lane of a span; every span before it has one.
    fn take(&mut self, place: usize, placed: &[Placed<'_>]) -> u32 {
        let view = &placed[place].view;
        while let Some(&Reverse((end, lane))) = self.busy.peek()
            && end <= view.start_ns
        {
            self.busy.pop();
            self.stacks[lane as usize].clear();
            self.free.push(Reverse(lane));
        }
        if let Some(parent) = placed[place].parent.filter(|&parent| parent < place) {
            let lane = placed[parent].lane;
            let stack = &mut self.stacks[lane as usize];
            while stack
                .last()
                .is_some_and(|&open| placed[open].view.end_ns <= view.start_ns)
            {
                stack.pop();
            }
            if stack.last() == Some(&parent) && view.end_ns <= placed[parent].view.end_ns {
                stack.push(place);
                return lane;
            }
        }
        let lane = self.free.pop().map_or_else(
            || {
                self.stacks.push(Vec::new());
                self.stacks.len() as u32 - 1
            },
            |Reverse(lane)| lane,
        );
        self.stacks[lane as usize].push(place);
        self.busy.push(Reverse((view.end_ns, lane)));
        lane
    }
}

#[cfg(test)]
mod tests {
    use super::super::arbitrary::{Random, WrittenSpan, some_keys};
    use super::*;

    const START: u64 = 1_700_000_000_000_000_000;

    /// Spans of id, parent, start and end.
    fn records(spans: &[(u64, u64, u64, u64)]) -> Vec<Arc<SpanRecord>> {
        let keys = some_keys();
        let span = |&(span_id, parent, start, end): &(u64, u64, u64, u64)| WrittenSpan {
            span_id,
            parent,
            start_ns: START + start,
            end_ns: START + end,
            ..WrittenSpan::default()
        };
        spans.iter().map(|one| span(one).record_with(&keys)).collect()
    }

    /// Id and lane of each span, in order.
    fn lanes(spans: &[(u64, u64, u64, u64)]) -> Vec<(u8, u32)> {
        let records = records(spans);
        placed(&records)
            .iter()
            .map(|span| (span.view.span_id[7], span.lane))
            .collect()
    }

    #[test]
    fn children_lie_inside_their_parent() {
        let spans = [(3, 2, 2, 3), (2, 1, 1, 4), (4, 1, 5, 6), (1, 0, 0, 10)];
        assert_eq!(lanes(&spans), [(1, 0), (2, 0), (3, 0), (4, 0)]);
    }

    #[test]
    fn parallel_children_and_those_that_outlive_their_parent_lie_beside_it() {
        let spans = [(1, 0, 0, 10), (2, 1, 1, 5), (3, 1, 2, 6), (4, 1, 7, 12), (5, 4, 8, 9)];
        assert_eq!(lanes(&spans), [(1, 0), (2, 0), (3, 1), (4, 1), (5, 1)]);
    }

    #[test]
    fn a_parent_comes_before_children_of_the_same_times() {
        assert_eq!(
            lanes(&[(3, 2, 0, 5), (2, 1, 0, 5), (1, 0, 0, 5)]),
            [(1, 0), (2, 0), (3, 0)]
        );
        assert_eq!(lanes(&[(2, 1, 3, 3), (1, 0, 3, 3)]), [(1, 0), (2, 0)]);
    }

    #[test]
    fn parents_in_a_circle_and_ids_that_come_twice_end_nowhere_else() {
        assert_eq!(lanes(&[(1, 2, 0, 5), (2, 1, 1, 2), (3, 3, 1, 2)]).len(), 3);
        assert_eq!(lanes(&[(1, 0, 0, 5), (1, 0, 1, 2), (2, 1, 1, 2)]).len(), 3);
        assert_eq!(lanes(&[]), []);
    }

    #[test]
    fn on_every_lane_spans_are_nested_or_apart() {
        let mut random = Random(1);
        for _ in 0..200 {
            let spans: Vec<_> = (0..random.below(60) as u64)
                .map(|id| {
                    let start = random.below(50) as u64;
                    (id + 1, random.next() % (id + 3), start, start + random.below(20) as u64)
                })
                .collect();
            let records = records(&spans);
            let placed = placed(&records);
            assert_eq!(placed.len(), spans.len());
            let mut open: Vec<Vec<u64>> = Vec::new();
            for span in &placed {
                open.resize_with(open.len().max(span.lane as usize + 1), Vec::new);
                let stack = &mut open[span.lane as usize];
                while stack.last().is_some_and(|end| *end <= span.view.start_ns) {
                    stack.pop();
                }
                assert!(stack.last().is_none_or(|end| span.view.end_ns <= *end), "{spans:?}");
                stack.push(span.view.end_ns);
            }
        }
    }
}
