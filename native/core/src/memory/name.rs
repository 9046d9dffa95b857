//! Names of segment files: `<service-hash>-<start>-<pid>-<run><number>.kymo`, all in hexadecimal. They group the files of
//! a service and of a run without opening them; what a segment holds is decided by its header alone. Any thread.

use crate::layout::SERVICE_MAX;

const SUFFIX: &str = ".kymo";
/// Digits that tell the files of one run apart.
const NUMBER_DIGITS: usize = 8;

/// The part of a service's name that segments carry: at most 128 bytes, whole characters.
pub fn cut(service: &str) -> &str {
    let mut end = service.len().min(SERVICE_MAX);
    while !service.is_char_boundary(end) {
        end -= 1;
    }
    &service[..end]
}

/// Name of a segment file.
pub fn of(service: &str, start: u64, pid: u32, run: u32, number: u32) -> String {
    format!(
        "{}{start:x}-{pid:x}-{run:08x}{number:08x}{SUFFIX}",
        service_prefix(service)
    )
}

/// What the names of all files of a service begin with. FNV-1a of the name; a collision is told apart by the header.
pub fn service_prefix(service: &str) -> String {
    let hash = cut(service).bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    format!("{hash:016x}-")
}

/// What the names of all files of one run begin with; `None` for a name that is none of ours.
pub fn run_of(name: &str) -> Option<&str> {
    let stem = name.strip_suffix(SUFFIX)?;
    let run = stem.get(..stem.len().checked_sub(NUMBER_DIGITS)?)?;
    let mut parts = run.split('-');
    let hex = |part: &str| !part.is_empty() && part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let shaped = parts.next().is_some_and(|part| part.len() == 16 && hex(part))
        && parts.next().is_some_and(hex)
        && parts.next().is_some_and(hex)
        && parts.next().is_some_and(|part| part.len() == 8 && hex(part))
        && parts.next().is_none();
    (shaped && hex(&stem[run.len()..])).then_some(run)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_one_run_share_their_run_and_those_of_others_do_not() {
        let first = of("gateway", 0x1234, 99, 7, 1);
        assert_eq!(run_of(&first), run_of(&of("gateway", 0x1234, 99, 7, u32::MAX)));
        for other in [
            of("gatewax", 0x1234, 99, 7, 1),
            of("gateway", 0x1235, 99, 7, 1),
            of("gateway", 0x1234, 98, 7, 1),
        ] {
            assert_ne!(run_of(&first), run_of(&other));
        }
        assert_ne!(run_of(&first), run_of(&of("gateway", 0x1234, 99, 8, 1)));
        assert!(first.starts_with(&service_prefix("gateway")));
    }

    #[test]
    fn other_names_are_none_of_ours() {
        let good = of("a", 1, 1, 1, 1);
        assert!(run_of(&good).is_some());
        for bad in [
            "",
            ".kymo",
            "a.kymo",
            "ä.kymo",
            "0000.kymo",
            &good[1..],
            &good[..good.len() - 1],
            &good.to_uppercase(),
        ] {
            assert_eq!(run_of(bad), None, "{bad}");
        }
        assert_eq!(run_of(&good.replace("-1-", "-g-")), None);
    }

    #[test]
    fn a_service_name_is_cut_between_characters() {
        assert_eq!(cut("gateway"), "gateway");
        assert_eq!(cut(&"a".repeat(129)).len(), 128);
        assert_eq!(cut(&"ä".repeat(65)).len(), 128);
        assert_eq!(cut(&format!("a{}", "ä".repeat(64))).len(), 127);
    }
}
