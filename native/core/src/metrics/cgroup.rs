//! What the container allows and takes: CPU quota, throttling, memory limit. Read from the cgroup's files at scrape time by the
//! thread that renders. Linux; elsewhere there is nothing to read and nothing is shown.

use super::collector::{Collector, Sample};
use super::metric::Kind;
use crate::memory::budget::V1_UNLIMITED;
use crate::memory::cgroup::{Group, Version, groups_of};
use std::fs;
use std::path::{Path, PathBuf};

/// Metrics of this process's cgroups. One scrape reads some five small files per level of the tree (about 20 us each on a
/// busy machine); where the process's groups lie is found once. What a system does not tell is left out, never guessed.
pub struct CgroupCollector {
    cpu: Vec<Group>,
    memory: Vec<Group>,
}

impl CgroupCollector {
    /// Finds the groups. `root` is `/`, or a folder that looks like it (tests).
    pub fn new(root: &Path) -> CgroupCollector {
        CgroupCollector {
            cpu: groups_of(root, "cpu"),
            memory: groups_of(root, "memory"),
        }
    }

    /// Cores that the tightest quota of the tree allows.
    fn cpu_limit(&self) -> Option<f64> {
        let limits = self.cpu.iter().flat_map(|group| {
            let version = group.version;
            group.up_the_tree().filter_map(move |folder| match version {
                Version::V2 => {
                    let text = fs::read_to_string(folder.join("cpu.max")).ok()?;
                    let (quota, period) = text.trim().split_once(' ')?;
                    ratio(quota.parse().ok()?, period.parse().ok()?)
                }
                Version::V1 => ratio(
                    number(&folder, "cpu.cfs_quota_us")?,
                    number(&folder, "cpu.cfs_period_us")?,
                ),
            })
        });
        limits.min_by(f64::total_cmp)
    }

    fn memory_limit(&self) -> Option<f64> {
        let limits = self.memory.iter().flat_map(|group| {
            let file = match group.version {
                Version::V2 => "memory.max",
                Version::V1 => "memory.limit_in_bytes",
            };
            group.up_the_tree().filter_map(move |folder| number(&folder, file))
        });
        // "max" is no number; version 1 writes a number that no machine has.
        limits
            .filter(|limit| *limit < V1_UNLIMITED as f64)
            .min_by(f64::total_cmp)
    }

    /// The value of `read` for the process's own group, in the first hierarchy that tells.
    fn own<T>(groups: &[Group], read: impl Fn(Version, &Path) -> Option<T>) -> Option<T> {
        groups.iter().find_map(|group| {
            let folder: PathBuf = group.up_the_tree().next()?;
            read(group.version, &folder)
        })
    }
}

impl Collector for CgroupCollector {
    fn collect(&self, emit: &mut dyn FnMut(Sample<'_>)) {
        let cpu_stat = |name: &'static str| {
            CgroupCollector::own(&self.cpu, |_, folder| {
                field(&fs::read_to_string(folder.join("cpu.stat")).ok()?, name)
            })
        };
        let usage = CgroupCollector::own(&self.memory, |version, folder| {
            let v2 = version == Version::V2;
            number(folder, if v2 { "memory.current" } else { "memory.usage_in_bytes" })
        });
        let oom_kills = CgroupCollector::own(&self.memory, |version, folder| {
            let v2 = version == Version::V2;
            let file = if v2 { "memory.events" } else { "memory.oom_control" };
            field(&fs::read_to_string(folder.join(file)).ok()?, "oom_kill")
        });
        let throttled = cpu_stat("throttled_usec")
            .map(|us| us / 1e6)
            .or_else(|| cpu_stat("throttled_time").map(|ns| ns / 1e9));
        let rows = [
            (
                "cgroup_cpu_limit_cores",
                "CPU cores that the quota allows, the tightest of the process's cgroup and those above it.",
                Kind::Gauge,
                self.cpu_limit(),
            ),
            (
                "cgroup_cpu_periods_total",
                "Scheduling periods in which the cgroup wanted CPU time.",
                Kind::Counter,
                cpu_stat("nr_periods"),
            ),
            (
                "cgroup_cpu_throttled_periods_total",
                "Scheduling periods in which the cgroup used its quota up and was stopped.",
                Kind::Counter,
                cpu_stat("nr_throttled"),
            ),
            (
                "cgroup_cpu_throttled_seconds_total",
                "Time that the cgroup was stopped because its quota was used up.",
                Kind::Counter,
                throttled,
            ),
            (
                "cgroup_memory_limit_bytes",
                "Memory limit, the tightest of the process's cgroup and those above it.",
                Kind::Gauge,
                self.memory_limit(),
            ),
            (
                "cgroup_memory_usage_bytes",
                "Memory that the cgroup takes, page cache included.",
                Kind::Gauge,
                usage,
            ),
            (
                "cgroup_oom_kills_total",
                "Processes of the cgroup that the kernel killed for lack of memory.",
                Kind::Counter,
                oom_kills,
            ),
        ];
        for (name, help, kind, value) in rows {
            if let Some(value) = value {
                emit(Sample::plain(name, help, kind, value));
            }
        }
    }
}

/// A quota of -1 is none.
fn ratio(quota: f64, period: f64) -> Option<f64> {
    (quota >= 0.0 && period > 0.0).then(|| quota / period)
}

fn number(folder: &Path, file: &str) -> Option<f64> {
    fs::read_to_string(folder.join(file)).ok()?.trim().parse().ok()
}

/// The number behind `name` at the start of a line.
fn field(text: &str, name: &str) -> Option<f64> {
    text.lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.trim().parse().ok())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::memory::folder::tests::Scratch;
    use std::collections::BTreeMap;

    struct Machine(Scratch);

    impl Machine {
        fn new(files: &[(&str, &str)]) -> Machine {
            let machine = Machine(Scratch::new());
            for (path, text) in files {
                let path = machine.0.path().join(path);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, text).unwrap();
            }
            machine
        }

        fn collected(&self) -> BTreeMap<String, f64> {
            let mut values = BTreeMap::new();
            CgroupCollector::new(self.0.path()).collect(&mut |sample| {
                values.insert(sample.name.to_owned(), sample.value);
            });
            values
        }
    }

    #[test]
    fn version_two_tells_quota_throttling_and_memory_of_the_tightest_group() {
        let machine = Machine::new(&[
            ("proc/self/cgroup", "0::/pod/app\n"),
            (
                "proc/self/mountinfo",
                "25 20 0:22 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n",
            ),
            ("sys/fs/cgroup/pod/app/cpu.max", "max 100000\n"),
            ("sys/fs/cgroup/pod/cpu.max", "150000 100000\n"),
            (
                "sys/fs/cgroup/pod/app/cpu.stat",
                "usage_usec 9\nnr_periods 40\nnr_throttled 7\nthrottled_usec 2500000\n",
            ),
            ("sys/fs/cgroup/pod/app/memory.max", "1048576\n"),
            ("sys/fs/cgroup/pod/memory.max", "max\n"),
            ("sys/fs/cgroup/pod/app/memory.current", "4096\n"),
            ("sys/fs/cgroup/pod/app/memory.events", "low 0\noom 3\noom_kill 2\n"),
        ]);
        let expected = [
            ("cgroup_cpu_limit_cores", 1.5),
            ("cgroup_cpu_periods_total", 40.0),
            ("cgroup_cpu_throttled_periods_total", 7.0),
            ("cgroup_cpu_throttled_seconds_total", 2.5),
            ("cgroup_memory_limit_bytes", 1_048_576.0),
            ("cgroup_memory_usage_bytes", 4096.0),
            ("cgroup_oom_kills_total", 2.0),
        ];
        assert_eq!(
            machine.collected(),
            expected.map(|(name, value)| (name.to_owned(), value)).into()
        );
    }

    #[test]
    fn version_one_counts_throttling_in_nanoseconds_and_has_its_own_words_for_no_limit() {
        let mounts = "30 25 0:26 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu,cpuacct\n\
            31 25 0:27 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n";
        let machine = Machine::new(&[
            ("proc/self/cgroup", "4:memory:/a\n3:cpu,cpuacct:/a\n"),
            ("proc/self/mountinfo", mounts),
            ("sys/fs/cgroup/cpu/a/cpu.cfs_quota_us", "-1\n"),
            ("sys/fs/cgroup/cpu/a/cpu.cfs_period_us", "100000\n"),
            (
                "sys/fs/cgroup/cpu/a/cpu.stat",
                "nr_periods 4\nnr_throttled 1\nthrottled_time 250000000\n",
            ),
            ("sys/fs/cgroup/memory/a/memory.limit_in_bytes", "9223372036854771712\n"),
            ("sys/fs/cgroup/memory/a/memory.usage_in_bytes", "77\n"),
        ]);
        let found = machine.collected();
        assert_eq!(found.get("cgroup_cpu_limit_cores"), None);
        assert_eq!(found.get("cgroup_memory_limit_bytes"), None);
        assert_eq!(found["cgroup_cpu_throttled_seconds_total"], 0.25);
        assert_eq!(found["cgroup_memory_usage_bytes"], 77.0);
    }

    #[test]
    fn without_cgroups_or_with_garbage_nothing_is_shown() {
        assert!(Machine::new(&[]).collected().is_empty());
        let garbage = Machine::new(&[
            ("proc/self/cgroup", "0::/x\n"),
            ("proc/self/mountinfo", "25 20 0:22 / /cg rw - cgroup2 cgroup2 rw\n"),
            ("cg/x/cpu.max", "lots\n"),
            ("cg/x/cpu.stat", "nr_periods\nnr_throttled x\n"),
            ("cg/x/memory.max", ""),
        ]);
        assert!(garbage.collected().is_empty());
    }
}
