//! Where the cgroups of this process lie in the file system, for both versions. Pure path work over two files of `/proc`. Any thread.

use std::fs;
use std::path::{Path, PathBuf};

/// A version of cgroups.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// One hierarchy for each controller.
    V1,
    /// One for all.
    V2,
}

/// This process's group in one hierarchy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// How its files are called and what they hold.
    pub version: Version,
    /// Mount point of the hierarchy, `root` included.
    mount: PathBuf,
    /// Path of the group below it.
    below: PathBuf,
}

impl Group {
    /// Folders of the group and of those above it, as far as they can be seen; limits of all of them hold.
    pub fn up_the_tree(&self) -> impl Iterator<Item = PathBuf> + '_ {
        // `ancestors` ends with the empty path, which is the mount point.
        self.below.ancestors().map(|group| self.mount.join(group))
    }
}

/// The groups of this process that may have `controller` (`memory`, `cpu`): of both versions, on hybrid systems. `root` is
/// `/`, or a folder that looks like it (tests).
pub fn groups_of(root: &Path, controller: &str) -> Vec<Group> {
    let read = |file: &str| fs::read_to_string(root.join(file)).unwrap_or_default();
    let (groups, mounts) = (read("proc/self/cgroup"), read("proc/self/mountinfo"));
    let found = groups.lines().filter_map(|line| {
        let mut fields = line.splitn(3, ':');
        let (number, controllers, path) = (fields.next()?, fields.next()?, fields.next()?);
        let version = match (number, controllers) {
            ("0", "") => Version::V2,
            _ if controllers.split(',').any(|other| other == controller) => Version::V1,
            _ => return None,
        };
        let (mount, below) = folder_of(&mounts, version, controller, path)?;
        let mount = root.join(mount.strip_prefix("/").unwrap_or(&mount));
        Some(Group { version, mount, below })
    });
    found.collect()
}

/// Mount point of the hierarchy, and the path of our group below it (empty when the group lies outside of what is mounted,
/// as it looks from inside a container: then the mount point itself is the nearest group).
fn folder_of(mounts: &str, version: Version, controller: &str, group: &str) -> Option<(PathBuf, PathBuf)> {
    for line in mounts.lines() {
        let Some((before, after)) = line.split_once(" - ") else {
            continue;
        };
        let mut before = before.split(' ').skip(3);
        let (Some(mounted), Some(point)) = (before.next(), before.next()) else {
            continue;
        };
        let mut after = after.split(' ');
        let (kind, options) = (after.next(), after.nth(1).unwrap_or_default());
        let wanted = match version {
            Version::V2 => kind == Some("cgroup2"),
            Version::V1 => kind == Some("cgroup") && options.split(',').any(|option| option == controller),
        };
        if !wanted {
            continue;
        }
        let (mounted, point) = (unescaped(mounted), unescaped(point));
        let below = Path::new(group)
            .strip_prefix(&mounted)
            .unwrap_or(Path::new(""))
            .to_path_buf();
        let inside = below
            .components()
            .all(|part| matches!(part, std::path::Component::Normal(_)));
        return Some((PathBuf::from(point), if inside { below } else { PathBuf::new() }));
    }
    None
}

/// mountinfo writes space, tab, newline and backslash as three octal digits.
fn unescaped(path: &str) -> String {
    [("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")]
        .iter()
        .fold(path.to_owned(), |path, (code, plain)| path.replace(code, plain))
}
