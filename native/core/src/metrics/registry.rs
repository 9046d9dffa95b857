//! Registries: which metrics exist under which names. Any thread; cold paths only.

use super::collector::Collector;
use super::descriptor::Descriptor;
use super::metric::{Kind, Metric};
use crate::memory::table::{Memory, Owner, lock};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{SystemTime, UNIX_EPOCH};

/// The name is taken by another kind of metric, or one of its sample names is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// What the existing metric is, for the message.
    pub existing: String,
}

#[derive(Default)]
struct Entries {
    /// In order of registration.
    metrics: Vec<Arc<Metric>>,
    /// Every name under which samples are written, and whose it is.
    names: HashMap<String, Arc<Metric>>,
    collectors: Vec<(u32, Arc<dyn Collector>)>,
    next_collector: u32,
}

/// A set of metrics with distinct names.
pub struct Registry {
    id: u32,
    entries: Mutex<Entries>,
}

impl Registry {
    /// Process-wide id.
    pub fn id(&self) -> u32 {
        self.id
    }

    /// Calls `visit` for each metric in order of registration. The list is copied first, so that registration waits for
    /// that copy at most, never for `visit`.
    pub fn for_each_metric(&self, visit: &mut dyn FnMut(&Metric)) {
        let metrics = lock(&self.entries).metrics.clone();
        metrics.iter().for_each(|metric| visit(metric));
    }

    /// Adds a source that is asked at each scrape; the result is for [`Registry::detach`].
    pub fn attach(&self, collector: Arc<dyn Collector>) -> u32 {
        let mut entries = lock(&self.entries);
        entries.next_collector += 1;
        let id = entries.next_collector;
        entries.collectors.push((id, collector));
        id
    }

    /// Takes a source out; false if it was not there.
    pub fn detach(&self, id: u32) -> bool {
        let mut entries = lock(&self.entries);
        let before = entries.collectors.len();
        entries.collectors.retain(|(other, _)| *other != id);
        entries.collectors.len() < before
    }

    /// Calls `visit` for each source, in order of attachment.
    pub fn for_each_collector(&self, visit: &mut dyn FnMut(&dyn Collector)) {
        let collectors = lock(&self.entries).collectors.clone();
        collectors.iter().for_each(|(_, collector)| visit(&**collector));
    }

    /// The metric of that name.
    pub fn get(&self, name: &str) -> Option<Arc<Metric>> {
        let entries = lock(&self.entries);
        entries
            .names
            .get(&written(name))
            .filter(|metric| metric.name() == name)
            .cloned()
    }
}

/// All registries of the process.
pub struct Registries {
    memory: Arc<Memory>,
    by_id: RwLock<Vec<Arc<Registry>>>,
    by_name: Mutex<HashMap<String, u32>>,
    /// Metrics by process-wide id; those taken out stay until the last thread let go of them.
    metrics: RwLock<Vec<Option<Arc<Metric>>>>,
}

impl Registries {
    /// None yet.
    pub fn new(memory: Arc<Memory>) -> Registries {
        Registries {
            memory,
            by_id: RwLock::default(),
            by_name: Mutex::default(),
            metrics: RwLock::default(),
        }
    }

    /// The memory below.
    pub fn memory(&self) -> &Arc<Memory> {
        &self.memory
    }

    /// The registry of that name, which all threads share, or a new one without a name.
    pub fn open(&self, name: Option<&str>) -> Arc<Registry> {
        let mut names = lock(&self.by_name);
        if let Some(registry) = name.and_then(|name| names.get(name)).and_then(|id| self.get(*id)) {
            return registry;
        }
        let mut all = self.by_id.write().unwrap_or_else(PoisonError::into_inner);
        let registry = Arc::new(Registry {
            id: all.len() as u32,
            entries: Mutex::default(),
        });
        all.push(Arc::clone(&registry));
        if let Some(name) = name {
            names.insert(name.to_owned(), registry.id);
        }
        registry
    }

    /// A registry by id.
    pub fn get(&self, id: u32) -> Option<Arc<Registry>> {
        self.by_id
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(id as usize)
            .cloned()
    }

    /// A metric by id.
    pub fn metric(&self, id: u32) -> Option<Arc<Metric>> {
        self.metrics
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(id as usize)
            .cloned()
            .flatten()
    }

    /// Declares a metric: the same declaration gives the same metric, on any thread.
    pub fn declare(&self, registry: &Registry, descriptor: Descriptor) -> Result<Arc<Metric>, Conflict> {
        let mut entries = lock(&registry.entries);
        let names = sample_names(&descriptor);
        if let Some(existing) = names.iter().find_map(|name| entries.names.get(name)) {
            if *existing.descriptor() == descriptor {
                return Ok(Arc::clone(existing));
            }
            return Err(Conflict {
                existing: describe(existing.descriptor()),
            });
        }
        let mut metrics = self.metrics.write().unwrap_or_else(PoisonError::into_inner);
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_nanos() as u64);
        let metric = Arc::new(Metric::new(
            metrics.len() as u32,
            registry.id,
            descriptor,
            now,
            Arc::clone(&self.memory),
        ));
        metrics.push(Some(Arc::clone(&metric)));
        entries
            .names
            .extend(names.into_iter().map(|name| (name, Arc::clone(&metric))));
        entries.metrics.push(Arc::clone(&metric));
        Ok(metric)
    }

    /// Takes a metric out of its registry; its name is free again.
    pub fn unregister(&self, registry: &Registry, metric: u32) -> bool {
        let mut entries = lock(&registry.entries);
        let Some(at) = entries.metrics.iter().position(|other| other.id() == metric) else {
            return false;
        };
        entries.metrics.remove(at).retire();
        entries.names.retain(|_, other| other.id() != metric);
        true
    }

    /// Takes all metrics and sources out.
    pub fn clear(&self, registry: &Registry) {
        let mut entries = lock(&registry.entries);
        // Ids of sources go on: one from before must not detach one from after.
        let next_collector = entries.next_collector;
        let gone = std::mem::replace(
            &mut *entries,
            Entries {
                next_collector,
                ..Entries::default()
            },
        );
        gone.metrics.iter().for_each(|metric| metric.retire());
    }

    /// Lets go of a metric that is in no registry and has no cells left; its id is not used again.
    pub fn forget(&self, id: u32) {
        if self
            .metric(id)
            .is_some_and(|metric| metric.is_gone() && metric.is_empty())
        {
            self.memory.forget(id);
            if let Some(slot) = self
                .metrics
                .write()
                .unwrap_or_else(PoisonError::into_inner)
                .get_mut(id as usize)
            {
                *slot = None;
            }
        }
    }

    /// Ends a thread: its counts and sums stay, its gauges hold no more.
    pub fn retire(&self, owner: &Arc<Owner>) {
        let metrics = self.metrics.read().unwrap_or_else(PoisonError::into_inner).clone();
        metrics.iter().flatten().for_each(|metric| metric.mask(owner));
        self.memory.retire(owner);
    }
}

fn describe(descriptor: &Descriptor) -> String {
    let kind = format!("{:?}", descriptor.kind).to_lowercase();
    format!("{kind} {}{{{}}}", descriptor.name, descriptor.label_names.join(","))
}

/// The name as the `underscores` scheme writes it: two names that differ only in forbidden characters collide.
fn written(name: &str) -> String {
    super::exposition::escape::metric_name(name).into()
}

/// Every name under which a metric's samples are written; no two metrics may share one (OpenMetrics, "MetricFamily").
fn sample_names(descriptor: &Descriptor) -> Vec<String> {
    let name = written(&descriptor.name);
    let suffixes: &[&str] = match descriptor.kind {
        Kind::Counter | Kind::Gauge => &[""],
        Kind::Histogram => &["", "_bucket", "_sum", "_count"],
    };
    suffixes.iter().map(|suffix| format!("{name}{suffix}")).collect()
}
