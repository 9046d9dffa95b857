//! Sampling thresholds of OpenTelemetry's consistent probability sampling: which share of traces a threshold keeps, how it is
//! written, and the randomness it is compared with. Pure; any thread.
//!
//! A trace with randomness R in [0, 2^56) is kept iff R >= T, so that it was kept with probability 1 - T / 2^56, and stands for
//! 1 / probability traces. See "TraceState: Probability Sampling" of the OpenTelemetry specification.

/// One more than the largest randomness, and the threshold that keeps nothing.
const RANGE: u64 = 1 << 56;
/// Hex digits of a whole threshold.
const DIGITS: i32 = 14;
/// Significant hex digits that a threshold gets beyond its leading zeros or `f`s, as the specification suggests.
const PRECISION: i32 = 4;

/// A threshold that keeps something: in [0, 2^56).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Threshold(u64);

impl Threshold {
    /// Keeps every trace; `th:0`.
    pub const ALWAYS: Threshold = Threshold(0);

    /// Reads the value of `th`: 1 to 14 lower-case hex digits, cut zeros at the end.
    pub fn parse(digits: &[u8]) -> Option<Threshold> {
        let value = hex(digits)?;
        Some(Threshold(value << (4 * (DIGITS as usize - digits.len()))))
    }

    /// In [0, 2^56).
    pub fn bits(self) -> u64 {
        self.0
    }

    /// With which probability it keeps a trace; in (0, 1].
    pub fn probability(self) -> f64 {
        (RANGE - self.0) as f64 / RANGE as f64
    }

    /// Whether a trace of that randomness is kept.
    pub fn keeps(self, randomness: u64) -> bool {
        randomness >= self.0
    }

    /// What remains if of the traces kept so far, a share of `ratio` is kept on: the probabilities multiply. None if that is
    /// nothing. The result is rounded to what is written, so that it is exactly the probability with which a trace is kept.
    ///
    /// Given R >= T, R is evenly distributed over [T, 2^56): comparing the same R with the higher threshold is the further
    /// choice, and needs no randomness of its own.
    pub fn share(self, ratio: f64) -> Option<Threshold> {
        if ratio >= 1.0 {
            return Some(self);
        }
        // A NaN is no share.
        let kept = (RANGE - self.0) as f64 * if ratio > 0.0 { ratio } else { 0.0 };
        let threshold = rounded(kept / RANGE as f64)?;
        Some(threshold.max(self))
    }

    /// The value of `th`: at least one lower-case hex digit, zeros at the end cut off.
    pub fn write(self, out: &mut Vec<u8>) {
        let digits = DIGITS - (self.0.trailing_zeros() as i32 / 4).min(DIGITS - 1);
        for place in 0..digits {
            let digit = (self.0 >> (4 * (DIGITS - 1 - place))) & 15;
            out.push(b"0123456789abcdef"[digit as usize]);
        }
    }
}

/// The threshold of a probability in [0, 1], rounded to [`PRECISION`] digits; none for what rounds to nothing.
fn rounded(probability: f64) -> Option<Threshold> {
    let kept = (probability * RANGE as f64).round() as u64;
    if kept == 0 {
        return None;
    }
    let threshold = RANGE - kept.min(RANGE);
    // Digits that are all zero (near 1) or all `f` (near 0) tell nothing: they come on top.
    let leading = |value: u64| (value.leading_zeros() as i32 - 8) / 4;
    let precision = DIGITS.min(PRECISION + leading(threshold.max(1)).max(leading(kept)));
    let cut = 4 * (DIGITS - precision);
    if cut == 0 {
        return Some(Threshold(threshold));
    }
    let half = 1_u64 << (cut - 1);
    let threshold = ((threshold + half) >> cut) << cut;
    (threshold < RANGE).then_some(Threshold(threshold))
}

/// What `ot=` in a tracestate says about sampling.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Probability {
    /// `th`, if it is there and correct.
    pub threshold: Option<Threshold>,
    /// `rv`, if it is there and correct: in [0, 2^56).
    pub randomness: Option<u64>,
}

impl Probability {
    /// Reads a tracestate; of several `ot` members the first counts.
    pub fn of_tracestate(tracestate: &[u8]) -> Probability {
        let mut found = Probability::default();
        let members = tracestate.split(|byte| *byte == b',');
        let Some(ours) = members.map(<[u8]>::trim_ascii).find_map(|m| m.strip_prefix(b"ot=")) else {
            return found;
        };
        for part in ours.split(|byte| *byte == b';') {
            if let Some(digits) = part.strip_prefix(b"th:") {
                found.threshold = Threshold::parse(digits);
            } else if let Some(digits) = part.strip_prefix(b"rv:") {
                found.randomness = hex(digits).filter(|_| digits.len() == DIGITS as usize);
            }
        }
        found
    }

    /// R of a trace: `rv`, or the low 56 bits of its id.
    pub fn randomness_of(&self, trace_id: u128) -> u64 {
        self.randomness.unwrap_or(trace_id as u64 & (RANGE - 1))
    }
}

/// 1 to 14 lower-case hex digits.
fn hex(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() || digits.len() > DIGITS as usize {
        return None;
    }
    digits.iter().try_fold(0, |value, digit| {
        let digit = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            _ => return None,
        };
        Some(value << 4 | u64::from(digit))
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn text(threshold: Threshold) -> String {
        let mut out = Vec::new();
        threshold.write(&mut out);
        String::from_utf8(out).unwrap()
    }

    /// The column of 4 digits of the table in the specification.
    #[test]
    fn probabilities_have_the_thresholds_of_the_specification() {
        let table = [
            (1.0, "0"),
            (0.5, "8"),
            (0.25, "c"),
            (1.0 / 3.0, "aaab"),
            (0.1, "e666"),
            (0.01, "fd70a"),
            (0.001, "ffbe77"),
            (0.0001, "fff9724"),
        ];
        for (probability, expected) in table {
            assert_eq!(text(Threshold::ALWAYS.share(probability).unwrap()), expected, "{probability}");
        }
    }

    #[test]
    fn a_threshold_is_read_as_it_is_written() {
        for digits in ["0", "8", "c", "aaab", "fd70a", "00000000000001", "ffffffffffffff"] {
            assert_eq!(text(Threshold::parse(digits.as_bytes()).unwrap()), digits);
        }
        assert_eq!(Threshold::parse(b"80"), Threshold::parse(b"8"));
        for wrong in ["", "g", "A", "000000000000000", "-1", " 8", "8 "] {
            assert_eq!(Threshold::parse(wrong.as_bytes()), None, "{wrong}");
        }
    }

    #[test]
    fn a_share_of_a_share_keeps_the_product_and_never_more() {
        let mut state = 3_u64;
        let mut random = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 11) as f64 / (1_u64 << 53) as f64
        };
        for _ in 0..10_000 {
            let (head, ratio) = (random(), random());
            let Some(first) = Threshold::ALWAYS.share(head) else { continue };
            let Some(second) = first.share(ratio) else { continue };
            assert!(second >= first);
            let expected = first.probability() * ratio;
            assert!((second.probability() - expected).abs() <= expected * 1e-3 + 1e-9, "{head} {ratio}");
            assert_eq!(Threshold::parse(text(second).as_bytes()), Some(second), "what is written is what is compared");
        }
    }

    #[test]
    fn the_ends_of_the_range_keep_everything_or_nothing() {
        assert_eq!(Threshold::ALWAYS.share(1.0), Some(Threshold::ALWAYS));
        assert_eq!(Threshold::ALWAYS.share(f64::INFINITY), Some(Threshold::ALWAYS));
        for nothing in [0.0, -1.0, 1e-18, f64::NAN] {
            assert_eq!(Threshold::ALWAYS.share(nothing), None, "{nothing}");
        }
        let least = Threshold::ALWAYS.share(1.0 / RANGE as f64).unwrap();
        assert_eq!(text(least), "ffffffffffffff");
        assert_eq!((least.keeps(RANGE - 1), least.keeps(RANGE - 2)), (true, false));
        assert!(Threshold::ALWAYS.keeps(0));
        assert!(Threshold::ALWAYS.share(1.0 - 1e-12).unwrap().probability() < 1.0);
    }

    #[test]
    fn threshold_and_randomness_are_found_in_a_tracestate() {
        let read = |text: &str| Probability::of_tracestate(text.as_bytes());
        let both = Probability {
            threshold: Threshold::parse(b"c"),
            randomness: Some(0xd29d6a7215ced0),
        };
        assert_eq!(read("ot=th:c;rv:d29d6a7215ced0"), both);
        assert_eq!(read("a=1, ot=rv:d29d6a7215ced0;x:y;th:c ,b=2"), both);
        for none in ["", "ot", "ot=", "xot=th:c", "ot=th:;rv:1", "ot=th:G", "a=ot=th:c", "OT=th:c", "ot=th:000000000000000"] {
            assert_eq!(read(none), Probability::default(), "{none}");
        }
        assert_eq!(read("ot=rv:d29d6a7215ced0").randomness_of(1), 0xd29d6a7215ced0);
        assert_eq!(read("").randomness_of(0xffff_1122_3344_5566_77ff_0000_0000_0001), 0xff_0000_0000_0001_u64 & (RANGE - 1));
    }
}
