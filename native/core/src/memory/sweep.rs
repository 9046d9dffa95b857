//! Takes away what dead processes left: segments of the same service whose lock is free and whose content was recovered,
//! ended cleanly, or has been kept for long enough. Runs on the thread that starts, after recovery and before the
//! first segment is allocated (M3), so that a crash loop does not eat its memory limit.

use super::folder::Folder;
use super::lock::try_lock;
use super::name;
use super::reader::{ReadError, read_identity};
use crate::layout::*;
use std::collections::BTreeMap;
use std::fs::File;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::time::{Duration, SystemTime};

/// How long, and how much, is kept of what nobody recovered.
#[derive(Debug, Clone, Copy)]
pub struct Retention {
    /// Counted from when a sweep first saw the segment dead: pages written through a mapping do not touch a file's time, so
    /// its age would otherwise be that of the process.
    pub age: Duration,
    /// All files of a service together; whole runs go, oldest first.
    pub bytes: u64,
}

impl Default for Retention {
    fn default() -> Self {
        Retention {
            age: Duration::from_secs(7 * 24 * 3600),
            bytes: 64 << 20,
        }
    }
}

/// What a sweep did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swept {
    /// Files removed.
    pub removed: u32,
    /// Their bytes.
    pub removed_bytes: u64,
    /// Bytes of dead segments that were kept.
    pub kept_bytes: u64,
}

/// Sweeps the files of `service`. Never touches a file that is locked, of another service, or of another user; safe against
/// sweeps, recoveries and starts that run at the same time, since a file is judged and removed under its lock only. Files
/// that cannot be opened or removed are left. Cost: a few system calls per file of the service.
pub fn sweep(folder: &Folder, service: &str, retention: &Retention, now: SystemTime) -> Swept {
    let mut swept = Swept::default();
    let mut kept: BTreeMap<String, Run> = BTreeMap::new();
    let prefix = name::service_prefix(service);
    for name in folder
        .names()
        .unwrap_or_default()
        .iter()
        .filter(|name| name.starts_with(&prefix))
    {
        let Some((file, run)) = take(folder, name).zip(name::run_of(name)) else {
            continue;
        };
        let Ok(found) = file.metadata() else { continue };
        // A file may be sparse or truncated, but not by us; what it occupies is what counts.
        let bytes = found.blocks() * 512;
        match judge(&file, name::cut(service), retention, now) {
            Verdict::Foreign => {}
            Verdict::Remove => swept.remove(folder, name, bytes),
            Verdict::Keep(since) => {
                let run = kept.entry(run.to_owned()).or_insert(Run {
                    since,
                    bytes: 0,
                    names: Vec::new(),
                });
                run.since = run.since.max(since);
                run.bytes += bytes;
                run.names.push((name.clone(), bytes));
            }
        }
    }
    let mut runs: Vec<Run> = kept.into_values().collect();
    runs.sort_by_key(|run| run.since);
    swept.kept_bytes = runs.iter().map(|run| run.bytes).sum();
    for run in runs {
        if swept.kept_bytes <= retention.bytes {
            break;
        }
        swept.kept_bytes -= run.bytes;
        for (name, bytes) in run.names {
            // Its lock was let go meanwhile: somebody may be recovering it now.
            if take(folder, &name).is_some() {
                swept.remove(folder, &name, bytes);
            }
        }
    }
    swept
}

/// The dead segments of one process that are kept.
struct Run {
    /// The youngest file's time.
    since: SystemTime,
    bytes: u64,
    names: Vec<(String, u64)>,
}

impl Swept {
    fn remove(&mut self, folder: &Folder, name: &str, bytes: u64) {
        if folder.remove(name).is_ok() {
            self.removed += 1;
            self.removed_bytes += bytes;
        }
    }
}

/// Opens and locks a file whose owner is dead.
pub(crate) fn take(folder: &Folder, name: &str) -> Option<File> {
    let file = folder.open_file(name).ok()?;
    is_ours(folder, name, &file).then_some(file)
}

/// Locks an open file, and makes sure that it still has its name: another sweeper may have removed it before the lock was
/// to be had, and the name may be that of a live file by now.
fn is_ours(folder: &Folder, name: &str, file: &File) -> bool {
    try_lock(file).unwrap_or(false) && folder.is_still(name, file)
}

enum Verdict {
    /// Another service's, by a collision of names.
    Foreign,
    Remove,
    /// The time from which its age counts.
    Keep(SystemTime),
}

/// Judges a file under its lock.
fn judge(file: &File, service: &str, retention: &Retention, now: SystemTime) -> Verdict {
    let Ok(since) = file.metadata().and_then(|found| found.modified()) else {
        return Verdict::Foreign;
    };
    let by_age = |since: SystemTime| {
        let age = now.duration_since(since).unwrap_or(Duration::ZERO);
        if age > retention.age {
            Verdict::Remove
        } else {
            Verdict::Keep(since)
        }
    };
    let mut page = vec![0; HEADER_SIZE];
    let read = file
        .read_exact_at(&mut page, 0)
        .map_err(|_| ReadError::Magic)
        .and_then(|()| read_identity(&page));
    match read {
        Ok(segment) if segment.service != service => Verdict::Foreign,
        Ok(segment) if segment.recovered == RECOVERED || segment.exit_state == EXIT_CLEAN => Verdict::Remove,
        Ok(segment) if segment.recovered != FOUND_DEAD => {
            // This write also sets the file's time, from which its age counts.
            match file.write_all_at(&FOUND_DEAD.to_le_bytes(), RECOVERED_AT as u64) {
                Ok(()) => Verdict::Keep(now),
                Err(_) => by_age(since),
            }
        }
        // Its owner died between making the file and completing the header: there is nothing in it. An owner that
        // is just there notices that its file has gone, and makes another one.
        Err(ReadError::Magic) if page.iter().take(8).all(|&byte| byte == 0) => Verdict::Remove,
        _ => by_age(since),
    }
}

#[cfg(test)]
#[path = "sweep_tests.rs"]
mod tests;
