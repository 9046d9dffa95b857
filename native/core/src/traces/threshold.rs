//! The rejection threshold of consistent probability sampling (`th` in the `ot` entry of tracestate). Any thread.
//! OpenTelemetry's "TraceState: Probability Sampling" specification.

/// A span is kept when its 56 random bits are not below this; in `[0, 2^56)`. Its weight is `2^56 / (2^56 - threshold)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Threshold(u64);

/// One more than the largest threshold.
const ALL: u64 = 1 << 56;
/// Hex digits of a threshold.
const DIGITS: i32 = 14;
/// Significant hex digits of a rounded threshold, beyond those that are all zero or all `f`; the specification's default.
const PRECISION: i32 = 4;

impl Threshold {
    /// Everything is kept.
    pub const ALWAYS: Threshold = Threshold(0);

    /// From its 56 bits; `None` beyond them.
    pub fn from_bits(bits: u64) -> Option<Threshold> {
        (bits < ALL).then_some(Threshold(bits))
    }

    /// The threshold that keeps this share, to the nearest of 2^56 steps; `None` for a share that is not in `(0, 1]`.
    pub fn of_ratio(ratio: f64) -> Option<Threshold> {
        if !(ratio > 0.0 && ratio <= 1.0) {
            return None;
        }
        let kept = ((ratio * ALL as f64).round() as u64).clamp(1, ALL);
        Some(Threshold(ALL - kept))
    }

    /// Its 56 bits.
    pub fn bits(self) -> u64 {
        self.0
    }

    /// How many spans each kept one stands for; at least 1.
    pub fn weight(self) -> f64 {
        ALL as f64 / (ALL - self.0) as f64
    }

    /// True when a trace with these low 56 bits of its id (or `rv`) is kept.
    pub fn keeps(self, random: u64) -> bool {
        random & (ALL - 1) >= self.0
    }

    /// What remains when of the traces that this threshold keeps, a share is kept on: the probabilities multiply. `None` when
    /// that is nothing; from 1 on it is the threshold itself. Rounded to the digits that a tracestate should show, and never
    /// below this threshold, so that comparing with the result is a choice of exactly the probability that it tells.
    ///
    /// Given that the random bits are not below this threshold, they are evenly distributed over what is above it: the same
    /// bits make the further choice, and no randomness of its own is needed.
    pub fn share(self, ratio: f64) -> Option<Threshold> {
        if ratio >= 1.0 {
            return Some(self);
        }
        // A NaN is no share.
        let ratio = if ratio > 0.0 { ratio } else { 0.0 };
        let kept = ((ALL - self.0) as f64 * ratio).round() as u64;
        rounded(kept).map(|threshold| threshold.max(self))
    }

    /// Reads 1 to 14 lower-case hex digits, trailing zeros left out.
    pub fn parse(text: &str) -> Option<Threshold> {
        let digits = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if !digits || !(1..=14).contains(&text.len()) {
            return None;
        }
        let value = u64::from_str_radix(text, 16).ok()?;
        Threshold::from_bits(value << (4 * (14 - text.len())))
    }
}

/// The threshold that keeps this many of 2^56, in few digits; `None` for what rounds to nothing.
fn rounded(kept: u64) -> Option<Threshold> {
    let threshold = ALL.checked_sub(kept).filter(|_| kept > 0)?;
    let leading = |value: u64| (value.max(1).leading_zeros() as i32 - 8) / 4;
    let precision = DIGITS.min(PRECISION + leading(threshold).max(leading(kept)));
    let cut = 4 * (DIGITS - precision);
    let half = if cut > 0 { 1_u64 << (cut - 1) } else { 0 };
    Threshold::from_bits((threshold + half) >> cut << cut)
}

impl std::fmt::Display for Threshold {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let digits = format!("{:014x}", self.0);
        let cut = digits.trim_end_matches('0');
        f.write_str(if cut.is_empty() { "0" } else { cut })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn digits_go_both_ways() {
        for (text, bits) in [
            ("0", 0),
            ("8", 1 << 55),
            ("c", 3 << 54),
            ("fd70a", 0xfd70a << 36),
            ("00000000000001", 1),
        ] {
            let threshold = Threshold::parse(text).unwrap();
            assert_eq!(threshold.bits(), bits, "{text}");
            assert_eq!(threshold.to_string(), text);
        }
        for bad in ["", "g", "A", "000000000000001", "-1", "0x1", "+1"] {
            assert_eq!(Threshold::parse(bad), None, "{bad}");
        }
        assert_eq!(Threshold::parse("80"), Threshold::parse("8"));
    }

    #[test]
    fn shares_are_kept_and_weighed() {
        assert_eq!(Threshold::of_ratio(1.0), Some(Threshold::ALWAYS));
        assert_eq!(Threshold::of_ratio(0.5).unwrap().to_string(), "8");
        assert_eq!(Threshold::of_ratio(0.25).unwrap().weight(), 4.0);
        assert!(Threshold::of_ratio(1e-300).unwrap().bits() < 1 << 56);
        for bad in [0.0, -0.5, 1.1, f64::NAN, f64::INFINITY] {
            assert_eq!(Threshold::of_ratio(bad), None);
        }
        let half = Threshold::of_ratio(0.5).unwrap();
        assert!(half.keeps(1 << 55) && !half.keeps((1 << 55) - 1));
        assert!(half.keeps(0xff << 56 | 1 << 55), "only the low 56 bits count");
    }
    /// The specification's table, in the column of its default precision.
    #[test]
    fn a_share_of_everything_has_the_digits_of_the_specification() {
        let table = [
            (1.0, "0"),
            (1.0 / 2.0, "8"),
            (1.0 / 3.0, "aaab"),
            (1.0 / 4.0, "c"),
            (1.0 / 5.0, "cccd"),
            (1.0 / 8.0, "e"),
            (1.0 / 10.0, "e666"),
            (1.0 / 16.0, "f"),
            (1.0 / 100.0, "fd70a"),
            (1.0 / 1e3, "ffbe77"),
            (1.0 / 1e4, "fff9724"),
            (1.0 / 1e5, "ffff583a"),
            (1.0 / 1e6, "ffffef39"),
        ];
        for (ratio, digits) in table {
            assert_eq!(Threshold::ALWAYS.share(ratio).unwrap().to_string(), digits, "{ratio}");
        }
    }

    #[test]
    fn a_share_of_a_share_keeps_the_product_and_never_more_than_before() {
        let mut state = 3_u64;
        let mut random = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 11) as f64 / (1_u64 << 53) as f64
        };
        for _ in 0..10_000 {
            let (head, ratio) = (random(), random());
            let (Some(first), Some(second)) = (
                Threshold::ALWAYS.share(head),
                Threshold::ALWAYS.share(head).and_then(|first| first.share(ratio)),
            ) else {
                continue;
            };
            let expected = ratio / first.weight();
            assert!(second >= first && (1.0 / second.weight() - expected).abs() <= expected * 1e-3 + 1e-9);
            assert_eq!(
                Threshold::parse(&second.to_string()),
                Some(second),
                "what is told is what is compared"
            );
        }
    }

    #[test]
    fn the_ends_of_the_range_keep_everything_or_nothing() {
        for all in [1.0, 2.0, f64::INFINITY] {
            assert_eq!(Threshold::ALWAYS.share(all), Some(Threshold::ALWAYS));
        }
        for nothing in [0.0, -1.0, 1e-18, f64::NAN] {
            assert_eq!(Threshold::ALWAYS.share(nothing), None, "{nothing}");
        }
        let least = Threshold::ALWAYS.share(1.0 / ALL as f64).unwrap();
        assert_eq!(least.to_string(), "ffffffffffffff");
        assert!(least.keeps(ALL - 1) && !least.keeps(ALL - 2));
        assert!(Threshold::ALWAYS.share(1.0 - 1e-12).unwrap() > Threshold::ALWAYS);
    }
}
