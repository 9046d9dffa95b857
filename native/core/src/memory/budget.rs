//! How much memory segments may take (M3): read before anything is allocated, since allocating past a memory cgroup's limit is
//! no error but the end of the process. Pure arithmetic over numbers that [`cgroup_headroom`] and the folder tell. Any thread; cold path.

use super::cgroup::{Version, groups_of};
use std::fs;
use std::path::Path;

/// The share of the cgroup's headroom that segments may take.
const HEADROOM_SHARE: u64 = 16;
/// The share of the free memory file system.
const FREE_SHARE: u64 = 2;
/// Cgroup v1 writes "no limit" as the largest multiple of a page below 2^63.
pub(crate) const V1_UNLIMITED: u64 = 1 << 62;

/// What bounds the segments at one moment, in bytes; `None` = no such bound.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Bounds {
    /// `KYMO_MEMORY_LIMIT`.
    pub limit: Option<u64>,
    /// What the memory cgroups of this process still allow, see [`cgroup_headroom`].
    pub headroom: Option<u64>,
    /// Free bytes of the file system of the segment folder. Not a bound for anonymous memory.
    pub free: Option<u64>,
}

/// What our segments hold already, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Used {
    /// In files.
    pub files: u64,
    /// In anonymous memory.
    pub anonymous: u64,
}

impl Bounds {
    /// Bytes that further segments may take. What we hold was taken from the same headroom and the same free space,
    /// so it is added back before the share is computed: the bound holds for all segments together and does not shrink
    /// with each of them.
    pub fn left(&self, used: Used) -> u64 {
        let total = used.files.saturating_add(used.anonymous);
        let by_limit = self.limit.map(|limit| limit.saturating_sub(total));
        let by_headroom = self
            .headroom
            .map(|headroom| (headroom.saturating_add(total) / HEADROOM_SHARE).saturating_sub(total));
        let by_free = self
            .free
            .map(|free| (free.saturating_add(used.files) / FREE_SHARE).saturating_sub(used.files));
        [by_limit, by_headroom, by_free]
            .into_iter()
            .flatten()
            .min()
            .unwrap_or(u64::MAX)
    }

    /// The same bounds for memory that is no file.
    pub fn anonymous(self) -> Bounds {
        Bounds { free: None, ..self }
    }
}

/// The least headroom of this process's memory cgroup and those above it, as far as they can be seen; `None` without a limit.
/// Headroom = limit - (usage - inactive page cache): the kernel gives that cache back before it kills, and a container
/// that has read files would otherwise always look full. `root` is `/`, or a folder that looks like it (tests).
pub fn cgroup_headroom(root: &Path) -> Option<u64> {
    let groups = groups_of(root, "memory");
    let headrooms = groups.iter().flat_map(|group| {
        let names = if group.version == Version::V2 { &V2 } else { &V1 };
        group.up_the_tree().filter_map(|folder| headroom_of(&folder, names))
    });
    headrooms.min()
}

/// How one version of cgroups spells things.
struct Names {
    /// Files that hold a limit; the least counts.
    limits: &'static [&'static str],
    usage: &'static str,
    inactive: &'static str,
}

const V2: Names = Names {
    limits: &["memory.max", "memory.high"],
    usage: "memory.current",
    inactive: "inactive_file ",
};
const V1: Names = Names {
    limits: &["memory.limit_in_bytes"],
    usage: "memory.usage_in_bytes",
    inactive: "total_inactive_file ",
};

fn headroom_of(group: &Path, version: &Names) -> Option<u64> {
    let number = |file: &str| fs::read_to_string(group.join(file)).ok()?.trim().parse::<u64>().ok();
    // "max" is no number, so it is no limit.
    let limit = version
        .limits
        .iter()
        .filter_map(|file| number(file))
        .filter(|&limit| limit < V1_UNLIMITED)
        .min()?;
    let usage = number(version.usage)?;
    let inactive = fs::read_to_string(group.join("memory.stat"))
        .ok()
        .and_then(|stat| {
            stat.lines()
                .find_map(|line| line.strip_prefix(version.inactive)?.trim().parse::<u64>().ok())
        })
        .unwrap_or(0);
    Some(limit.saturating_sub(usage.saturating_sub(inactive)))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::folder::tests::Scratch;
    use super::*;

    const MIB: u64 = 1 << 20;

    /// [M3] the least of the three bounds decides.
    #[test]
    fn all_segments_together_stay_below_the_least_bound() {
        let bounds = Bounds {
            limit: Some(10 * MIB),
            headroom: Some(1600 * MIB),
            free: Some(1000 * MIB),
        };
        assert_eq!(bounds.left(Used::default()), 10 * MIB);
        assert_eq!(
            Bounds {
                headroom: Some(32 * MIB),
                ..bounds
            }
            .left(Used::default()),
            2 * MIB
        );
        assert_eq!(
            Bounds {
                free: Some(6 * MIB),
                ..bounds
            }
            .left(Used::default()),
            3 * MIB
        );
        assert_eq!(
            Bounds {
                free: Some(6 * MIB),
                ..bounds
            }
            .anonymous()
            .left(Used::default()),
            10 * MIB
        );
        assert_eq!(Bounds::default().left(Used::default()), u64::MAX, "nothing bounds it");
        assert_eq!(
            Bounds {
                free: Some(0),
                ..bounds
            }
            .left(Used::default()),
            0
        );
    }

    /// [M3] taken bytes count against the bound, and against nothing twice: the total is what it was at the start.
    #[test]
    fn what_is_taken_leaves_the_bound_where_it_was() {
        for bounds in [
            Bounds {
                headroom: Some(160 * MIB),
                ..Bounds::default()
            },
            Bounds {
                free: Some(20 * MIB),
                ..Bounds::default()
            },
            Bounds {
                limit: Some(10 * MIB),
                ..Bounds::default()
            },
        ] {
            let mut used = Used::default();
            for taken in 0..=10 {
                let now = Bounds {
                    headroom: bounds.headroom.map(|bytes| bytes - used.files),
                    free: bounds.free.map(|bytes| bytes - used.files),
                    ..bounds
                };
                assert_eq!(now.left(used), (10 - taken) * MIB, "{bounds:?}");
                used.files += MIB;
            }
        }
    }

    /// [M3] numbers at the ends of their range do not wrap into a large budget.
    #[test]
    fn no_number_overflows() {
        let huge = Used {
            files: u64::MAX,
            anonymous: u64::MAX,
        };
        let bounds = Bounds {
            limit: Some(u64::MAX),
            headroom: Some(u64::MAX),
            free: Some(u64::MAX),
        };
        assert_eq!(bounds.left(huge), 0);
        assert_eq!(bounds.left(Used::default()), u64::MAX / 16);
    }

    struct Machine(Scratch);

    impl Machine {
        fn new(cgroup: &str, mountinfo: &str) -> Machine {
            let machine = Machine(Scratch::new());
            machine.write("proc/self/cgroup", cgroup);
            machine.write("proc/self/mountinfo", mountinfo);
            machine
        }

        fn write(&self, path: &str, text: &str) -> &Machine {
            let path = self.0.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
            self
        }

        fn group(&self, path: &str, max: &str, current: &str) -> &Machine {
            self.write(&format!("{path}/memory.max"), max)
                .write(&format!("{path}/memory.current"), current)
        }

        fn headroom(&self) -> Option<u64> {
            cgroup_headroom(self.0.path())
        }
    }

    const V2_MOUNT: &str = "25 20 0:22 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n";

    /// [M3] a limit of any group above ours counts.
    #[test]
    fn the_tightest_group_up_the_tree_decides() {
        let machine = Machine::new("0::/pod/app\n", V2_MOUNT);
        assert_eq!(machine.headroom(), None, "no files, no bound");
        machine.group("sys/fs/cgroup/pod/app", "max\n", "5000\n");
        assert_eq!(machine.headroom(), None);
        machine.group("sys/fs/cgroup/pod", "100000\n", "40000\n");
        assert_eq!(machine.headroom(), Some(60_000));
        machine.group("sys/fs/cgroup/pod/app", "50000\n", "5000\n");
        assert_eq!(machine.headroom(), Some(45_000));
        machine.write("sys/fs/cgroup/pod/memory.high", "70000\n");
        assert_eq!(machine.headroom(), Some(30_000));
        machine.group("sys/fs/cgroup/pod/app", "4000\n", "5000\n");
        assert_eq!(machine.headroom(), Some(0), "over the limit");
    }

    /// [M3] page cache that the kernel would drop is no use of memory.
    #[test]
    fn inactive_page_cache_counts_as_free() {
        let machine = Machine::new("0::/\n", V2_MOUNT);
        machine.group("sys/fs/cgroup", "100000\n", "100000\n");
        assert_eq!(machine.headroom(), Some(0));
        machine.write(
            "sys/fs/cgroup/memory.stat",
            "anon 5\nfile 90000\ninactive_file 80000\nactive_file 10000\n",
        );
        assert_eq!(machine.headroom(), Some(80_000));
        machine.write("sys/fs/cgroup/memory.stat", "inactive_file 300000\n");
        assert_eq!(machine.headroom(), Some(100_000), "more cache than use");
    }

    /// [M3] inside a container the group's path is not below what is mounted: the mount point is the nearest group.
    #[test]
    fn a_group_outside_of_the_mount_is_looked_up_at_the_mount_point() {
        for group in ["/../outer", "/docker/abc", "/"] {
            let mount = "25 20 0:22 /docker/xyz /sys/fs/cgroup ro - cgroup2 cgroup rw\n";
            let machine = Machine::new(&format!("0::{group}\n"), mount);
            machine.group("sys/fs/cgroup", "90000\n", "10000\n");
            assert_eq!(machine.headroom(), Some(80_000), "{group}");
        }
    }

    /// [M3] cgroup v1 beside an empty v2 hierarchy, as on hybrid systems.
    #[test]
    fn version_one_is_read_as_well() {
        let machine = Machine::new(
            "9:name=systemd:/\n4:cpu,memory:/a/b\n0::/\n",
            "31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n\
             34 31 0:31 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n\
             35 31 0:32 / /sys/fs/cgroup/mem\\040ory rw shared:9 - cgroup cgroup rw,cpu,memory\n\
             41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n",
        );
        let group = "sys/fs/cgroup/mem ory/a/b";
        machine.write(&format!("{group}/memory.limit_in_bytes"), "9223372036854771712\n");
        machine.write(&format!("{group}/memory.usage_in_bytes"), "1000\n");
        assert_eq!(machine.headroom(), None, "unlimited");
        machine.write(&format!("{group}/memory.limit_in_bytes"), "51000\n");
        assert_eq!(machine.headroom(), Some(50_000));
        machine.write(
            &format!("{group}/memory.stat"),
            "inactive_file 1\ntotal_inactive_file 500\n",
        );
        assert_eq!(machine.headroom(), Some(50_500));
    }

    /// [M3] files that cannot be made sense of bound nothing and break nothing.
    #[test]
    fn garbage_is_no_bound() {
        for (cgroup, mountinfo) in [
            ("", ""),
            ("::::\n0:\n\n", V2_MOUNT),
            ("0::/\n", "- - - cgroup2\n - cgroup2 x\n25 20 0:22 /\n"),
            ("4:memory:/\n", "25 20 0:22 / /m - cgroup"),
        ] {
            assert_eq!(Machine::new(cgroup, mountinfo).headroom(), None);
        }
        let machine = Machine::new("0::/\n", V2_MOUNT);
        machine.group("sys/fs/cgroup", "-5\n", "abc");
        assert_eq!(machine.headroom(), None);
        assert_eq!(cgroup_headroom(Path::new("/dev/null")), None);
    }
}
