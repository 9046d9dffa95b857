//! The rejection threshold of consistent probability sampling (`th` in the `ot` entry of tracestate). Any thread.
//! OpenTelemetry's "TraceState: Probability Sampling" specification.

/// A span is kept when its 56 random bits are not below this; in `[0, 2^56)`. Its weight is `2^56 / (2^56 - threshold)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Threshold(u64);

/// One more than the largest threshold.
const ALL: u64 = 1 << 56;

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
}
