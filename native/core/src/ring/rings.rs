//! All rings of the process with their segments, intern tables and sinks, and the one collector that drains them. Opened
//! and retired by the threads that write them; everything else is for any thread.
use super::consumer::{Drainer, Sink};
use super::full::{OnFull, Policy};
use super::memory::SegmentRing;
use super::producer::Producer;
use super::record::Header;
use super::spool::{self, FileSink};
use super::{DropReason, Ring, RingMemory, position};
use crate::collector::Collector;
use crate::intern::InternTable;
use crate::layout::*;
use crate::memory::MemoryError;
use crate::memory::file::prefault;
use crate::memory::segment::Segment;
use crate::memory::table::{Provider, lock};
use crate::metrics::collector::{Collector as MetricsCollector, Sample};
use crate::metrics::metric::Kind;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, Weak};
use std::time::Duration;

/// Room for intern entries before a ring: an eighth of the ring within these bounds.
const METADATA: (u32, u32) = (4 << 10, 128 << 10);

/// The signal of log rings. Their losses are counted per level and sink (`kymo_log_lines_dropped_total`), and nowhere else.
pub const LOGS: &str = "logs";

/// What a ring is opened with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RingOptions {
    /// Bytes, a power of two in [64, 2^30].
    pub size: u32,
    /// What happens when it is full.
    pub policy: Policy,
    /// Label value of its drops: `logs`, `traces`, `spool`.
    pub signal: String,
    /// Where its records go.
    pub destination: Destination,
}

/// Where the records of a ring go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    /// A file that they are appended to as they are; not one of another ring.
    Spool(PathBuf),
    /// A sink of the process, which any number of rings may feed; see [`Rings::open_into`] and [`Rings::open_for`].
    Process,
}

/// What makes a ring's sink of its number and its keys.
type MakeSink<'a> = dyn FnOnce(u32, &Arc<InternTable>) -> Box<dyn Sink> + 'a;

/// Why a ring could not be opened.
#[derive(Debug)]
pub enum RingError {
    /// Not a power of two in [64, 2^30].
    Size(u32),
    /// No segment.
    Memory(MemoryError),
    /// The spool cannot be opened.
    Spool(io::Error),
    /// A ring without a spool has to say where its records go.
    NoSink,
    /// Another ring writes this spool.
    SpoolTaken,
    /// No collector thread.
    NoThread,
}

/// A ring with what belongs to it.
pub struct OpenRing {
    /// Index in [`Rings`]; also in the segment's header.
    pub number: u32,
    /// The ring.
    pub ring: Arc<Ring<SegmentRing>>,
    /// Keys that its records name by id.
    pub interned: Arc<InternTable>,
    options: RingOptions,
    /// For runtimes that let no JavaScript write native memory (M5).
    producer: Mutex<Option<Producer<SegmentRing>>>,
    /// `errno` of the spool's last write, 0 when it succeeded.
    spool_error: Arc<AtomicI32>,
    /// Its thread has ended; the next one with the same options takes it over.
    retired: AtomicBool,
}

impl OpenRing {
    /// True for a log ring, whose losses are counted by level.
    pub fn is_of_logs(&self) -> bool {
        self.options.signal == LOGS
    }

    /// Longest record, header included, that the overflow takes.
    pub fn longest(&self) -> u32 {
        self.options.size / 2
    }

    /// Writes a whole record for a thread whose JavaScript cannot (M5): `record` is as it would be in the ring. False when it
    /// is dropped, which is counted, or makes no sense. Only the thread that opened the ring calls it.
    pub fn push(&self, record: &[u8]) -> bool {
        self.push_as(record, self.options.policy.on_full).is_none()
    }

    /// As [`OpenRing::push`] for a record that has a policy of its own; tells why it is dropped.
    pub fn push_as(&self, record: &[u8], on_full: OnFull) -> Option<DropReason> {
        let header = record
            .first_chunk()
            .map(|header| Header::parse(*header, 0, record.len()));
        if !header.is_some_and(|header| header.is_ok_and(|header| header.length as usize == record.len())) {
            self.ring.memory().count(DropReason::Failed, 1);
            return Some(DropReason::Failed);
        }
        let mut producer = lock(&self.producer);
        if producer.is_none() {
            *producer = self.ring.producer();
        }
        match producer.as_mut() {
            Some(producer) => producer.push_record_as(record, on_full),
            None => Some(DropReason::Failed),
        }
    }

    /// Tells the producer which wall anchor is in force: its number, and wall minus monotonic clock in ms.
    pub fn set_clock(&self, number: u16, wall_minus_mono_ms: f64) {
        let segment = self.ring.memory().segment();
        segment
            .u64_at(RING_WALL_AT)
            .store(wall_minus_mono_ms.to_bits(), Ordering::Relaxed);
        segment
            .i32_at(RING_CLOCK_AT)
            .store(i32::from(number), Ordering::Release);
    }

    /// Records lost, by reason, reasons with none left out.
    pub fn dropped(&self) -> impl Iterator<Item = (DropReason, u64)> {
        let count = |&reason: &DropReason| (reason, self.ring.memory().dropped(reason));
        DropReason::ALL.iter().map(count).filter(|(_, count)| *count > 0)
    }

    /// Why the spool's last write failed.
    pub fn spool_error(&self) -> Option<io::Error> {
        let errno = self.spool_error.load(Ordering::Relaxed);
        (errno != 0).then(|| io::Error::from_raw_os_error(errno))
    }
}

/// See the module. One per process.
pub struct Rings {
    provider: Arc<dyn Provider>,
    rings: RwLock<Vec<Arc<OpenRing>>>,
    collector: Option<Collector>,
}

impl Rings {
    /// No rings yet; segments come from `provider`, `collector` drains them. Without one no ring can be opened.
    pub fn new(provider: Arc<dyn Provider>, collector: Option<Collector>) -> Rings {
        Rings {
            provider,
            rings: RwLock::new(Vec::new()),
            collector,
        }
    }

    /// Opens a ring with a spool for the calling thread (`thread` is Node's id), or takes over one with the same options whose
    /// thread has ended. The overflow and the pages follow from the collector, so a ring that fills up at once may have none yet.
    pub fn open(&self, options: RingOptions, thread: u32) -> Result<Arc<OpenRing>, RingError> {
        let destination = options.destination.clone();
        let make = |number, interned: &Arc<InternTable>| match destination {
            Destination::Spool(path) => {
                let file = spool::open(&path).map_err(RingError::Spool)?;
                let sink = FileSink::new(file, number, Arc::clone(interned));
                let errno = sink.errno();
                Ok((Some(Box::new(sink) as Box<dyn Sink>), errno))
            }
            Destination::Process => Err(RingError::NoSink),
        };
        Ok(self.open_ring(options, thread, make)?.0)
    }

    /// As [`Rings::open`], into a sink of the process.
    pub fn open_into(
        &self,
        options: RingOptions,
        thread: u32,
        make: Box<MakeSink<'_>>,
    ) -> Result<Arc<OpenRing>, RingError> {
        let made = |number, interned: &Arc<InternTable>| Ok((Some(make(number, interned)), Arc::default()));
        Ok(self.open_ring(options, thread, made)?.0)
    }

    /// As [`Rings::open`], for a consumer of its own, which takes from several rings; `true` when it has not seen this one before.
    pub fn open_for(&self, options: RingOptions, thread: u32) -> Result<(Arc<OpenRing>, bool), RingError> {
        self.open_ring(options, thread, |_, _| Ok((None, Arc::default())))
    }

    fn open_ring(
        &self,
        options: RingOptions,
        thread: u32,
        make: impl FnOnce(u32, &Arc<InternTable>) -> Result<(Option<Box<dyn Sink>>, Arc<AtomicI32>), RingError>,
    ) -> Result<(Arc<OpenRing>, bool), RingError> {
        if !position::valid_size(options.size) {
            return Err(RingError::Size(options.size));
        }
        let collector = self.collector.clone().ok_or(RingError::NoThread)?;
        let mut rings = self.rings.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(ring) = rings
            .iter()
            .find(|ring| ring.options == options && ring.retired.swap(false, Ordering::AcqRel))
        {
            take_over(ring, thread);
            return Ok((Arc::clone(ring), false));
        }
        let same = |ring: &Arc<OpenRing>| ring.options.destination == options.destination;
        if options.destination != Destination::Process && rings.iter().any(same) {
            return Err(RingError::SpoolTaken);
        }
        let number = rings.len() as u32;
        let metadata = (options.size / 8).clamp(METADATA.0, METADATA.1) as usize;
        let size = (HEADER_SIZE + metadata + options.size as usize).next_multiple_of(HEADER_SIZE);
        let segment = Arc::new(
            self.provider
                .create(KIND_RING, size, thread)
                .map_err(RingError::Memory)?,
        );
        let interned = Arc::new(InternTable::new(Arc::clone(&segment)));
        let (sink, spool_error) = make(number, &interned)?;
        segment
            .u32_at(RING_SIGNAL_AT)
            .store(signal_of(&options), Ordering::Relaxed);
        let memory =
            SegmentRing::create(Arc::clone(&segment), options.size, number).ok_or(RingError::Size(options.size))?;
        let ring = Arc::new(Ring::new(Arc::new(memory), options.policy));
        let waker = collector.clone();
        ring.on_wake(Arc::new(move || waker.wake()));
        if let Some(sink) = sink {
            collector.add(Box::new(Drainer::new(Arc::clone(&ring), sink)));
        }
        self.provide_overflow(&collector, Arc::downgrade(&ring), segment, &options, number, thread);
        let retired = AtomicBool::new(false);
        let open = Arc::new(OpenRing {
            number,
            ring,
            interned,
            options,
            producer: Mutex::new(None),
            spool_error,
            retired,
        });
        rings.push(Arc::clone(&open));
        Ok((open, true))
    }

    /// Has the collector pre-fault the ring and make its overflow.
    fn provide_overflow(
        &self,
        collector: &Collector,
        ring: Weak<Ring<SegmentRing>>,
        segment: Arc<Segment>,
        options: &RingOptions,
        number: u32,
        thread: u32,
    ) {
        let (provider, size, signal) = (Arc::clone(&self.provider), options.size, signal_of(options));
        collector.submit(Box::new(move || {
            prefault(&segment);
            let bytes = (HEADER_SIZE + size as usize).next_multiple_of(HEADER_SIZE);
            // Without an overflow the policy decides at once; why there is none, the provider has counted.
            let Ok(overflow) = provider.create(KIND_OVERFLOW, bytes, thread) else {
                return;
            };
            prefault(&overflow);
            overflow.u32_at(RING_SIGNAL_AT).store(signal, Ordering::Relaxed);
            if let (Some(ring), Some(memory)) = (ring.upgrade(), SegmentRing::create(Arc::new(overflow), size, number))
            {
                ring.set_overflow(Arc::new(memory));
            }
        }));
    }

    /// The ring of a number.
    pub fn get(&self, number: u32) -> Option<Arc<OpenRing>> {
        self.list().get(number as usize).cloned()
    }

    /// Goes through all rings.
    pub fn each(&self, body: impl FnMut(&OpenRing)) {
        self.list().iter().map(|ring| &**ring).for_each(body);
    }

    /// The thread that wrote this ring has ended. What is in it is still drained.
    pub fn retire(&self, number: u32) {
        if let Some(ring) = self.get(number) {
            ring.retired.store(true, Ordering::Release);
            ring.ring.wake();
        }
    }

    /// See [`Collector::flush`]. True without a collector: there is no ring.
    pub fn flush(&self, deadline: Duration) -> bool {
        self.collector
            .as_ref()
            .is_none_or(|collector| collector.flush(deadline))
    }

    fn list(&self) -> RwLockReadGuard<'_, Vec<Arc<OpenRing>>> {
        self.rings.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Display for RingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RingError::Size(size) => write!(f, "{size} bytes are no power of two in [64, 2^30]"),
            RingError::Memory(error) => error.fmt(f),
            RingError::Spool(error) => write!(f, "its spool: {error}"),
            RingError::NoSink => f.write_str("it has no sink"),
            RingError::SpoolTaken => f.write_str("another ring writes its spool"),
            RingError::NoThread => f.write_str("the process has no collector thread"),
        }
    }
}

impl std::error::Error for RingError {}

/// The word that says in a segment whose records these are.
fn signal_of(options: &RingOptions) -> u32 {
    if options.signal == LOGS { SIGNAL_LOGS } else { 0 }
}

/// A new thread writes the ring of an ended one, whose last record may have been half built.
fn take_over(ring: &OpenRing, thread: u32) {
    let segment = ring.ring.memory().segment();
    segment.u32_at(THREAD_AT).store(thread, Ordering::Relaxed);
    segment.u32_at(OWNERS_AT).fetch_add(1, Ordering::Relaxed);
    if segment.i32_at(RING_BUILDING_AT).swap(0, Ordering::AcqRel) != 0 {
        segment
            .u64_at(RING_DROPS_AT + 8 * DropReason::Abandoned as usize)
            .fetch_add(1, Ordering::Relaxed);
    }
}

impl MetricsCollector for Rings {
    /// `kymo_ring_dropped_total{signal,reason}`, summed over rings of one signal; reasons with none are left out.
    fn collect(&self, emit: &mut dyn FnMut(Sample<'_>)) {
        let mut sums: Vec<(String, u64)> = Vec::new();
        for ring in self.list().iter().filter(|ring| ring.options.signal != LOGS) {
            for (reason, count) in ring.dropped().filter(|(reason, _)| *reason != DropReason::Cut) {
                let labels = format!("signal=\"{}\",reason=\"{}\"", ring.options.signal, reason.word());
                match sums.iter_mut().find(|(known, _)| *known == labels) {
                    Some((_, sum)) => *sum += count,
                    None => sums.push((labels, count)),
                }
            }
        }
        let help = "Records that were lost between a thread and its sink, by signal and reason.";
        for (labels, count) in &sums {
            emit(Sample {
                name: "kymo_ring_dropped_total",
                help,
                kind: Kind::Counter,
                labels,
                value: *count as f64,
            });
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::memory::table::AnonymousProvider;
    use crate::ring::read_records;

    const LONG: Duration = Duration::from_secs(60);

    fn options(name: &str) -> RingOptions {
        let folder = std::env::temp_dir().join(format!("kymo-rings-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let spool = folder.join(name);
        let _ = std::fs::remove_file(&spool);
        RingOptions {
            size: 4096,
            policy: Policy::new(OnFull::Block),
            signal: "spool".to_owned(),
            destination: Destination::Spool(spool),
        }
    }

    fn spool(options: &RingOptions) -> &std::path::Path {
        match &options.destination {
            Destination::Spool(path) => path,
            Destination::Process => panic!("no spool"),
        }
    }

    #[test]
    fn a_ring_is_drained_into_its_spool_and_the_next_thread_takes_it_over() {
        let collector = Collector::start().unwrap();
        let rings = Rings::new(Arc::new(AnonymousProvider), Some(collector.clone()));
        let options = options("taken-over");
        let first = rings.open(options.clone(), 1).unwrap();
        let mut producer = first.ring.producer().unwrap();
        assert!((0..10).all(|number| producer.push(RECORD_USER, &[number])));
        assert!(
            matches!(rings.open(options.clone(), 2), Err(RingError::SpoolTaken)),
            "its thread lives"
        );
        first
            .ring
            .memory()
            .segment()
            .i32_at(RING_BUILDING_AT)
            .store(1, Ordering::Relaxed);
        rings.retire(first.number);
        let second = rings.open(options.clone(), 2).unwrap();
        assert_eq!(second.number, first.number);
        assert_eq!(
            second.dropped().collect::<Vec<_>>(),
            [(DropReason::Abandoned, 1)],
            "the half-built record"
        );
        assert!((10..20).all(|number| producer.push(RECORD_USER, &[number])));
        assert!(collector.stop(LONG));
        let written = std::fs::read(spool(&options)).unwrap();
        let seen: Vec<u8> = read_records(&written).map(|record| record.unwrap().body[0]).collect();
        assert_eq!(seen, (0..20).collect::<Vec<u8>>());
        assert!(first.ring.has_overflow(), "made by the collector");
        std::fs::remove_file(spool(&options)).unwrap();
    }

    #[test]
    fn drops_are_counters_of_the_process() {
        let collector = Collector::start().unwrap();
        let rings = Rings::new(Arc::new(AnonymousProvider), Some(collector.clone()));
        let (one, other) = (options("drops-1"), options("drops-2"));
        for options in [&one, &other] {
            let open = rings.open(options.clone(), 0).unwrap();
            open.ring.memory().count(DropReason::Nested, 2);
            open.ring.memory().count(DropReason::Cut, 5);
        }
        let mut seen = Vec::new();
        rings.collect(&mut |sample| seen.push((sample.name.to_owned(), sample.labels.to_owned(), sample.value)));
        let labels = "signal=\"spool\",reason=\"nested\"".to_owned();
        assert_eq!(seen, [("kymo_ring_dropped_total".to_owned(), labels, 4.0)]);
        assert!(collector.stop(LONG));
        [one, other]
            .iter()
            .for_each(|options| std::fs::remove_file(spool(options)).unwrap());
    }

    #[test]
    fn without_a_collector_no_ring_opens() {
        let rings = Rings::new(Arc::new(AnonymousProvider), None);
        assert!(matches!(rings.open(options("none"), 0), Err(RingError::NoThread)));
        assert!(rings.flush(Duration::ZERO));
    }

    #[test]
    fn bad_sizes_and_spools_are_refused() {
        let collector = Collector::start().unwrap();
        let rings = Rings::new(Arc::new(AnonymousProvider), Some(collector.clone()));
        let good = options("refused");
        for size in [0, 32, 100, 1 << 31] {
            assert!(matches!(
                rings.open(RingOptions { size, ..good.clone() }, 0),
                Err(RingError::Size(_))
            ));
        }
        let destination = Destination::Spool(spool(&good).join("not-a-folder"));
        assert!(matches!(
            rings.open(RingOptions { destination, ..good }, 0),
            Err(RingError::Spool(_))
        ));
        assert!(collector.stop(LONG));
    }
}
