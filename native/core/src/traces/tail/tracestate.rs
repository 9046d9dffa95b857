//! What a tracestate says about earlier sampling: the `ot` member's `th` and `rv` (OpenTelemetry's "TraceState: Probability
//! Sampling"). Pure; any thread.

use crate::traces::threshold::Threshold;

/// What earlier samplers said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct HeadSampling {
    /// `th`, if it is there and correct.
    pub threshold: Option<Threshold>,
    /// `rv`, if it is there and correct: 56 bits.
    randomness: Option<u64>,
}

impl HeadSampling {
    /// Reads a tracestate; of several `ot` members the first counts.
    pub fn of(tracestate: &str) -> HeadSampling {
        let mut found = HeadSampling::default();
        let mut members = tracestate.split(',');
        let Some(ours) = members.find_map(|member| member.trim_matches([' ', '\t']).strip_prefix("ot=")) else {
            return found;
        };
        for part in ours.split(';') {
            if let Some(digits) = part.strip_prefix("th:") {
                found.threshold = Threshold::parse(digits);
            } else if let Some(digits) = part.strip_prefix("rv:") {
                // The same digits as a whole threshold.
                found.randomness = Threshold::parse(digits)
                    .filter(|_| digits.len() == 14)
                    .map(Threshold::bits);
            }
        }
        found
    }

    /// The random bits of a trace: `rv`, or the low 56 bits of its id.
    pub fn randomness(&self, trace_id: u128) -> u64 {
        self.randomness.unwrap_or(trace_id as u64 & ((1 << 56) - 1))
    }

    /// The threshold that a sampled trace passed. One that it cannot have passed, or none, tells nothing: such a trace counts
    /// as kept for sure before it came here.
    pub fn passed(&self, randomness: u64) -> Threshold {
        let told = self.threshold.filter(|threshold| threshold.keeps(randomness));
        told.unwrap_or(Threshold::ALWAYS)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn threshold_and_randomness_are_found_among_other_members() {
        let both = HeadSampling {
            threshold: Threshold::parse("c"),
            randomness: Some(0xd29d6a7215ced0),
        };
        assert_eq!(HeadSampling::of("ot=th:c;rv:d29d6a7215ced0"), both);
        assert_eq!(HeadSampling::of("a=1, ot=rv:d29d6a7215ced0;x:y;th:c ,b=2"), both);
        for none in [
            "",
            "ot",
            "ot=",
            "xot=th:c",
            "ot=th:;rv:1",
            "ot=th:G",
            "a=ot=th:c",
            "OT=th:c",
            "ot=th:000000000000000",
        ] {
            assert_eq!(HeadSampling::of(none), HeadSampling::default(), "{none}");
        }
    }

    #[test]
    fn without_an_explicit_value_the_low_bits_of_the_id_are_the_randomness() {
        let id = 0x0123_4567_89ab_cdef_7777_6655_4433_2211;
        assert_eq!(HeadSampling::default().randomness(id), 0x77_6655_4433_2211);
        assert_eq!(
            HeadSampling::of("ot=rv:d29d6a7215ced0").randomness(id),
            0xd29d6a7215ced0
        );
    }

    #[test]
    fn a_threshold_that_was_not_passed_tells_nothing() {
        let half = HeadSampling::of("ot=th:8");
        assert_eq!(half.passed(1 << 55), Threshold::parse("8").unwrap());
        assert_eq!(half.passed((1 << 55) - 1), Threshold::ALWAYS);
        assert_eq!(HeadSampling::default().passed(0), Threshold::ALWAYS);
    }
}
