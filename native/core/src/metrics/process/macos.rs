//! The process as `proc_pidinfo` shows it. Any thread. There is no counterpart of Linux' private writable size, so
//! the heap is left out.

use super::State;
use std::mem::{MaybeUninit, size_of};

pub(super) fn state() -> State {
    let task = info::<libc::proc_taskinfo>(libc::PROC_PIDTASKINFO);
    State {
        resident: task.map(|task| task.pti_resident_size as f64),
        virtual_size: task.map(|task| task.pti_virtual_size as f64),
        heap: None,
        open_fds: open_fds(),
        threads: task.map(|task| f64::from(task.pti_threadnum)),
    }
}

/// Seconds since 1970.
pub(super) fn start_time() -> Option<f64> {
    let process = info::<libc::proc_bsdinfo>(libc::PROC_PIDTBSDINFO)?;
    Some(process.pbi_start_tvsec as f64 + process.pbi_start_tvusec as f64 / 1e6)
}

/// One record of this process; `T` is the plain C struct that belongs to `flavor`.
fn info<T: Copy>(flavor: libc::c_int) -> Option<T> {
    let mut record = MaybeUninit::<T>::zeroed();
    let size = size_of::<T>() as libc::c_int;
    // SAFETY: proc_pidinfo writes at most `size` bytes to a place of that size; the callers pass integer-only C structs,
    // for which any bytes are valid. Test: `every_metric_is_plausible`.
    unsafe {
        let written = libc::proc_pidinfo(libc::getpid(), flavor, 0, record.as_mut_ptr().cast(), size);
        (written == size).then(|| record.assume_init())
    }
}

fn open_fds() -> Option<f64> {
    // SAFETY: a null buffer of no bytes asks for the size that would be needed, and getpid cannot fail.
    let (pid, needed) = unsafe {
        let pid = libc::getpid();
        (
            pid,
            libc::proc_pidinfo(pid, libc::PROC_PIDLISTFDS, 0, std::ptr::null_mut(), 0),
        )
    };
    let mut room = vec![0_u8; usize::try_from(needed).ok()? + 64 * size_of::<libc::proc_fdinfo>()];
    // SAFETY: proc_pidinfo writes at most as many bytes as the buffer has. Test: `open_descriptors_are_counted...`.
    let written = unsafe {
        libc::proc_pidinfo(
            pid,
            libc::PROC_PIDLISTFDS,
            0,
            room.as_mut_ptr().cast(),
            libc::c_int::try_from(room.len()).ok()?,
        )
    };
    usize::try_from(written)
        .ok()
        .map(|bytes| (bytes / size_of::<libc::proc_fdinfo>()) as f64)
}
