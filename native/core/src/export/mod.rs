//! Items of any signal on their way out of the process: queues that hand out encoded batches, and what exporters of all signals
//! write alike. The collector fills them, exporters' threads empty them, app threads make and flush them.

pub mod batch;
pub(crate) mod otlp;
pub mod pipeline;
#[cfg(test)]
mod pipeline_tests;
pub mod resource;

pub use batch::{Batch, Compression, Encode, Item, Loss, Notify, OnLoss, Outcome, PipelineOptions, Ready, Waiting};
pub use pipeline::Pipeline;
pub use resource::{OwnedAttributes, OwnedValue, Resource};

use std::time::Duration;

/// A pipeline as its exporter sees it, whatever goes through it. Any thread.
pub trait Outbound: Send + Sync {
    /// Label value of its metrics.
    fn label(&self) -> &str;

    /// Calls `notify` once: now when there is something to do, else when there is. A later call replaces it: its exporter is gone.
    fn when_ready(&self, notify: Notify);

    /// The oldest items as a batch; `None` when none waits or one is out. Encodes and compresses on the calling thread: about a
    /// microsecond per item.
    fn take(&self) -> Option<Batch>;

    /// Says what became of the batch that is out. Nothing happens for a number that is not.
    fn done(&self, number: u32, outcome: Outcome);

    /// The batch that is out goes back: the thread that had it is gone.
    fn abandon(&self);

    /// Waits until all items pushed before the call are exported or counted as lost; false at the deadline.
    fn flush(&self, deadline: Duration) -> bool;

    /// Takes no more items. What waits is counted as lost; a batch that is out may still be done.
    fn close(&self);

    /// What waits, and what is out.
    fn waiting(&self) -> Waiting;

    /// Items that their receiver took.
    fn exported(&self) -> u64;

    /// Items lost so far for a reason.
    fn lost(&self, loss: Loss) -> u64;

    /// Counts an export that failed, whether or not it cost items.
    fn count_error(&self);

    /// Exports that failed.
    fn errors(&self) -> u64;
}
