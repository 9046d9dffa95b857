//! Patterns of secrets: a small part of regular expressions that takes linear time on any text. Parsed when logging is configured,
//! run by the collector, and told to JS, whose own matcher (`src/logs/redaction/text-scrubber.ts`) runs the same steps.
//!
//! A pattern is at least three characters that stand as they are, then characters and classes in brackets, each with a count
//! (`{2,8}`, `+`, `*`, `?`). What follows a run of a class must not be able to begin with a character of that class: so a run is
//! always as long as it can be, and nothing is ever tried twice. One group says which part is hidden.

/// Most steps of a pattern.
pub const MOST_STEPS: usize = 64;
/// Characters at the beginning that stand as they are.
pub const LEAST_PREFIX: usize = 3;
/// Longest source, in characters.
const LONGEST_SOURCE: usize = 1000;
/// Largest count in braces.
const LARGEST_COUNT: u32 = 65_535;

/// What characters a step takes: ASCII ones by bit, and all others together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Set {
    /// Bit `c` for the character `c` below 128.
    pub ascii: u128,
    /// All characters from U+0080.
    pub other: bool,
}

/// A run of characters of a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// What it takes.
    pub set: Set,
    /// Fewest characters.
    pub min: u32,
    /// Most characters; `u32::MAX`: as many as there are.
    pub max: u32,
}

/// What is looked at once the steps have matched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Check {
    /// Nothing.
    None,
    /// The hidden part ends before its last `@`: the user part of a URL.
    LastAt,
    /// The hidden part is base64 of a text with a colon: credentials of basic authentication.
    Basic,
    /// The end of a PEM block is looked for, see `pem.rs`.
    Pem,
}

/// A compiled pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    /// What a match is called; several patterns may share it.
    pub name: Box<str>,
    /// Letters of ASCII match in either case; the sets hold both then.
    pub ignore_case: bool,
    /// In order; the first [`LEAST_PREFIX`] take one character each.
    pub steps: Vec<Step>,
    /// What is hidden begins before this step...
    pub hide_from: usize,
    /// ...and ends before this one.
    pub hide_to: usize,
    /// What is looked at then.
    pub check: Check,
}

impl Set {
    const EMPTY: Set = Set { ascii: 0, other: false };

    fn of(byte: u8) -> Set {
        Set {
            ascii: 1 << byte,
            other: false,
        }
    }

    fn range(from: u8, to: u8) -> Set {
        (from..=to).fold(Set::EMPTY, |set, byte| set.with(Set::of(byte)))
    }

    fn with(self, more: Set) -> Set {
        Set {
            ascii: self.ascii | more.ascii,
            other: self.other || more.other,
        }
    }

    fn inverted(self) -> Set {
        Set {
            ascii: !self.ascii,
            other: !self.other,
        }
    }

    fn meets(self, other: Set) -> bool {
        self.ascii & other.ascii != 0 || (self.other && other.other)
    }

    /// Letters in both cases, where one of them is there.
    fn both_cases(self) -> Set {
        let small = Set::range(b'a', b'z').ascii;
        // Upper case lies 32 characters before lower case.
        let letters = self.ascii & small | self.ascii << 32 & small;
        Set {
            ascii: self.ascii | letters | letters >> 32,
            other: self.other,
        }
    }

    /// True for a character, given as a byte; bytes from 0x80 stand for all others.
    #[inline]
    pub fn has(&self, byte: u8) -> bool {
        if byte < 128 {
            self.ascii >> byte & 1 != 0
        } else {
            self.other
        }
    }
}

impl Pattern {
    /// Reads a source; the error says what is wrong with it and what to write.
    pub fn parse(name: &str, source: &str, ignore_case: bool) -> Result<Pattern, String> {
        if !source.is_ascii() {
            return Err(
                "it has characters beyond ASCII; write a class that excludes what may not stand there".to_owned(),
            );
        }
        if source.len() > LONGEST_SOURCE {
            return Err(format!("it is longer than {LONGEST_SOURCE} characters"));
        }
        let mut reader = Reader {
            source: source.as_bytes(),
            at: 0,
        };
        let mut steps: Vec<Step> = Vec::new();
        let mut group: (Option<usize>, Option<usize>) = (None, None);
        while let Some(byte) = reader.peek() {
            match byte {
                b'(' if group.0.is_none() && reader.source.get(reader.at + 1) != Some(&b'?') => {
                    reader.at += 1;
                    group.0 = Some(steps.len());
                }
                b')' if group.0.is_some() && group.1.is_none() => {
                    reader.at += 1;
                    group.1 = Some(steps.len());
                    if matches!(reader.peek(), Some(b'{' | b'*' | b'+' | b'?')) {
                        return Err(reader.refuse("a group cannot be repeated; repeat a class"));
                    }
                }
                _ => {
                    let set = reader.set()?;
                    let set = if ignore_case { set.both_cases() } else { set };
                    let (min, max) = reader.count()?;
                    steps.push(Step { set, min, max });
                }
            }
            if steps.len() > MOST_STEPS {
                return Err(format!("it has more than {MOST_STEPS} steps"));
            }
        }
        let (hide_from, hide_to) = match group {
            (Some(from), Some(to)) if from < to => (from, to),
            (None, _) => (0, steps.len()),
            _ => return Err("its group is empty or not closed".to_owned()),
        };
        let pattern = Pattern {
            name: name.into(),
            ignore_case,
            steps,
            hide_from,
            hide_to,
            check: Check::None,
        };
        pattern.check_prefix()?;
        pattern.check_runs()?;
        Ok(pattern)
    }

    /// The characters that a match begins with, in lower case where case does not count.
    pub fn prefix(&self) -> [u8; LEAST_PREFIX] {
        let mut prefix = [0; LEAST_PREFIX];
        for (byte, step) in prefix.iter_mut().zip(&self.steps) {
            *byte = 127 - step.set.ascii.leading_zeros() as u8;
        }
        prefix
    }

    fn check_prefix(&self) -> Result<(), String> {
        let stands = |step: &&Step| {
            // The last character of the set alone, in both cases where they do not count.
            let last = Set::of((127 - step.set.ascii.leading_zeros().min(127)) as u8);
            let alone = if self.ignore_case { last.both_cases() } else { last };
            step.set == alone && step.min == 1 && step.max == 1
        };
        if self.steps.iter().take_while(stands).count() < LEAST_PREFIX {
            return Err(format!(
                "it begins with fewer than {LEAST_PREFIX} characters that stand as they are; begin with what all such secrets begin with"
            ));
        }
        Ok(())
    }

    /// Behind a run of any length, nothing may begin with what the run takes.
    fn check_runs(&self) -> Result<(), String> {
        for (at, step) in self.steps.iter().enumerate() {
            if step.min == step.max {
                continue;
            }
            for next in &self.steps[at + 1..] {
                if next.set.meets(step.set) {
                    return Err(format!(
                        "what follows step {} can begin with a character that this step takes; leave that character out of its class, or give it a fixed count",
                        at + 1
                    ));
                }
                if next.min > 0 {
                    break;
                }
            }
        }
        Ok(())
    }
}

/// Reads a source from left to right.
struct Reader<'a> {
    source: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.source.get(self.at).copied()
    }

    fn refuse(&self, what: &str) -> String {
        format!("{what} (at character {})", self.at + 1)
    }

    /// A character or a class.
    fn set(&mut self) -> Result<Set, String> {
        let byte = self.peek().unwrap_or_default();
        self.at += 1;
        Ok(match byte {
            b'[' => self.class()?,
            b'\\' => self.escape()?,
            b'.' => return Err(self.refuse("a dot takes anything; write a class of what may stand there, or \\.")),
            b'|' => return Err(self.refuse("there is no choice between patterns; write two of them")),
            b'^' | b'$' => return Err(self.refuse("a pattern is looked for everywhere; leave ^ and $ out")),
            b'(' => return Err(self.refuse("there is one group, which says what is hidden, and no other form of it")),
            b')' => return Err(self.refuse("there is no group to close")),
            b'*' | b'+' | b'?' | b'{' => return Err(self.refuse("there is nothing to repeat")),
            0..=0x1f | 0x7f => return Err(self.refuse("control characters are written \\t, \\n, \\r or \\xhh")),
            byte => Set::of(byte),
        })
    }

    fn class(&mut self) -> Result<Set, String> {
        let inverted = self.peek() == Some(b'^');
        self.at += usize::from(inverted);
        let mut set = Set::EMPTY;
        loop {
            let from = match self.peek() {
                None => return Err(self.refuse("a class is not closed")),
                Some(b']') if set != Set::EMPTY => break,
                Some(b']' | b'[') => return Err(self.refuse("brackets inside of a class are written \\[ and \\]")),
                Some(_) => self.member()?,
            };
            let ranged = self.peek() == Some(b'-') && self.source.get(self.at + 1).is_some_and(|&next| next != b']');
            if !ranged {
                set = set.with(from);
                continue;
            }
            self.at += 1;
            let to = self.member()?;
            match (single(from), single(to)) {
                (Some(from), Some(to)) if from <= to => set = set.with(Set::range(from, to)),
                _ => return Err(self.refuse("a range goes from one character to a later one")),
            }
        }
        self.at += 1;
        Ok(if inverted { set.inverted() } else { set })
    }

    fn member(&mut self) -> Result<Set, String> {
        let byte = self.peek().ok_or_else(|| self.refuse("a class is not closed"))?;
        self.at += 1;
        match byte {
            b'\\' => self.escape(),
            0..=0x1f | 0x7f => Err(self.refuse("control characters are written \\t, \\n, \\r or \\xhh")),
            byte => Ok(Set::of(byte)),
        }
    }

    fn escape(&mut self) -> Result<Set, String> {
        let byte = self
            .peek()
            .ok_or_else(|| self.refuse("nothing follows the backslash"))?;
        self.at += 1;
        let word = || {
            Set::range(b'a', b'z')
                .with(Set::range(b'A', b'Z'))
                .with(Set::range(b'0', b'9'))
                .with(Set::of(b'_'))
        };
        let space = || Set::range(9, 13).with(Set::of(b' '));
        Ok(match byte {
            b'd' => Set::range(b'0', b'9'),
            b'w' => word(),
            b's' => space(),
            b'D' => Set::range(b'0', b'9').inverted(),
            b'W' => word().inverted(),
            b'S' => space().inverted(),
            b't' => Set::of(b'\t'),
            b'n' => Set::of(b'\n'),
            b'r' => Set::of(b'\r'),
            b'x' => {
                let digits = self
                    .source
                    .get(self.at..self.at + 2)
                    .and_then(|hex| std::str::from_utf8(hex).ok());
                let value = digits
                    .and_then(|hex| u8::from_str_radix(hex, 16).ok())
                    .filter(u8::is_ascii);
                let value = value.ok_or_else(|| self.refuse("\\x is followed by two digits below 80"))?;
                self.at += 2;
                Set::of(value)
            }
            byte if byte.is_ascii_punctuation() || byte == b' ' => Set::of(byte),
            b'b' | b'B' => return Err(self.refuse("there are no word boundaries; the class says where a secret ends")),
            _ => return Err(self.refuse("this escape is not known")),
        })
    }

    fn count(&mut self) -> Result<(u32, u32), String> {
        let counts = match self.peek() {
            Some(b'*') => (0, u32::MAX),
            Some(b'+') => (1, u32::MAX),
            Some(b'?') => (0, 1),
            Some(b'{') => return self.braces(),
            _ => return Ok((1, 1)),
        };
        self.at += 1;
        self.counted(counts)
    }

    fn braces(&mut self) -> Result<(u32, u32), String> {
        let end = self.source[self.at..].iter().position(|&byte| byte == b'}');
        let inside = end.and_then(|end| std::str::from_utf8(&self.source[self.at + 1..self.at + end]).ok());
        let number = |text: &str| {
            let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            text.parse::<u32>()
                .ok()
                .filter(|&count| digits && count <= LARGEST_COUNT)
        };
        let counts = inside.and_then(|inside| match inside.split_once(',') {
            None => number(inside).map(|count| (count, count)),
            Some((min, "")) => number(min).map(|min| (min, u32::MAX)),
            Some((min, max)) => number(min).zip(number(max)).filter(|(min, max)| min <= max),
        });
        let counts = counts.filter(|&(_, max)| max > 0);
        let counts =
            counts.ok_or_else(|| self.refuse("braces hold one or two counts up to 65535, the smaller one first"))?;
        self.at += end.unwrap_or_default() + 1;
        self.counted(counts)
    }

    fn counted(&self, counts: (u32, u32)) -> Result<(u32, u32), String> {
        match self.peek() {
            Some(b'?') => Err(self.refuse("runs are always as long as they can be; leave the question mark out")),
            Some(b'*' | b'+' | b'{') => Err(self.refuse("what is repeated cannot be repeated again")),
            _ => Ok(counts),
        }
    }
}

/// The one character of a set.
fn single(set: Set) -> Option<u8> {
    (set.ascii.count_ones() == 1 && !set.other).then(|| set.ascii.trailing_zeros() as u8)
}
