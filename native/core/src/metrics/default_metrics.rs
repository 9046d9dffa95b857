//! The process' one set of native default metrics, and who uses it in which registry. Cold calls from app threads.

use std::sync::{Arc, LazyLock, Mutex};

use super::event_loop::EventLoopCollector;
use super::process::ProcessCollector;
use super::registry::Registry;
use crate::memory::table::lock;

/// Attaches the process' collectors to registries, once each, however many threads ask for it.
pub struct DefaultMetrics {
    process: Arc<ProcessCollector>,
    event_loop: Arc<EventLoopCollector>,
    attached: Mutex<Vec<Attached>>,
}

struct Attached {
    registry: Arc<Registry>,
    /// Handles that are not stopped, in [1, ...). A thread that ends without stopping leaves its own: the metrics stay.
    users: u32,
    collectors: [u32; 2],
}

/// The process' default metrics.
pub fn default_metrics() -> &'static DefaultMetrics {
    static DEFAULT: LazyLock<DefaultMetrics> = LazyLock::new(DefaultMetrics::new);
    &DEFAULT
}

impl DefaultMetrics {
    fn new() -> DefaultMetrics {
        DefaultMetrics {
            process: Arc::new(ProcessCollector::new()),
            event_loop: Arc::new(EventLoopCollector::new()),
            attached: Mutex::new(Vec::new()),
        }
    }

    /// The collector that watches the main thread's loop.
    pub fn event_loop(&self) -> &EventLoopCollector {
        &self.event_loop
    }

    /// One user more of the metrics in `registry`; the first attaches the collectors.
    pub fn attach(&self, registry: &Arc<Registry>) {
        let mut attached = lock(&self.attached);
        let collectors = [
            registry.attach(self.process.clone()),
            registry.attach(self.event_loop.clone()),
        ];
        if let Some(known) = attached.iter_mut().find(|known| Arc::ptr_eq(&known.registry, registry)) {
            // Those of before may be gone, when the registry was cleared; a scrape in between drops what it sees twice.
            for gone in std::mem::replace(&mut known.collectors, collectors) {
                registry.detach(gone);
            }
            known.users += 1;
            return;
        }
        attached.push(Attached {
            registry: Arc::clone(registry),
            users: 1,
            collectors,
        });
    }

    /// One user less; the last one detaches the collectors. True if there was a user.
    pub fn detach(&self, registry: &Arc<Registry>) -> bool {
        let mut attached = lock(&self.attached);
        let Some(at) = attached.iter().position(|known| Arc::ptr_eq(&known.registry, registry)) else {
            return false;
        };
        attached[at].users -= 1;
        if attached[at].users == 0 {
            let gone = attached.swap_remove(at);
            for collector in gone.collectors {
                gone.registry.detach(collector);
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::table::{AnonymousProvider, Memory};
    use crate::metrics::collector::Collector;
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
            defaults.attach(registry);
        }
        assert_eq!((attached(&one), attached(&two)), (2, 2));
        assert!(defaults.detach(&one) && defaults.detach(&two));
        assert_eq!((attached(&one), attached(&two)), (2, 0));
        assert!(defaults.detach(&one));
        assert_eq!(attached(&one), 0);
        assert!(!defaults.detach(&one) && !defaults.detach(&two));
    }

    #[test]
    fn a_registry_that_was_cleared_gets_them_again() {
        let registries = registries();
        let registry = registries.open(None);
        let defaults = DefaultMetrics::new();
        defaults.attach(&registry);
        registries.clear(&registry);
        defaults.attach(&registry);
        assert_eq!(attached(&registry), 2);
    }
}
