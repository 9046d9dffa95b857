//! Native histograms of several threads: what limits, resets and removals of one do to the others, and to those who read.
#![allow(clippy::unwrap_used)]

use super::super::descriptor::Descriptor;
use super::super::native_histogram::{NativeHistogram, NativeOptions};
use super::super::registry::Registries;
use super::*;
use crate::memory::table::{AnonymousProvider, Role};
use std::time::Duration;

/// Small, so that limits are met soon.
fn small(min_reset_ms: u64) -> NativeOptions {
    NativeOptions {
        schema: 0,
        max_buckets: 8,
        min_reset_ms,
        ..NativeOptions::default()
    }
}

struct World {
    registries: Registries,
    metric: Arc<Metric>,
}

fn world(options: NativeOptions, bounds: &[f64]) -> World {
    let registries = Registries::new(Arc::new(Memory::new(Box::new(AnonymousProvider))));
    let descriptor = Descriptor {
        native: Some(options),
        bounds: bounds.into(),
        ..Descriptor::new(Kind::Histogram, "h", "")
    };
    let metric = registries.declare(&registries.open(None), descriptor).unwrap();
    World { registries, metric }
}

/// A thread that observes as JS does: reads and stores cell by cell, and calls when there is no room.
struct Thread<'a> {
    world: &'a World,
    owner: Arc<Owner>,
    at: Location,
}

impl World {
    fn thread(&self, id: u32) -> Thread<'_> {
        let owner = self.registries.memory().attach(Role::Worker, id).unwrap();
        let at = self.metric.register(&owner, b"").unwrap().location;
        Thread { world: self, owner, at }
    }

    fn read(&self) -> Option<(Vec<f64>, NativeHistogram, u64)> {
        let mut read = None;
        self.metric.for_each_view(&mut |view| {
            read = Some((view.values.to_vec(), view.native.unwrap().clone(), view.created_ns));
        });
        read
    }

    fn native(&self) -> NativeHistogram {
        self.read().unwrap().1
    }
}

impl Thread<'_> {
    fn cells(&self) -> &[AtomicU64] {
        let slot = self.world.registries.memory().slot(self.at.segment()).unwrap();
        slot.segment
            .cells(self.at.cell(), self.world.metric.descriptor.cells() as usize)
    }

    fn observe(&self, value: f64) {
        let descriptor = &self.world.metric.descriptor;
        let options = descriptor.native.as_ref().unwrap();
        let (all, classic) = (self.cells(), descriptor.classic_cells() as usize);
        loop {
            let before: Vec<f64> = all
                .iter()
                .map(|cell| f64::from_bits(cell.load(Ordering::Relaxed)))
                .collect();
            let mut after = before.clone();
            if !options.observe(&mut after[classic..], value) {
                self.world.metric.limit_buckets(&self.owner, self.at);
                continue;
            }
            if classic > 0 {
                let bucket = descriptor.bounds.partition_point(|bound| *bound < value);
                after[bucket] += 1.0;
                after[classic - 1] += value;
            }
            // Keys before counts: from the end.
            for cell in (0..all.len()).rev().filter(|cell| before[*cell] != after[*cell]) {
                all[cell].store(after[cell].to_bits(), Ordering::Relaxed);
            }
            return;
        }
    }

    fn powers(&self, exponents: std::ops::Range<i32>) {
        exponents.for_each(|exponent| self.observe(2.0_f64.powi(exponent)));
    }
}

#[test]
fn threads_at_different_resolutions_are_one_histogram() {
    let world = world(small(0), &[16.0]);
    let (fine, coarse) = (world.thread(1), world.thread(2));
    fine.powers(0..8);
    coarse.powers(0..28);
    let (values, native, _) = world.read().unwrap();
    assert_eq!((native.schema, native.count), (-2, 36));
    assert_eq!(values, [10.0, 26.0, 255.0 + 268_435_455.0]);
    assert_eq!(native.positive.iter().map(|(_, count)| count).sum::<u64>(), 36);
}

/// (rule 21) a reset for lack of room begins the whole series anew: every thread's part, and the classic buckets.
#[test]
fn a_reset_for_lack_of_room_is_one_of_all_threads() {
    let world = world(small(1), &[16.0]);
    let (one, other) = (world.thread(1), world.thread(2));
    other.powers(0..5);
    one.powers(0..8);
    let (_, before, created) = world.read().unwrap();
    assert_eq!(before.count, 13);
    std::thread::sleep(Duration::from_millis(5));
    one.observe(1e6);
    let (values, native, created_again) = world.read().unwrap();
    assert_eq!((native.schema, native.count, native.sum), (0, 1, 1e6));
    assert_eq!(values, [0.0, 1.0, 1e6]);
    assert!(native.start_ms > before.start_ms && created_again > created);
    other.observe(1.0);
    assert_eq!(world.native().count, 2);
}

/// A part that another thread's reset emptied gets the declared resolution back before it counts again.
#[test]
fn a_reset_by_another_thread_restores_the_resolution_of_all() {
    let world = world(small(0), &[]);
    let (one, other) = (world.thread(1), world.thread(2));
    one.powers(0..12);
    assert_eq!(world.native().schema, -1);
    world.metric.reset(Some(&other.owner));
    assert_eq!((world.native().count, world.native().schema), (0, 0));
    one.observe(2.0);
    let native = world.native();
    assert_eq!((native.schema, &native.positive[..]), (0, &[(1, 1)][..]));
    other.observe(4.0);
    assert_eq!(world.native().positive, [(1, 1), (2, 1)]);
}

#[test]
fn a_series_that_another_thread_removed_comes_back_at_the_declared_resolution() {
    let world = world(small(0), &[]);
    let (one, other) = (world.thread(1), world.thread(2));
    one.powers(0..12);
    assert!(world.metric.remove(Some(&other.owner), b"", true).is_some());
    assert_eq!(world.read(), None);
    one.observe(2.0);
    let native = world.native();
    assert_eq!((native.schema, native.count, native.sum), (0, 1, 2.0));
}

/// (rule 21) what was lost comes back by a reset as soon as one may be; it is asked for, and runs on the owner's thread.
#[test]
fn a_reset_is_scheduled_for_what_lost_resolution() {
    let world = world(small(3_600_000), &[]);
    let (one, other) = (world.thread(1), world.thread(2));
    one.powers(0..12);
    other.observe(1.0);
    let before = world.native();
    let due = before.start_ms + 3_600_000;
    world.metric.schedule_resets(due - 1);
    one.observe(2.0);
    assert_eq!((world.native().schema, world.native().count), (-1, 14));
    let unasked = world.native();
    world.metric.schedule_resets(due + 60_000);
    assert_eq!(world.native(), unasked, "readers go on");
    // Its own clock says that it is not time yet: it goes on as it was.
    one.observe(2.0);
    assert_eq!((world.native().schema, world.native().count), (-1, 15));

    let world = self::world(small(20), &[]);
    let (one, other) = (world.thread(1), world.thread(2));
    one.powers(0..12);
    other.observe(1.0);
    if world.native().count == 13 {
        std::thread::sleep(Duration::from_millis(25));
        world.metric.schedule_resets(wall_ns() / 1_000_000);
        one.observe(2.0);
    }
    let native = world.native();
    assert_eq!((native.schema, native.count), (0, 1));
}

/// [S2] whoever reads sees every value that was counted before, in buckets that agree with the count, while three threads go
/// through all resolutions.
#[test]
fn stress_readers_see_whole_histograms_while_threads_limit_them() {
    let world = world(small(0), &[16.0]);
    let threads = [1, 2, 3].map(|id| world.thread(id));
    let done = AtomicBool::new(false);
    const EACH: u64 = 3_000;
    std::thread::scope(|scope| {
        let writers = threads.each_ref().map(|thread| {
            scope.spawn(|| {
                for n in 0..EACH {
                    let spread = 1 + n as i32 / 10;
                    thread.observe(2.0_f64.powi((n as i32 * 7) % spread));
                }
            })
        });
        let reader = scope.spawn(|| {
            let (mut last, mut reads) = (0, 0_u64);
            while !done.load(Ordering::Relaxed) {
                let (values, native, _) = world.read().unwrap();
                let buckets: u64 = native.positive.iter().map(|(_, count)| count).sum();
                assert_eq!(buckets + native.zero_count, native.count);
                assert_eq!(values[0] + values[1], native.count as f64);
                // A reader that finds no quiet moment gets nothing, which is no state that it may compare.
                if native.count > 0 {
                    assert!(native.count >= last, "{} after {last}", native.count);
                    last = native.count;
                }
                reads += 1;
            }
            reads
        });
        writers.into_iter().for_each(|writer| writer.join().unwrap());
        done.store(true, Ordering::Relaxed);
        assert!(reader.join().unwrap() > 0);
    });
    let native = world.native();
    assert_eq!((native.schema, native.count), (-4, 3 * EACH));
}
