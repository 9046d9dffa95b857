//! What a summary observed of late: any quantile of it, and taking over what nobody asked for. Any thread.

use super::Metric;
use crate::loom::Ordering;
use crate::memory::clock::mono_ms;
use crate::memory::table::lock;
use crate::metrics::series::FREE;
use std::hash::BuildHasher;

impl Metric {
    /// The quantile `q` in [0, 1] of what was observed within the window, over all threads: of the series with the labels
    /// `block`, or of all series together. NaN when there is nothing, or this is no summary that keeps a window. Waits for a
    /// registration.
    pub fn quantile(&self, q: f64, block: Option<&[u8]>) -> f64 {
        let Some(options) = &self.descriptor.summary else {
            return f64::NAN;
        };
        let index = lock(&self.index);
        let locations = match block {
            Some(block) => {
                let found = self.find(&index, index.hasher.hash_one(block), block);
                let series = found.and_then(|id| self.series.get(id));
                series.map(|series| series.locations()).unwrap_or_default()
            }
            None => self.series.iter().flat_map(|series| series.locations()).collect(),
        };
        locations.iter().for_each(|location| self.drain(*location));
        self.summaries.quantile(options, &locations, mono_ms(), q)
    }

    /// Takes over what lies in the rings of a summary, so that it ages from about when it was observed even when nobody
    /// scrapes; does so a few times per step of the window. `now_ms` is monotonic. On the native thread that sweeps.
    pub fn sweep_summary(&self, now_ms: u64) {
        let Some(options) = &self.descriptor.summary else {
            return;
        };
        if !self.summaries.is_due(options, now_ms) {
            return;
        }
        let _pin = self.memory.pin();
        for series in self.series.iter() {
            if series.state.load(Ordering::Acquire) != FREE {
                series.locations().into_iter().for_each(|location| self.drain(location));
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::memory::table::{AnonymousProvider, Memory, Owner, Role};
    use crate::metrics::descriptor::{Aggregate, Descriptor};
    use crate::metrics::exemplars::Exemplar;
    use crate::metrics::metric::Kind;
    use crate::metrics::series::Location;
    use crate::metrics::summary::{RING, SummaryOptions};
    use std::sync::Arc;

    struct World {
        memory: Arc<Memory>,
        main: Arc<Owner>,
        worker: Arc<Owner>,
        metric: Metric,
    }

    fn world(kind: Kind) -> World {
        let memory = Arc::new(Memory::new(Box::new(AnonymousProvider)));
        let descriptor = Descriptor {
            label_names: [Box::from("a")].into(),
            summary: (kind == Kind::Summary).then(SummaryOptions::default),
            states: ["off", "on", "broken"].map(Box::from).into(),
            aggregate: if kind == Kind::StateSet {
                Aggregate::Last
            } else {
                Aggregate::Sum
            },
            ..Descriptor::new(kind, "m", "help")
        };
        World {
            main: memory.attach(Role::Main, 0).unwrap(),
            worker: memory.attach(Role::Worker, 1).unwrap(),
            metric: Metric::new(0, None, descriptor, 1, memory.clone()),
            memory,
        }
    }

    impl World {
        fn register(&self, owner: &Arc<Owner>, block: &[u8]) -> Location {
            self.metric.register(owner, block).unwrap().location
        }

        fn write(&self, at: Location, cell: u32, value: f64) {
            let slot = self.memory.slot(at.segment()).unwrap();
            slot.segment
                .cell(at.cell() + cell)
                .store(value.to_bits(), Ordering::Relaxed);
        }

        /// What `observe` does.
        fn observe(&self, at: Location, value: f64) {
            let n = self.metric.value_at(at, 0);
            self.write(at, 2 + (n as u32 & (RING - 1)), value);
            self.write(at, 1, self.metric.value_at(at, 1) + value);
            self.write(at, 0, n + 1.0);
            if n as u32 & (RING - 1) == RING - 1 {
                self.metric.drain(at);
            }
        }

        fn views(&self) -> Vec<(Vec<f64>, Vec<f64>)> {
            let mut all = Vec::new();
            self.metric
                .for_each_view(&mut |view| all.push((view.values.to_vec(), view.quantiles.to_vec())));
            all
        }
    }

    fn close(told: f64, exact: f64) -> bool {
        (told - exact).abs() <= exact * 0.01
    }

    #[test]
    fn count_sum_and_quantiles_are_those_of_all_threads() {
        let world = world(Kind::Summary);
        let (main, worker) = (
            world.register(&world.main, b"a=\"1\""),
            world.register(&world.worker, b"a=\"1\""),
        );
        (1..=500).for_each(|n| world.observe(main, f64::from(n)));
        (501..=1000).for_each(|n| world.observe(worker, f64::from(n)));
        let [(values, quantiles)] = &world.views()[..] else {
            panic!("one series")
        };
        assert_eq!(values, &[1000.0, 500_500.0]);
        for (told, exact) in quantiles.iter().zip([500.0, 900.0, 950.0, 990.0]) {
            assert!(close(*told, exact), "{told}");
        }
        assert_eq!(world.metric.quantile(1.0, Some(b"a=\"1\"")), 1000.0);
    }

    #[test]
    fn a_quantile_is_of_one_series_or_of_all_of_them() {
        let world = world(Kind::Summary);
        let (one, two) = (
            world.register(&world.main, b"a=\"1\""),
            world.register(&world.main, b"a=\"2\""),
        );
        (1..=100).for_each(|n| world.observe(one, f64::from(n)));
        (901..=1000).for_each(|n| world.observe(two, f64::from(n)));
        assert!(close(world.metric.quantile(0.5, Some(b"a=\"1\"")), 50.0));
        assert!(close(world.metric.quantile(0.75, None), 950.0));
        assert!(world.metric.quantile(0.5, Some(b"a=\"3\"")).is_nan());
    }

    #[test]
    fn a_removed_or_reset_series_forgets_its_window_whichever_thread_wrote_it() {
        let world = world(Kind::Summary);
        for owner in [&world.main, &world.worker] {
            let at = world.register(owner, b"a=\"1\"");
            (0..200).for_each(|_| world.observe(at, 7.0));
            assert_eq!(world.metric.quantile(0.5, None), 7.0);
            world.metric.reset(Some(&world.main));
            assert_eq!(world.views()[0].0, [0.0, 0.0]);
            assert!(world.metric.quantile(0.5, None).is_nan());
            world.observe(at, 3.0);
            assert_eq!(world.views()[0].0, [1.0, 3.0]);
            assert_eq!(world.metric.quantile(0.0, None), 3.0);
            world.metric.remove(Some(&world.main), b"a=\"1\"", true);
            assert!(world.metric.quantile(0.5, None).is_nan());
        }
    }

    #[test]
    fn a_sweep_takes_over_what_nobody_asked_for() {
        let world = world(Kind::Summary);
        let at = world.register(&world.main, b"a=\"1\"");
        world.observe(at, 7.0);
        world.metric.sweep_summary(mono_ms());
        // Were it still in the ring, this would be taken in its place.
        world.write(at, 2, 8.0);
        assert_eq!(world.metric.quantile(1.0, None), 7.0);
    }

    #[test]
    fn an_info_is_one_while_it_is_shown_also_after_its_thread_ended() {
        let world = world(Kind::Info);
        world.register(&world.worker, b"a=\"1\"");
        assert_eq!(world.views()[0].0, [1.0]);
        world.register(&world.main, b"a=\"1\"");
        assert_eq!(world.views()[0].0, [1.0]);
        world.metric.mask(&world.worker);
        world.metric.mask(&world.main);
        assert_eq!(world.views()[0].0, [1.0]);
        world.metric.remove(Some(&world.main), b"a=\"1\"", false);
        assert!(world.views().is_empty());
    }

    #[test]
    fn states_are_the_bits_of_one_cell_so_that_no_reader_sees_half_a_change() {
        let world = world(Kind::StateSet);
        let at = world.register(&world.main, b"a=\"1\"");
        assert_eq!(world.views()[0].0, [0.0, 0.0, 0.0]);
        assert_eq!(world.register(&world.worker, b"a=\"1\""), at);
        world.write(at, 0, 5.0);
        assert_eq!(world.views()[0].0, [1.0, 0.0, 1.0]);
        world.metric.mask(&world.main);
        assert_eq!(world.views()[0].0, [1.0, 0.0, 1.0]);
    }

    #[test]
    fn exemplars_go_with_what_they_were_observed_in() {
        let world = world(Kind::Counter);
        let at = world.register(&world.main, b"a=\"1\"");
        let keep = || {
            world.metric.keep_exemplar(
                at,
                Exemplar {
                    bucket: 0,
                    labels: Box::default(),
                    value: 1.0,
                    timestamp_ms: 5,
                },
            );
        };
        let kept = || {
            let mut kept = 0;
            world.metric.for_each_view(&mut |view| kept += view.exemplars.len());
            kept
        };
        keep();
        assert_eq!(kept(), 1);
        world.metric.reset(Some(&world.main));
        assert_eq!(kept(), 0);
        keep();
        world.metric.remove(Some(&world.main), b"a=\"1\"", false);
        world.register(&world.main, b"a=\"1\"");
        assert_eq!(kept(), 0);
    }
}
