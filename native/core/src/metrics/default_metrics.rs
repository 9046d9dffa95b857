//! The process' one set of native default metrics, and who uses which of them in which registry. Cold calls from app threads.

use std::path::Path;
use std::sync::{Arc, LazyLock, Mutex};

use super::cgroup::CgroupCollector;
use super::collector::Collector;
use super::event_loop::EventLoopCollector;
use super::process::ProcessCollector;
use super::registry::Registry;
use super::stalls::StallCollector;
use crate::memory::table::lock;

/// A group of metrics that can be had alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Set {
    /// `process_*`.
    Process,
    /// `nodejs_eventloop_{utilization_ratio,idle_seconds_total,active_seconds_total}`.
    EventLoop,
    /// `nodejs_eventloop_{blocked_seconds,stalls_total,stall_seconds_total}`.
    Stalls,
    /// `cgroup_*`.
    Cgroup,
}

impl Set {
    /// By the number that stands for it at the boundary to JS.
    pub fn from_code(code: u32) -> Option<Set> {
        [Set::Process, Set::EventLoop, Set::Stalls, Set::Cgroup]
            .get(code as usize)
            .copied()
    }
}

/// Attaches the process' collectors to registries, once each, however many threads ask for it.
pub struct DefaultMetrics {
    process: Arc<ProcessCollector>,
    event_loop: Arc<EventLoopCollector>,
    stalls: Arc<StallCollector>,
    cgroup: Arc<CgroupCollector>,
    attached: Mutex<Vec<Attached>>,
}

struct Attached {
    registry: Arc<Registry>,
    set: Set,
    /// Handles that are not stopped, in [1, ...). A thread that ends without stopping leaves its own: the metrics stay.
    users: u32,
    collector: u32,
}

/// The process' default metrics.
pub fn default_metrics() -> &'static DefaultMetrics {
    static DEFAULT: LazyLock<DefaultMetrics> = LazyLock::new(DefaultMetrics::new);
    &DEFAULT
}

impl DefaultMetrics {
    fn new() -> DefaultMetrics {
        let event_loop = Arc::new(EventLoopCollector::new());
        let watched = Arc::clone(&event_loop);
        DefaultMetrics {
            process: Arc::new(ProcessCollector::new()),
            stalls: Arc::new(StallCollector::new(Box::new(move || watched.progress()))),
            event_loop,
            cgroup: Arc::new(CgroupCollector::new(Path::new("/"))),
            attached: Mutex::new(Vec::new()),
        }
    }

    /// The collector that watches the main thread's loop.
    pub fn event_loop(&self) -> &EventLoopCollector {
        &self.event_loop
    }

    fn collector(&self, set: Set) -> Arc<dyn Collector> {
        match set {
            Set::Process => self.process.clone(),
            Set::EventLoop => self.event_loop.clone(),
            Set::Stalls => self.stalls.clone(),
            Set::Cgroup => self.cgroup.clone(),
        }
    }

    /// One user more of a set in `registry`; the first attaches its collector.
    pub fn attach(&self, registry: &Arc<Registry>, set: Set) {
        let mut attached = lock(&self.attached);
        let collector = registry.attach(self.collector(set));
        let same = |known: &&mut Attached| Arc::ptr_eq(&known.registry, registry) && known.set == set;
        if let Some(known) = attached.iter_mut().find(same) {
            // That of before may be gone, when the registry was cleared; a scrape in between drops what it sees twice.
            registry.detach(std::mem::replace(&mut known.collector, collector));
            known.users += 1;
            return;
        }
        if set == Set::Stalls {
            self.stalls.start();
        }
        attached.push(Attached {
            registry: Arc::clone(registry),
            set,
            users: 1,
            collector,
        });
    }

    /// One user less; the last one detaches the collector. True if there was a user.
    pub fn detach(&self, registry: &Arc<Registry>, set: Set) -> bool {
        let mut attached = lock(&self.attached);
        let same = |known: &Attached| Arc::ptr_eq(&known.registry, registry) && known.set == set;
        let Some(at) = attached.iter().position(same) else {
            return false;
        };
        attached[at].users -= 1;
        if attached[at].users == 0 {
            let gone = attached.swap_remove(at);
            gone.registry.detach(gone.collector);
            if set == Set::Stalls {
                self.stalls.stop();
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::table::{AnonymousProvider, Memory};
    use crate::metrics::registry::Registries;

    fn registries() -> Registries {
        Registries::new(Arc::new(Memory::new(Box::new(AnonymousProvider))))
    }

    fn attached(registry: &Registry) -> usize {
        let mut count = 0;
        registry.for_each_collector(&mut |_: &dyn Collector| count += 1);
        count
    }

    #[test]
    fn collectors_are_attached_once_and_until_the_last_user_leaves() {
        let registries = registries();
        let (one, two) = (registries.open(None), registries.open(None));
        let defaults = DefaultMetrics::new();
        for registry in [&one, &one, &two] {
            defaults.attach(registry, Set::Process);
            defaults.attach(registry, Set::Stalls);
        }
        assert_eq!((attached(&one), attached(&two)), (2, 2));
        for set in [Set::Process, Set::Stalls] {
            assert!(defaults.detach(&one, set) && defaults.detach(&two, set));
        }
        assert_eq!((attached(&one), attached(&two)), (2, 0));
        assert!(defaults.detach(&one, Set::Process));
        assert_eq!(attached(&one), 1, "each set goes alone");
        assert!(defaults.detach(&one, Set::Stalls));
        assert_eq!(attached(&one), 0);
        assert!(!defaults.detach(&one, Set::Process) && !defaults.detach(&two, Set::Cgroup));
    }

    #[test]
    fn a_registry_that_was_cleared_gets_them_again() {
        let registries = registries();
        let registry = registries.open(None);
        let defaults = DefaultMetrics::new();
        defaults.attach(&registry, Set::Cgroup);
        registries.clear(&registry);
        defaults.attach(&registry, Set::Cgroup);
        assert_eq!(attached(&registry), 1);
    }
}
