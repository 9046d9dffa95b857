//! Makes segments: in files while there is a trusted folder and room, in anonymous memory otherwise, never above the
//! budget. Runs on the thread that starts (first segment) and on the collector (further ones, pre-faulted).

use super::budget::{Bounds, Used, cgroup_headroom};
use super::clock::{self, Anchors};
use super::folder::Folder;
use super::lock::try_lock;
use super::segment::{Backing, Segment};
use super::table::Provider;
use super::{MemoryError, name};
use crate::layout::*;
use std::fs::File;
use std::hash::{BuildHasher, Hasher};
use std::os::fd::AsRawFd;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicI32, AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// After a refusal, as much or more is refused for this long without asking the system again (up to 0.3 ms): when memory is
/// used up, every new series of a busy process comes by.
const REFUSAL_HOLDS: Duration = Duration::from_millis(500);
/// A file that a sweeper took before it was locked is made again under another name, this many times in all.
const ATTEMPTS: u32 = 10;

/// Where and for whom segments are made.
#[derive(Debug, Clone)]
pub struct StoreOptions {
    /// `KYMO_MEMORY_DIR`; `None` for anonymous memory only.
    pub dir: Option<PathBuf>,
    /// Name of the service; the first 128 bytes of it count.
    pub service: String,
    /// `KYMO_MEMORY_LIMIT` in bytes.
    pub limit: Option<u64>,
    /// Where `proc` and `sys` lie: `/`.
    pub root: PathBuf,
}

/// A segment, and why it is in anonymous memory if it should have been in a file.
pub struct Made {
    /// Zeroed but for its header, which is complete.
    pub segment: Segment,
    /// To be counted by its reason; the process works, but what is in this segment does not survive it.
    pub fallback: Option<MemoryError>,
}

/// Makes all segments of one process, and knows them at its end.
pub struct Store {
    folder: Result<Folder, Option<MemoryError>>,
    service: String,
    limit: Option<u64>,
    root: PathBuf,
    boot_id: [u8; 16],
    process_start: u64,
    pid: u32,
    anchors: Anchors,
    /// Tells this run from another with the same pid and start.
    run: u32,
    /// `exit_detail << 32 | exit_state`, so that a segment made after the mark carries it too.
    mark: AtomicU64,
    /// How often memory was anonymous instead of a file, or refused, by [`MemoryError::reason`].
    failures: [AtomicU64; REASONS.len()],
    made: Mutex<Ledger>,
}

/// The words of [`MemoryError::reason`].
const REASONS: [&str; 4] = ["memory_budget", "memory_folder", "memory_io", "memory_segments"];

#[derive(Default)]
struct Ledger {
    used: Used,
    /// Segments made, files or not.
    count: usize,
    /// Of each file: where its end is marked. Mappings stay for the rest of the process.
    lives: Vec<Life>,
    /// Names of the files, to be removed at a clean end.
    names: Vec<String>,
    numbers: u32,
    /// The last refusal: when, and how much was asked for and left.
    refused: Option<(Instant, u64, u64)>,
}

/// The words of a header that say how its process ended.
struct Life {
    state: &'static AtomicU32,
    detail: &'static AtomicI32,
    signal: &'static AtomicU32,
    ring: &'static AtomicU32,
    head: &'static AtomicI32,
    released: &'static AtomicI32,
}

impl Life {
    /// # Safety
    /// `segment` lies in a mapping of its own, which nobody unmaps while the process runs.
    unsafe fn of(segment: &Segment) -> Life {
        // SAFETY: all words are inside the header (checked by `u32_at`), and stay there by the function's contract.
        unsafe {
            Life {
                state: &*std::ptr::from_ref(segment.u32_at(EXIT_STATE_AT)),
                detail: &*std::ptr::from_ref(segment.i32_at(EXIT_DETAIL_AT)),
                signal: &*std::ptr::from_ref(segment.u32_at(RING_SIGNAL_AT)),
                ring: &*std::ptr::from_ref(segment.u32_at(RING_ID_AT)),
                head: &*std::ptr::from_ref(segment.i32_at(RING_HEAD_AT)),
                released: &*std::ptr::from_ref(segment.i32_at(RING_RELEASED_AT)),
            }
        }
    }

    /// The number of the log ring whose segment, or whose overflow's, it is.
    fn log_ring(&self) -> Option<u32> {
        (self.signal.load(Ordering::Relaxed) == SIGNAL_LOGS).then(|| self.ring.load(Ordering::Relaxed))
    }

    /// As [`Life::log_ring`], when it holds lines that no sink took.
    fn ring_with_lines(&self) -> Option<u32> {
        let left = self.head.load(Ordering::Acquire) != self.released.load(Ordering::Acquire);
        self.log_ring().filter(|_| left)
    }

    fn mark(&self, mark: u64) {
        self.detail.store((mark >> 32) as i32, Ordering::Relaxed);
        self.state.store(mark as u32, Ordering::Release);
    }
}

impl Store {
    /// Opens (or makes) the folder. Never fails: without a folder that can be trusted, all segments are anonymous and
    /// each of them says why.
    pub fn open(options: StoreOptions) -> Store {
        let folder = match &options.dir {
            Some(dir) => Folder::open_or_create(dir).map_err(Some),
            None => Err(None),
        };
        Store {
            folder,
            service: name::cut(&options.service).to_owned(),
            limit: options.limit,
            root: options.root,
            boot_id: clock::boot_id(),
            process_start: clock::process_start_ticks(),
            pid: std::process::id(),
            anchors: Anchors::now(),
            // The seed of a hash map is the random number that costs no system call and no unsafe.
            run: std::hash::RandomState::new().build_hasher().finish() as u32,
            mark: AtomicU64::new(u64::from(EXIT_RUNNING)),
            failures: Default::default(),
            made: Mutex::default(),
        }
    }

    /// The folder, unless memory is anonymous.
    pub fn folder(&self) -> Option<&Folder> {
        self.folder.as_ref().ok()
    }

    /// The service's name as segments carry it.
    pub fn service(&self) -> &str {
        &self.service
    }

    /// The clock readings that every segment of this process carries.
    pub fn anchors(&self) -> Anchors {
        self.anchors
    }

    /// What the segments hold.
    pub fn used(&self) -> Used {
        self.ledger().used
    }

    /// Reasons for which memory was anonymous instead of a file, or refused, with how often.
    pub fn failures(&self) -> impl Iterator<Item = (&'static str, u64)> {
        REASONS
            .into_iter()
            .zip(&self.failures)
            .map(|(reason, count)| (reason, count.load(Ordering::Relaxed)))
    }

    /// Why segments are not in files, when it is the folder that was refused.
    pub fn refusal(&self) -> Option<&MemoryError> {
        self.folder.as_ref().err()?.as_ref()
    }

    /// A new segment for the thread that Node calls `thread`. Cost with a file of 1 MB: 0.8 ms,
    /// up to 0.3 of it for reading the cgroups (x64, 2 busy cores).
    ///
    /// A file is the rule. Anonymous memory takes its place when the folder, the file system or its budget refuse, and
    /// [`Made::fallback`] tells why. Both this and an error are counted in [`Store::failures`].
    ///
    /// # Errors
    /// [`MemoryError::Budget`] when limit or headroom refuse any memory; the first segment of a process is exempt, it
    /// must be able to count. [`MemoryError::Io`] when the kernel gives no address space.
    pub fn make(&self, kind: u32, size: usize, thread: u32) -> Result<Made, MemoryError> {
        let made = self.make_uncounted(kind, size.next_multiple_of(HEADER_SIZE), thread);
        if let Some(failure) = made.as_ref().map_or_else(Some, |made| made.fallback.as_ref()) {
            self.count(failure);
        }
        made
    }

    fn count(&self, failure: &MemoryError) {
        if let Some(place) = REASONS.iter().position(|reason| *reason == failure.reason()) {
            self.failures[place].fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Takes `size` bytes of memory that somebody else makes (the runtime, M5) from the same budget; a refusal is counted.
    pub fn lend(&self, size: usize) -> Result<(), MemoryError> {
        let mut ledger = self.ledger();
        let wanted = size as u64;
        let bounds = Bounds {
            limit: self.limit,
            headroom: cgroup_headroom(&self.root),
            free: None,
        };
        let left = bounds.left(ledger.used);
        if wanted > left && ledger.count > 0 {
            let refused = MemoryError::Budget { wanted, left };
            self.count(&refused);
            return Err(refused);
        }
        ledger.used.anonymous += wanted;
        ledger.count += 1;
        Ok(())
    }

    fn make_uncounted(&self, kind: u32, size: usize, thread: u32) -> Result<Made, MemoryError> {
        let mut ledger = self.ledger();
        let wanted = size as u64;
        if let Some((at, least, left)) = ledger.refused
            && wanted >= least
            && at.elapsed() < REFUSAL_HOLDS
        {
            return Err(MemoryError::Budget { wanted, left });
        }
        let bounds = Bounds {
            limit: self.limit,
            headroom: cgroup_headroom(&self.root),
            free: self.folder().and_then(Folder::free_bytes),
        };
        let (segment, fallback) = match self.in_file(&mut ledger, bounds, kind, size) {
            Ok(segment) => (segment, None),
            Err(why) => {
                let left = bounds.anonymous().left(ledger.used);
                if wanted > left && ledger.count > 0 {
                    ledger.refused = Some((Instant::now(), wanted, left));
                    return Err(MemoryError::Budget { wanted, left });
                }
                let segment = Segment::anonymous(kind, size)?;
                ledger.used.anonymous += wanted;
                (segment, why)
            }
        };
        ledger.count += 1;
        self.complete(&segment, thread);
        Ok(Made { segment, fallback })
    }

    fn in_file(
        &self,
        ledger: &mut Ledger,
        bounds: Bounds,
        kind: u32,
        size: usize,
    ) -> Result<Segment, Option<MemoryError>> {
        let folder = self.folder.as_ref().map_err(Clone::clone)?;
        let left = bounds.left(ledger.used);
        if size as u64 > left {
            return Err(Some(MemoryError::Budget {
                wanted: size as u64,
                left,
            }));
        }
        let mut attempt = 0;
        let (name, file) = loop {
            ledger.numbers += 1;
            attempt += 1;
            let name = name::of(&self.service, self.process_start, self.pid, self.run, ledger.numbers);
            match locked_file(folder, &name) {
                Ok(file) => break (name, file),
                Err(MemoryError::Io {
                    errno: libc::EAGAIN | libc::EEXIST,
                    ..
                }) if attempt < ATTEMPTS => {}
                Err(error) => return Err(Some(error)),
            }
        };
        match mapped(&file, size) {
            Ok(base) => {
                let path = folder.path().join(&name);
                let segment = Segment::from_mapping(base, size, kind, Backing::File { path, file });
                segment.prepare();
                // SAFETY: a mapping made by `mapped` is never unmapped, whatever becomes of the `Segment`.
                let life = unsafe { Life::of(&segment) };
                life.mark(self.mark.load(Ordering::Relaxed));
                ledger.lives.push(life);
                ledger.used.files += size as u64;
                ledger.names.push(name);
                Ok(segment)
            }
            Err(error) => {
                // Nobody else removes it while the lock is held; if it stays, a sweep finds it incomplete and unlocked.
                let _ = folder.remove(&name);
                Err(Some(error))
            }
        }
    }

    /// Writes who this is, then the magic: from here on a reader takes the segment for complete (M1).
    fn complete(&self, segment: &Segment, thread: u32) {
        let words = [0, 8].map(|at| u64::from_le_bytes(std::array::from_fn(|byte| self.boot_id[at + byte])));
        segment.u64_at(BOOT_ID_AT).store(words[0], Ordering::Relaxed);
        segment.u64_at(BOOT_ID_AT + 8).store(words[1], Ordering::Relaxed);
        segment
            .u64_at(PROCESS_START_AT)
            .store(self.process_start, Ordering::Relaxed);
        segment.u32_at(PID_AT).store(self.pid, Ordering::Relaxed);
        segment.u32_at(THREAD_AT).store(thread, Ordering::Relaxed);
        segment
            .u64_at(WALL_ANCHOR_AT)
            .store(self.anchors.wall_ns, Ordering::Relaxed);
        segment
            .u64_at(MONO_ANCHOR_AT)
            .store(self.anchors.mono_ns, Ordering::Relaxed);
        segment
            .u32_at(SERVICE_LEN_AT)
            .store(self.service.len() as u32, Ordering::Relaxed);
        for (word, bytes) in self.service.as_bytes().chunks(8).enumerate() {
            let mut padded = [0; 8];
            padded[..bytes.len()].copy_from_slice(bytes);
            segment
                .u64_at(SERVICE_AT + 8 * word)
                .store(u64::from_le_bytes(padded), Ordering::Relaxed);
        }
        segment.u32_at(OWNERS_AT).store(1, Ordering::Relaxed);
        segment.u64_at(MAGIC_AT).store(MAGIC, Ordering::Release);
    }

    /// Says in all segment files how the process ends: one of the `EXIT_*` and the code or signal that goes with it. The last
    /// call wins. Costs two stores per segment.
    pub fn mark(&self, state: u32, detail: i32) {
        let ledger = self.ledger();
        let mark = u64::from(detail as u32) << 32 | u64::from(state);
        self.mark.store(mark, Ordering::Relaxed);
        ledger.lives.iter().for_each(|life| life.mark(mark));
    }

    /// State and detail of the last [`Store::mark`]; [`EXIT_RUNNING`] before.
    pub fn marked(&self) -> (u32, i32) {
        let mark = self.mark.load(Ordering::Relaxed);
        (mark as u32, (mark >> 32) as i32)
    }

    /// True when log lines that no sink took outlive the process: there are files.
    pub fn keeps_lines(&self) -> bool {
        self.ledger().lives.iter().any(|life| life.ring_with_lines().is_some())
    }

    /// Removes the files at a clean end; the mappings stay valid. Returns how many are gone. A log ring with lines that no sink took
    /// stays with its overflow, marked as [`EXIT_LINES_LEFT`].
    pub fn remove_files(&self) -> usize {
        let mut ledger = self.ledger();
        let names = std::mem::take(&mut ledger.names);
        let left: Vec<u32> = ledger.lives.iter().filter_map(Life::ring_with_lines).collect();
        let mut removed = 0;
        for (name, life) in names.iter().zip(&ledger.lives) {
            if life.log_ring().is_some_and(|ring| left.contains(&ring)) {
                life.state.store(EXIT_LINES_LEFT, Ordering::Release);
            } else if self.folder().is_some_and(|folder| folder.remove(name).is_ok()) {
                removed += 1;
            }
        }
        removed
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.made.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Provider for Store {
    fn create(&self, kind: u32, size: usize, thread: u32) -> Result<Segment, MemoryError> {
        self.make(kind, size, thread).map(|made| made.segment)
    }

    fn prepare(&self, segment: &Segment) {
        prefault(segment);
    }

    fn may_prepare(&self) -> bool {
        true
    }
}

/// Writes to each page once, so that the owner thread's first lap takes no page faults (1.7 us per page). To be called by
/// the collector before the segment is handed out; it changes nothing.
pub fn prefault(segment: &Segment) {
    #[cfg(target_os = "linux")]
    {
        // SAFETY: the range is one whole mapping of ours; populating it changes no content.
        if unsafe { libc::madvise(segment.base().cast(), segment.size(), libc::MADV_POPULATE_WRITE) } == 0 {
            return;
        }
    }
    // A kernel before 5.14, or memory of the JS runtime.
    for page in (0..segment.size()).step_by(HEADER_SIZE) {
        segment.u64_at(page).fetch_or(0, Ordering::Relaxed);
    }
}

/// A new file whose lock is ours.
fn locked_file(folder: &Folder, name: &str) -> Result<File, MemoryError> {
    let file = folder.create_file(name).map_err(|error| failed("open", &error))?;
    match claim(&file) {
        Ok(()) => Ok(file),
        Err(error) => {
            // Whether a sweeper is at it or has been: nobody else uses this name.
            let _ = folder.remove(name);
            Err(error)
        }
    }
}

/// Locks a file that was just made. Between making and locking, a sweeper may have found it ownerless: while it looks at the
/// file, or after it removed it, this is `EAGAIN`. A lock on a file without a name would protect nothing.
fn claim(file: &File) -> Result<(), MemoryError> {
    let outrun = Err(MemoryError::Io {
        step: "flock",
        errno: libc::EAGAIN,
    });
    if !try_lock(file).map_err(|error| failed("flock", &error))? {
        return outrun;
    }
    if file.metadata().map_err(|error| failed("stat", &error))?.nlink() == 0 {
        outrun
    } else {
        Ok(())
    }
}

fn failed(step: &'static str, error: &std::io::Error) -> MemoryError {
    MemoryError::Io {
        step,
        errno: error.raw_os_error().unwrap_or(0),
    }
}

/// Takes the pages from the file system and maps them.
fn mapped(file: &File, size: usize) -> Result<NonNull<u8>, MemoryError> {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: getrlimit writes one rlimit to the pointer, which is valid for it.
    if unsafe { libc::getrlimit(libc::RLIMIT_FSIZE, &mut limit) } == 0 && (size as libc::rlim_t) > limit.rlim_cur {
        // Growing a file past this limit raises SIGXFSZ, whose default action ends the process.
        return Err(MemoryError::Io {
            step: "getrlimit",
            errno: libc::EFBIG,
        });
    }
    reserve(file, size)?;
    // SAFETY: a fresh mapping at an address of the kernel's choice, of a file that is at least `size` long, stays so
    // (0600, ours, nobody truncates it) and has all its pages, so that no access raises SIGBUS.
    let base = unsafe {
        let flags = libc::PROT_READ | libc::PROT_WRITE;
        libc::mmap(std::ptr::null_mut(), size, flags, libc::MAP_SHARED, file.as_raw_fd(), 0)
    };
    let base = NonNull::new(base.cast::<u8>())
        .filter(|base| base.as_ptr().cast() != libc::MAP_FAILED)
        .ok_or_else(|| MemoryError::io("mmap"))?;
    #[cfg(target_os = "linux")]
    // SAFETY: the range is the mapping made above. A child made by fork has no business with it: two writers, one cell.
    unsafe {
        libc::madvise(base.as_ptr().cast(), size, libc::MADV_DONTFORK);
    }
    Ok(base)
}

/// All pages now, or an error now: a write to a page that a full file system cannot give would be a SIGBUS.
#[cfg(not(target_os = "macos"))]
fn reserve(file: &File, size: usize) -> Result<(), MemoryError> {
    loop {
        // SAFETY: posix_fallocate on a descriptor that `file` keeps open touches no memory.
        match unsafe { libc::posix_fallocate(file.as_raw_fd(), 0, size as libc::off_t) } {
            0 => return Ok(()),
            libc::EINTR => {}
            errno => {
                return Err(MemoryError::Io {
                    step: "posix_fallocate",
                    errno,
                });
            }
        }
    }
}

/// macOS has no posix_fallocate.
#[cfg(target_os = "macos")]
fn reserve(file: &File, size: usize) -> Result<(), MemoryError> {
    file.set_len(size as u64).map_err(|error| MemoryError::Io {
        step: "ftruncate",
        errno: error.raw_os_error().unwrap_or(0),
    })
}

#[cfg(test)]
#[path = "file_tests.rs"]
pub(super) mod tests;
