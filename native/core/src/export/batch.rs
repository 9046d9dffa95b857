//! What a pipeline is made with, hands out and is told: options, batches, outcomes and losses. Any thread.

/// Why items did not get to their exporter; the label value `reason` of what counts them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Loss {
    /// The queue was full: the oldest made room.
    QueueFull = 0,
    /// An item alone is larger than a batch may be.
    TooLarge = 1,
    /// The receiver refused the batch for good.
    Refused = 2,
    /// The receiver took the batch but rejected some of it.
    Rejected = 3,
    /// The pipeline was closed with items in it.
    Shutdown = 4,
    /// Native code could not encode the batch.
    Failed = 5,
    /// No connection until the time for the batch was over.
    Unreachable = 6,
    /// The receiver asked to come again until the time for the batch was over.
    Throttled = 7,
    /// No answer in time.
    Timeout = 8,
    /// An answer that is none, or too long.
    BadResponse = 9,
    /// The application's exporter failed.
    Exporter = 10,
    /// The exporter's thread ended with the batch, again and again.
    Worker = 11,
}

impl Loss {
    /// All of them, in order.
    pub const ALL: [Loss; 12] = [
        Loss::QueueFull,
        Loss::TooLarge,
        Loss::Refused,
        Loss::Rejected,
        Loss::Shutdown,
        Loss::Failed,
        Loss::Unreachable,
        Loss::Throttled,
        Loss::Timeout,
        Loss::BadResponse,
        Loss::Exporter,
        Loss::Worker,
    ];

    /// The label value.
    pub fn word(self) -> &'static str {
        match self {
            Loss::QueueFull => "queue_full",
            Loss::TooLarge => "too_large",
            Loss::Refused => "refused",
            Loss::Rejected => "rejected",
            Loss::Shutdown => "shutdown",
            Loss::Failed => "failed",
            Loss::Unreachable => "unreachable",
            Loss::Throttled => "throttled",
            Loss::Timeout => "timeout",
            Loss::BadResponse => "bad_response",
            Loss::Exporter => "exporter",
            Loss::Worker => "worker",
        }
    }
}

/// What goes through a pipeline: a span, a log record.
pub trait Item: Clone + Send {
    /// Bytes that it takes while it waits.
    fn size(&self) -> usize;
}

/// Appends a batch's bytes to `out`. Runs on the exporter's thread.
pub type Encode<T> = Box<dyn Fn(&[T], &mut Vec<u8>) + Send + Sync>;

/// Told of each item that is lost; of those that a receiver rejected nobody knows which. Must be quick: it may run under the queue's lock.
pub type OnLoss<T> = Box<dyn Fn(Loss, Option<&T>) + Send + Sync>;

/// How the body of a batch is compressed, at level 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    None,
    /// RFC 1952.
    Gzip,
    /// RFC 8878.
    Zstd,
}

/// What a pipeline is made with.
#[derive(Debug, Clone)]
pub struct PipelineOptions {
    /// Label value of its metrics.
    pub label: Box<str>,
    /// Of the body.
    pub compression: Compression,
    /// Items that may wait, at least 1.
    pub max_queue_items: usize,
    /// Bytes of items that may wait. One item may always.
    pub max_queue_bytes: usize,
    /// Items of a batch, at least 1.
    pub max_batch_items: usize,
    /// Bytes of a batch before compression.
    pub max_batch_bytes: usize,
}

/// A batch that is out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// Its number, for [`Outbound::done`](super::Outbound::done).
    pub number: u32,
    /// Items in it.
    pub items: u32,
    /// Encoded and compressed.
    pub body: Vec<u8>,
    /// Bytes before compression.
    pub plain_bytes: usize,
}

/// What became of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The receiver has it, but for this many items.
    Exported {
        /// Items that the receiver rejected.
        rejected: u32,
    },
    /// Nobody will send it again.
    Dropped(Loss),
    /// It goes back in front of the queue: its exporter died.
    Again,
}

/// Why an exporter that waits should look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ready {
    /// A full batch waits.
    Batch,
    /// Somebody wants everything out.
    Flush,
    /// No more items will come.
    Closed,
}

/// Called once, on any thread, when there is something to do.
pub type Notify = Box<dyn FnOnce(Ready) + Send>;

/// What is in a pipeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waiting {
    /// Items that wait.
    pub queued: usize,
    /// Bytes of them.
    pub queued_bytes: usize,
    /// Items of the batch that is out.
    pub in_flight: usize,
}
