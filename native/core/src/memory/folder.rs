//! The folder that segments lie in: `kymo-<uid>` in KYMO_MEMORY_DIR, ours alone (M4). Every access goes through its
//! descriptor, so that nobody can exchange it under us once it was checked. Any thread; cold paths.

use super::MemoryError;
use std::ffi::{CStr, CString};
use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// See the module. Holds one descriptor.
pub struct Folder {
    dir: File,
    path: PathBuf,
    uid: u32,
}

impl Folder {
    /// Opens our folder in `parent`, making it (0700) when it is not there.
    ///
    /// # Errors
    /// [`MemoryError::Folder`] when it cannot be trusted: a symbolic link, no folder, another owner, open to group or
    /// others, or not on a memory file system (a JS thread must never wait for a disk).
    pub fn open_or_create(parent: &Path) -> Result<Folder, MemoryError> {
        let above = open_parent(parent)?;
        let name = name_of(effective_uid());
        // SAFETY: `name` is a NUL-terminated string that lives during the call; `above` is open.
        if unsafe { libc::mkdirat(above.as_raw_fd(), name.as_ptr(), 0o700) } != 0 {
            let error = io::Error::last_os_error();
            if error.kind() != io::ErrorKind::AlreadyExists {
                return Err(refused(parent, &name, &error));
            }
        }
        Folder::enter(parent, &above, &name)
    }

    /// Opens our folder in `parent`; `None` when there is none. Errors as in [`Folder::open_or_create`].
    pub fn open(parent: &Path) -> Result<Option<Folder>, MemoryError> {
        let above = open_parent(parent)?;
        let name = name_of(effective_uid());
        match Folder::enter(parent, &above, &name) {
            Err(_) if is_absent(&above, &name) => Ok(None),
            found => found.map(Some),
        }
    }

    fn enter(parent: &Path, above: &File, name: &CStr) -> Result<Folder, MemoryError> {
        let dir = open_at(above, name, libc::O_RDONLY | libc::O_DIRECTORY, 0)
            .map_err(|error| refused(parent, name, &error))?;
        let found = dir.metadata().map_err(|error| refused(parent, name, &error))?;
        let uid = effective_uid();
        let path = parent.join(name.to_string_lossy().as_ref());
        if found.uid() != uid {
            return Err(MemoryError::Folder(format!(
                "{} belongs to user {}, not {uid}",
                path.display(),
                found.uid()
            )));
        }
        if found.mode() & 0o077 != 0 {
            let mode = found.mode() & 0o777;
            return Err(MemoryError::Folder(format!(
                "{} is open to others (mode {mode:o}, expected 700)",
                path.display()
            )));
        }
        Ok(Folder { dir, path, uid })
    }

    /// Another handle of the same folder; `None` when there are no descriptors left.
    pub fn clone_handle(&self) -> Option<Folder> {
        Some(Folder {
            dir: self.dir.try_clone().ok()?,
            path: self.path.clone(),
            uid: self.uid,
        })
    }

    /// Where it was found, for messages.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// `kymo-<uid>`.
    pub fn name(&self) -> &str {
        self.path.file_name().and_then(|name| name.to_str()).unwrap_or_default()
    }

    /// Makes a file (0600) that did not exist, open for reading and writing.
    pub fn create_file(&self, name: &str) -> io::Result<File> {
        let file = open_at(
            &self.dir,
            &terminated(name)?,
            libc::O_RDWR | libc::O_CREAT | libc::O_EXCL,
            0o600,
        )?;
        Ok(file)
    }

    /// Opens a regular file of ours for reading and writing; never follows a link, never waits for a pipe's other end.
    pub fn open_file(&self, name: &str) -> io::Result<File> {
        let file = open_at(&self.dir, &terminated(name)?, libc::O_RDWR | libc::O_NONBLOCK, 0)?;
        let found = file.metadata()?;
        if !found.file_type().is_file() || found.uid() != self.uid {
            return Err(io::Error::new(
                io::ErrorKind::PermissionDenied,
                "not a regular file of this user",
            ));
        }
        Ok(file)
    }

    /// True while `name` still names the very file that `file` is.
    pub fn is_still(&self, name: &str, file: &File) -> bool {
        let (Ok(open), Ok(named)) = (file.metadata(), self.open_file(name).and_then(|file| file.metadata())) else {
            return false;
        };
        (open.dev(), open.ino()) == (named.dev(), named.ino())
    }

    /// Removes a file.
    pub fn remove(&self, name: &str) -> io::Result<()> {
        let name = terminated(name)?;
        // SAFETY: `name` is a NUL-terminated string that lives during the call; the folder is open.
        if unsafe { libc::unlinkat(self.dir.as_raw_fd(), name.as_ptr(), 0) } == 0 {
            Ok(())
        } else {
            Err(io::Error::last_os_error())
        }
    }

    /// Names in the folder, in no order; those that are not UTF-8 are none of ours and left out.
    pub fn names(&self) -> io::Result<Vec<String>> {
        // A second open of the folder: reading moves the position of the open file.
        let listing = Listing::new(open_at(&self.dir, c".", libc::O_RDONLY | libc::O_DIRECTORY, 0)?)?;
        listing.collect()
    }

    /// Bytes free for us on the folder's file system; `None` when it does not tell.
    pub fn free_bytes(&self) -> Option<u64> {
        let mut state = std::mem::MaybeUninit::<libc::statvfs>::zeroed();
        // SAFETY: fstatvfs writes one statvfs to the pointer, which is valid for it; zeroed is a valid statvfs.
        let state = unsafe {
            if libc::fstatvfs(self.dir.as_raw_fd(), state.as_mut_ptr()) != 0 {
                return None;
            }
            state.assume_init()
        };
        // A tmpfs without a size limit counts no blocks.
        (state.f_blocks > 0).then(|| (state.f_bavail as u64).saturating_mul(state.f_frsize as u64))
    }
}

/// An open directory stream, closed when dropped.
struct Listing(*mut libc::DIR);

impl Listing {
    fn new(dir: File) -> io::Result<Listing> {
        // SAFETY: the descriptor is open, and belongs to the stream from here on when that was made.
        let stream = unsafe { libc::fdopendir(dir.as_raw_fd()) };
        if stream.is_null() {
            return Err(io::Error::last_os_error());
        }
        std::mem::forget(dir);
        Ok(Listing(stream))
    }
}

impl Iterator for Listing {
    type Item = io::Result<String>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            // SAFETY: the stream is open and used by this thread only; the entry stays valid until the next call.
            let name = unsafe {
                let entry = libc::readdir(self.0);
                if entry.is_null() {
                    return None;
                }
                CStr::from_ptr((*entry).d_name.as_ptr())
            };
            if let Ok(name) = name.to_str()
                && name != "."
                && name != ".."
            {
                return Some(Ok(name.to_owned()));
            }
        }
    }
}

impl Drop for Listing {
    fn drop(&mut self) {
        // SAFETY: opened in `new`, not closed before.
        unsafe { libc::closedir(self.0) };
    }
}

fn effective_uid() -> u32 {
    // SAFETY: geteuid has no conditions.
    unsafe { libc::geteuid() }
}

fn name_of(uid: u32) -> CString {
    // Digits hold no NUL, so the fallback is never taken.
    CString::new(format!("kymo-{uid}")).unwrap_or_default()
}

fn terminated(name: &str) -> io::Result<CString> {
    if name.contains('/') {
        return Err(io::Error::from(io::ErrorKind::InvalidInput));
    }
    CString::new(name).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))
}

fn open_at(dir: &File, name: &CStr, flags: i32, mode: libc::c_uint) -> io::Result<File> {
    loop {
        // SAFETY: `name` is a NUL-terminated string that lives during the call; `dir` is open.
        let descriptor = unsafe {
            libc::openat(
                dir.as_raw_fd(),
                name.as_ptr(),
                flags | libc::O_NOFOLLOW | libc::O_CLOEXEC,
                mode,
            )
        };
        if descriptor >= 0 {
            // SAFETY: a fresh descriptor that nobody else owns.
            return Ok(unsafe { File::from_raw_fd(descriptor) });
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
}

fn open_parent(parent: &Path) -> Result<File, MemoryError> {
    let dir = std::fs::OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_DIRECTORY | libc::O_CLOEXEC)
        .open(parent)
        .map_err(|error| MemoryError::Folder(format!("{}: {error}", parent.display())))?;
    if !is_memory(&dir) {
        return Err(MemoryError::Folder(format!(
            "{} is not on a memory file system",
            parent.display()
        )));
    }
    Ok(dir)
}

/// A page of a disk file makes the thread that touches it wait for the disk; such a folder is refused.
#[cfg(target_os = "linux")]
fn is_memory(dir: &File) -> bool {
    /// linux/magic.h; libc has no name for it. The type of `f_type` differs between libraries and processors.
    const RAMFS_MAGIC: u32 = 0x8584_58f6;
    let mut state = std::mem::MaybeUninit::<libc::statfs>::zeroed();
    // SAFETY: fstatfs writes one statfs to the pointer, which is valid for it; zeroed is a valid statfs.
    let kind = unsafe {
        if libc::fstatfs(dir.as_raw_fd(), state.as_mut_ptr()) != 0 {
            return false;
        }
        state.assume_init().f_type as u32
    };
    kind == libc::TMPFS_MAGIC as u32 || kind == RAMFS_MAGIC
}

/// Other systems do not say what a file system is made of: the folder is what the user named.
#[cfg(not(target_os = "linux"))]
fn is_memory(_dir: &File) -> bool {
    true
}

fn is_absent(above: &File, name: &CStr) -> bool {
    let flags = libc::O_RDONLY | libc::O_DIRECTORY;
    matches!(open_at(above, name, flags, 0), Err(error) if error.kind() == io::ErrorKind::NotFound)
}

fn refused(parent: &Path, name: &CStr, error: &io::Error) -> MemoryError {
    let path = parent.join(std::ffi::OsStr::from_bytes(name.to_bytes()));
    match error.raw_os_error() {
        Some(libc::ELOOP | libc::ENOTDIR) => MemoryError::Folder(format!("{} is a link or no folder", path.display())),
        _ => MemoryError::Folder(format!("{}: {error}", path.display())),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
pub(crate) mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    /// A private folder on a memory file system, removed at the end.
    pub struct Scratch(PathBuf);

    impl Scratch {
        pub fn new() -> Scratch {
            static NEXT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
            let base = if cfg!(target_os = "linux") {
                PathBuf::from("/dev/shm")
            } else {
                std::env::temp_dir()
            };
            let number = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            let path = base.join(format!("kymo-test-{}-{number}", std::process::id()));
            std::fs::create_dir(&path).unwrap();
            Scratch(path)
        }

        pub fn path(&self) -> &Path {
            &self.0
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    pub fn scratch() -> (Scratch, Folder) {
        let dir = Scratch::new();
        let folder = Folder::open_or_create(dir.path()).unwrap();
        (dir, folder)
    }

    fn reason(result: Result<Folder, MemoryError>) -> String {
        match result {
            Err(MemoryError::Folder(why)) => why,
            Err(other) => panic!("{other}"),
            Ok(folder) => panic!("{} was accepted", folder.path().display()),
        }
    }

    /// [M4] folder 0700, files 0600, whatever the umask lets through.
    #[test]
    fn folder_and_files_are_for_their_user_alone() {
        let (dir, folder) = scratch();
        assert_eq!(folder.name(), format!("kymo-{}", effective_uid()));
        let mode = |path: &Path| std::fs::symlink_metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(folder.path()), 0o700);
        folder.create_file("a").unwrap();
        assert_eq!(mode(&folder.path().join("a")), 0o600);
        assert_eq!(
            folder.create_file("a").unwrap_err().kind(),
            io::ErrorKind::AlreadyExists
        );
        let again = Folder::open_or_create(dir.path()).unwrap();
        assert_eq!(again.names().unwrap(), ["a"]);
        assert_eq!(again.names().unwrap(), ["a"], "listing twice gives the same");
    }

    /// [M4] a link in the place of the folder is refused, even one to a good folder of ours.
    #[test]
    fn a_linked_folder_is_refused() {
        let dir = Scratch::new();
        let elsewhere = dir.path().join("elsewhere");
        std::fs::create_dir(&elsewhere).unwrap();
        std::fs::set_permissions(&elsewhere, std::fs::Permissions::from_mode(0o700)).unwrap();
        symlink(&elsewhere, dir.path().join(format!("kymo-{}", effective_uid()))).unwrap();
        assert!(reason(Folder::open_or_create(dir.path())).contains("link"));
        assert!(Folder::open(dir.path()).is_err(), "reading refuses it too");
        assert_eq!(std::fs::read_dir(elsewhere).unwrap().count(), 0);
    }

    /// [M4] a file in its place, or a folder that group or others may enter, is refused; mode 700 is the last accepted.
    #[test]
    fn a_folder_open_to_others_is_refused() {
        let dir = Scratch::new();
        let path = dir.path().join(format!("kymo-{}", effective_uid()));
        std::fs::write(&path, b"").unwrap();
        assert!(reason(Folder::open_or_create(dir.path())).contains("no folder"));
        std::fs::remove_file(&path).unwrap();
        std::fs::create_dir(&path).unwrap();
        for mode in [0o701, 0o710, 0o704, 0o755, 0o777] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            assert!(
                reason(Folder::open_or_create(dir.path())).contains("open to others"),
                "{mode:o}"
            );
        }
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o700)).unwrap();
        assert!(Folder::open_or_create(dir.path()).is_ok());
    }

    /// [M4] another user's folder under our name is refused. Only root can make one.
    #[test]
    fn a_folder_of_another_user_is_refused() {
        let dir = Scratch::new();
        let path = dir.path().join(format!("kymo-{}", effective_uid()));
        std::fs::create_dir(&path).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o700)).unwrap();
        let given_away = std::os::unix::fs::chown(&path, Some(effective_uid() + 1), None).is_ok();
        let found = Folder::open_or_create(dir.path());
        assert_eq!(found.is_err(), given_away);
        if given_away {
            assert!(reason(found).contains("belongs to user"));
        }
    }

    /// [M4] links and pipes under a segment's name are not opened, nor names that lead elsewhere.
    #[test]
    fn only_regular_files_of_the_folder_are_opened() {
        let (dir, folder) = scratch();
        std::fs::write(dir.path().join("outside"), b"x").unwrap();
        symlink(dir.path().join("outside"), folder.path().join("link")).unwrap();
        let pipe = CString::new(folder.path().join("pipe").as_os_str().as_bytes()).unwrap();
        // SAFETY: a NUL-terminated path.
        assert_eq!(unsafe { libc::mkfifo(pipe.as_ptr(), 0o600) }, 0);
        for name in ["link", "pipe", "../outside", "absent", "a\0b"] {
            assert!(folder.open_file(name).is_err(), "{name}");
        }
        assert!(folder.create_file("link").is_err(), "nothing is made through a link");
    }

    #[test]
    fn a_missing_parent_is_refused_and_a_missing_folder_is_none() {
        let dir = Scratch::new();
        assert!(Folder::open(dir.path()).unwrap().is_none());
        assert!(reason(Folder::open_or_create(&dir.path().join("absent"))).contains("absent"));
    }

    /// A JS thread never writes a page that a disk backs.
    #[cfg(target_os = "linux")]
    #[test]
    fn a_folder_that_is_not_in_memory_is_refused() {
        assert!(reason(Folder::open_or_create(Path::new("/proc"))).contains("memory file system"));
        assert!(reason(Folder::open_or_create(Path::new(env!("CARGO_MANIFEST_DIR")))).contains("memory file system"));
    }

    #[test]
    fn a_name_that_was_given_to_another_file_is_noticed() {
        let (_dir, folder) = scratch();
        let first = folder.create_file("a").unwrap();
        assert!(folder.is_still("a", &first));
        folder.remove("a").unwrap();
        assert!(!folder.is_still("a", &first));
        let _second = folder.create_file("a").unwrap();
        assert!(!folder.is_still("a", &first));
    }
}
