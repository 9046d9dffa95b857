//! What a dead process left of a piece that it was writing: found by device and inode, told by comparing. Runs before the first line of a
//! sink, on the thread that recovers.
use super::line_ends::{end_of_lines, next_line_end};
use super::log_file::{LogFile, Making};
use crate::logs::sink::Place;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

/// Bytes of `lines`, up to the end of a line, that are in the file of `place`, which is looked for among `paths`. When the file ends within a
/// line of them, that one is completed first.
pub fn resume(paths: impl IntoIterator<Item = PathBuf>, place: Place, lines: &[u8]) -> usize {
    let Some(mut file) = find(paths, place) else {
        return 0;
    };
    let has_lock = file.wait_for_lock().unwrap_or(false);
    let there = file.matching(lines, place.offset);
    let whole = end_of_lines(&lines[..there]);
    let end = place.offset + there as u64;
    if there == whole || !has_lock || !file.size().is_ok_and(|size| size == end) {
        return whole;
    }
    let rest = &lines[there..next_line_end(lines, there)];
    match file.append(rest, end) {
        Ok(done) if done == rest.len() => there + done,
        _ => whole,
    }
}

fn find(paths: impl IntoIterator<Item = PathBuf>, place: Place) -> Option<LogFile> {
    let wanted = (place.device, place.inode);
    let path = paths
        .into_iter()
        .find(|path| std::fs::metadata(path).is_ok_and(|found| (found.dev(), found.ino()) == wanted))?;
    let making = Making {
        mode: 0,
        folder: false,
        file: false,
        follows_link: true,
    };
    let file = LogFile::open(&path, making).ok()?;
    (file.is_regular() && file.identity() == wanted).then_some(file)
}
