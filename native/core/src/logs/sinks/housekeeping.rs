//! What happens to files that a sink has left behind: packed, deleted when they are too old or too many. Runs on a thread of its own
//! (`kymo-log-files`), which lives only while there is something to do; a failure never reaches the sink.
use super::day::Day;
use super::names::{Names, OwnFile, Packing, Turn};
use super::pack::{pack, try_lock_at};
use crate::threads;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// What a sink's files are subject to.
#[derive(Debug, Clone)]
pub struct Rules {
    /// Where they are.
    pub folder: PathBuf,
    /// Which are the sink's own; `None`: not any.
    pub names: Option<Names>,
    /// See [`super::file_options::FileOptions`].
    pub retention_days: Option<u32>,
    /// See [`super::file_options::FileOptions`].
    pub max_total_bytes: Option<u64>,
    /// See [`super::file_options::FileOptions`].
    pub packing: Option<Packing>,
}

/// One look at the files.
#[derive(Debug, Clone, Copy)]
pub struct Request {
    /// The day by which their age is measured.
    pub today: Day,
    /// The file that is written to: it and later ones are left alone.
    pub active: Turn,
    /// Packs what is not packed.
    pub packs: bool,
}

/// See the module. Clones share the thread.
#[derive(Clone)]
pub struct Housekeeping(Arc<Shared>);

struct Shared {
    rules: Rules,
    state: Mutex<State>,
    ended: Condvar,
}

#[derive(Default)]
struct State {
    is_running: bool,
    wanted: Option<Request>,
}

impl Housekeeping {
    /// Starts nothing yet.
    pub fn new(rules: Rules) -> Housekeeping {
        Housekeeping(Arc::new(Shared {
            rules,
            state: Mutex::default(),
            ended: Condvar::new(),
        }))
    }

    /// Has the files looked at, soon. A look that waits already takes this one's place as well.
    pub fn request(&self, request: Request) {
        if self.0.rules.names.is_none() {
            return;
        }
        let mut state = self.0.state();
        let packs = request.packs || state.wanted.is_some_and(|wanted| wanted.packs);
        state.wanted = Some(Request { packs, ..request });
        if !state.is_running {
            let shared = Arc::clone(&self.0);
            // Without a thread it stays wanted, and the next request tries again.
            state.is_running = threads::spawn("kymo-log-files", move || shared.run()).is_ok();
        }
    }

    /// Waits until nothing is being done.
    pub fn settle(&self) {
        let mut state = self.0.state();
        while state.is_running {
            state = self.0.ended.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self) {
        give_way();
        loop {
            let request = {
                let mut state = self.state();
                let Some(request) = state.wanted.take() else {
                    state.is_running = false;
                    self.ended.notify_all();
                    return;
                };
                request
            };
            // A panic is counted and costs this look only.
            threads::guard(|| self.rules.apply(request), ());
        }
    }
}

impl Rules {
    /// Deletes and packs. Each file by itself: what fails with one is tried again at the next look.
    fn apply(&self, request: Request) {
        let Some(names) = &self.names else { return };
        let mut files = own_files(&self.folder, names);
        files.sort_by_key(|file| file.turn);
        files.retain(|file| {
            let is_old = self
                .retention_days
                .is_some_and(|days| request.today.since(file.turn.day) > i64::from(days));
            !(is_old && file.turn < request.active && self.delete(file))
        });
        self.keep_total(&mut files, request.active);
        let Some(packing) = self.packing.filter(|_| request.packs) else {
            return;
        };
        for file in files
            .iter()
            .filter(|file| file.packing.is_none() && file.turn < request.active)
        {
            let _ = pack(&self.folder.join(&file.name), packing);
        }
        // A packed file is beside its original for a moment only, and smaller.
        self.keep_total(&mut own_files(&self.folder, names), request.active);
    }

    fn keep_total(&self, files: &mut Vec<OwnFile>, active: Turn) {
        let Some(max_total) = self.max_total_bytes else {
            return;
        };
        files.sort_by_key(|file| file.turn);
        let size = |file: &OwnFile| std::fs::metadata(self.folder.join(&file.name)).map_or(0, |found| found.len());
        let mut total: u64 = files.iter().map(size).sum();
        files.retain(|file| {
            if total <= max_total || file.turn >= active {
                return true;
            }
            let bytes = size(file);
            let is_gone = self.delete(file);
            if is_gone {
                total = total.saturating_sub(bytes);
            }
            !is_gone
        });
    }

    /// True when it is gone. Not while a process that has not noticed the new day is writing to it.
    fn delete(&self, file: &OwnFile) -> bool {
        let path = self.folder.join(&file.name);
        let held = match file.packing {
            Some(_) => None,
            None => match try_lock_at(&path) {
                Ok(Some(held)) => Some(held),
                Ok(None) => return false,
                // Not ours to open; perhaps still ours to delete.
                Err(_) => None,
            },
        };
        let is_gone = std::fs::remove_file(&path).is_ok();
        drop(held);
        is_gone
    }
}

/// The regular files of `folder` that a sink named, in no order. None when the folder cannot be read.
pub fn own_files(folder: &Path, names: &Names) -> Vec<OwnFile> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter_map(|entry| {
            let file = names.parse(entry.file_name().to_str()?)?;
            entry.file_type().ok()?.is_file().then_some(file)
        })
        .collect()
}

/// The application's own threads go first: packing takes a core for a while.
fn give_way() {
    #[cfg(target_os = "linux")]
    // SAFETY: without a pid it is the calling thread whose priority is lowered; no memory is touched.
    unsafe {
        libc::setpriority(libc::PRIO_PROCESS, 0, 10);
    }
}
