//! Finds secrets in one text: a pass over its bytes by pairs, and the patterns' own steps only where one may begin. Linear on any text:
//! the end of a run is remembered per step, so that no character is looked at twice for the same step. Runs on the collector.
use super::card::find_cards;
use super::pattern::{Check, LEAST_PREFIX, Pattern, Step};
use super::pem::end_of_key;

/// A secret in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    /// First character that is hidden.
    pub start: usize,
    /// Behind the last one.
    pub end: usize,
    /// Place of the pattern; `usize::MAX` for a card number.
    pub pattern: usize,
}

/// What is looked for.
pub struct Finder {
    patterns: Box<[Pattern]>,
    cards: bool,
    /// Bit per pair of bytes: the first and second, or second and third byte of some pattern. Every occurrence of a pattern has one of
    /// the two at an even place, so only every second place is looked at.
    pairs: Box<[u64; 1024]>,
    /// Patterns by their first byte, in their order.
    starts: Box<[Vec<u16>; 256]>,
    /// Steps of all patterns before each one, and of all.
    steps: Vec<usize>,
}

/// What one text needs to remember; kept between texts for its memory.
#[derive(Default)]
pub struct Findings {
    /// What was found, from left to right, without overlaps.
    pub found: Vec<Found>,
    /// Per pattern and step: the last run.
    runs: Vec<Run>,
    /// Number of the text that is looked through: runs of others do not count.
    text: u64,
    cards: Vec<Found>,
}

/// A run of characters that a step took.
#[derive(Clone, Copy, Default)]
struct Run {
    text: u64,
    begun: usize,
    ended: usize,
}

/// The runs of one pattern in one text.
struct Runs<'a> {
    runs: &'a mut [Run],
    text: u64,
}

impl Finder {
    /// Looks for patterns, the first one of two that begin at the same place winning, and for card numbers.
    pub fn new(patterns: Vec<Pattern>, cards: bool) -> Finder {
        let mut pairs = Box::new([0_u64; 1024]);
        let mut starts: Box<[Vec<u16>; 256]> = Box::new([const { Vec::new() }; 256]);
        for (at, pattern) in patterns.iter().enumerate().take(usize::from(u16::MAX)) {
            let prefix = pattern.prefix();
            let forms = prefix.map(|byte| {
                let other = if pattern.ignore_case {
                    byte.to_ascii_uppercase()
                } else {
                    byte
                };
                [byte, other]
            });
            for pair in [[0, 1], [1, 2]] {
                for first in forms[pair[0]] {
                    for second in forms[pair[1]] {
                        let bit = usize::from(u16::from_le_bytes([first, second]));
                        pairs[bit >> 6] |= 1 << (bit & 63);
                    }
                }
            }
            starts[usize::from(forms[0][0])].push(at as u16);
            if forms[0][1] != forms[0][0] {
                starts[usize::from(forms[0][1])].push(at as u16);
            }
        }
        let mut steps = vec![0];
        for pattern in &patterns {
            steps.push(steps[steps.len() - 1] + pattern.steps.len());
        }
        Finder {
            patterns: patterns.into(),
            cards,
            pairs,
            starts,
            steps,
        }
    }

    /// True when nothing is looked for.
    pub fn is_empty(&self) -> bool {
        self.patterns.is_empty() && !self.cards
    }

    /// True when card numbers are looked for.
    pub fn looks_for_cards(&self) -> bool {
        self.cards
    }

    /// The patterns, in their order.
    pub fn patterns(&self) -> &[Pattern] {
        &self.patterns
    }

    /// Looks through a text: one byte per character, those from 0x80 standing for all that are not ASCII. True when something was found.
    pub fn find(&self, text: &[u8], findings: &mut Findings) -> bool {
        findings.found.clear();
        if !self.patterns.is_empty() {
            self.find_patterns(text, findings);
        }
        if self.cards && text.len() > 12 {
            self.find_cards(text, findings);
        }
        !findings.found.is_empty()
    }

    fn find_patterns(&self, text: &[u8], findings: &mut Findings) {
        findings.text += 1;
        let steps = self.steps[self.patterns.len()];
        if findings.runs.len() < steps {
            findings.runs.resize(steps, Run::default());
        }
        let mut from = 0;
        let mut at = 0;
        while at + 1 < text.len() {
            let bit = usize::from(u16::from_le_bytes([text[at], text[at + 1]]));
            if self.pairs[bit >> 6] >> (bit & 63) & 1 == 0 {
                at += 2;
                continue;
            }
            // A pattern begins at the pair, or one byte before it.
            for start in [at.wrapping_sub(1), at] {
                if start != usize::MAX
                    && start >= from
                    && let Some(found) = self.first_at(text, start, findings)
                {
                    findings.found.push(found);
                    from = found.end;
                    break;
                }
            }
            at += 2;
            if from > at {
                // The byte before the pair has to be one that is looked at.
                at = from.next_multiple_of(2);
            }
        }
    }

    /// The first pattern that matches at a place.
    fn first_at(&self, text: &[u8], start: usize, findings: &mut Findings) -> Option<Found> {
        if text.len() - start < LEAST_PREFIX {
            return None;
        }
        for &index in &self.starts[usize::from(text[start])] {
            let index = usize::from(index);
            let pattern = &self.patterns[index];
            let begins = pattern.steps[..LEAST_PREFIX]
                .iter()
                .zip(&text[start..])
                .all(|(step, &byte)| step.set.has(byte));
            if !begins {
                continue;
            }
            let own = Runs {
                runs: &mut findings.runs[self.steps[index]..self.steps[index + 1]],
                text: findings.text,
            };
            if let Some((start, end)) = match_at(pattern, text, start, own) {
                return Some(Found {
                    start,
                    end,
                    pattern: index,
                });
            }
        }
        None
    }

    fn find_cards(&self, text: &[u8], findings: &mut Findings) {
        let Findings { found, cards, .. } = findings;
        cards.clear();
        find_cards(text, |start, end| {
            // What a pattern hides is hidden already.
            let next = found.partition_point(|other| other.end <= start);
            if found.get(next).is_none_or(|other| other.start >= end) {
                cards.push(Found {
                    start,
                    end,
                    pattern: usize::MAX,
                });
            }
        });
        if !cards.is_empty() {
            found.append(cards);
            found.sort_unstable_by_key(|found| found.start);
        }
    }
}

/// Runs a pattern's steps at a place: what is hidden.
fn match_at(pattern: &Pattern, text: &[u8], start: usize, own: Runs<'_>) -> Option<(usize, usize)> {
    let mut at = start;
    let mut from = start;
    let mut to = start;
    for (index, (step, run)) in pattern.steps.iter().zip(own.runs).enumerate() {
        if index == pattern.hide_from {
            from = at;
        }
        if index == pattern.hide_to {
            to = at;
        }
        if step.max == 1 && step.min == 1 {
            if !text.get(at).is_some_and(|&byte| step.set.has(byte)) {
                return None;
            }
            at += 1;
            continue;
        }
        if run.text != own.text || at < run.begun || at >= run.ended {
            *run = run_from(step, text, at, own.text);
        }
        let end = run.ended.min(at.saturating_add(step.max as usize));
        if end - at < step.min as usize {
            return None;
        }
        at = end;
    }
    if pattern.hide_to == pattern.steps.len() {
        to = at;
    }
    match pattern.check {
        Check::None => Some((from, to)),
        Check::LastAt => text[from..to]
            .iter()
            .rposition(|&byte| byte == b'@')
            .filter(|&length| length > 0)
            .map(|length| (from, from + length)),
        Check::Basic => names_a_user(&text[from..to]).then_some((from, to)),
        Check::Pem => end_of_key(text, at).map(|end| (start, end)),
    }
}

/// The characters that a step takes from `at` on. Matches are tried from left to right, so a later place within a run ends where it does.
fn run_from(step: &Step, text: &[u8], at: usize, number: u64) -> Run {
    let length = text[at..].iter().take_while(|&&byte| step.set.has(byte)).count();
    Run {
        text: number,
        begun: at,
        ended: at + length,
    }
}

/// True for base64 whose text has a colon: `user:password`.
fn names_a_user(base64: &[u8]) -> bool {
    let digits = base64.len() - base64.iter().rev().take_while(|&&byte| byte == b'=').count();
    if digits % 4 == 1 {
        return false;
    }
    let mut bits = 0_u32;
    let mut held = 0;
    let mut colon = false;
    for &byte in &base64[..digits] {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => return false,
        };
        bits = bits << 6 | u32::from(value);
        held += 6;
        if held >= 8 {
            held -= 8;
            colon |= (bits >> held) as u8 == b':';
        }
    }
    colon
}
