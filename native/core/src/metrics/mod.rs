//! Metrics: what is declared, where its values lie, and how they leave. Recording itself happens in JS, by stores into
//! cells; nothing here runs per observation.

pub mod cardinality;
pub mod cgroup;
pub mod collector;
pub mod compression;
pub mod default_metrics;
pub mod description;
pub mod descriptor;
pub mod event_loop;
pub mod exemplars;
pub mod exposition;
pub mod labels;
pub mod limits;
pub mod metric;
pub mod native_histogram;
pub mod negotiation;
pub mod process;
pub mod registry;
pub mod scrapes;
pub mod self_metrics;
pub mod series;
pub mod snapshot;
pub mod stalls;
pub mod summary;
#[cfg(test)]
mod tests;
