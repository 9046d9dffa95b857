//! Secrets in a finished line of JSON, which stays JSON: what is found in a string is hidden inside of it, what is found in a number
//! makes it a string. Strings are looked through as what they say, not as they are escaped. Runs on the collector; linear.
use super::rewrite::{Censored, Form, Part};
use super::{Finder, Findings};

/// Memory kept between lines.
#[derive(Default)]
pub struct LineWork {
    parts: Vec<Part>,
    /// The characters of a string with escapes, and where each begins in the line; one place more for the end.
    said: Vec<u8>,
    places: Vec<usize>,
}

/// What has to be hidden in a line, given as a byte per character.
pub fn find(finder: &Finder, line: &[u8], findings: &mut Findings, work: &mut LineWork) -> Option<Censored> {
    work.parts.clear();
    let mut at = 0;
    while at < line.len() {
        let quote = line[at..]
            .iter()
            .position(|&byte| byte == b'"')
            .map_or(line.len(), |length| at + length);
        between_strings(finder, line, at, quote, findings, &mut work.parts);
        if quote == line.len() {
            break;
        }
        let (end, escaped) = end_of_string(line, quote + 1);
        if escaped {
            in_escaped(finder, line, quote + 1, end, findings, work);
        } else if finder.find(&line[quote + 1..end], findings) {
            let part = |start, end| Part {
                start: quote + 1 + start,
                end: quote + 1 + end,
                form: Form::Json,
            };
            work.parts
                .extend(findings.found.iter().map(|found| part(found.start, found.end)));
        }
        at = end + 1;
    }
    (!work.parts.is_empty()).then(|| Censored::of_line(&work.parts))
}

/// Where the string ends that begins at `start`, and whether it has escapes.
fn end_of_string(line: &[u8], start: usize) -> (usize, bool) {
    let mut at = start;
    let mut escaped = false;
    while at < line.len() {
        match line[at] {
            b'"' => return (at, escaped),
            b'\\' => {
                escaped = true;
                at += 2;
            }
            _ => at += 1,
        }
    }
    (line.len(), escaped)
}

fn in_escaped(finder: &Finder, line: &[u8], start: usize, end: usize, findings: &mut Findings, work: &mut LineWork) {
    let LineWork { parts, said, places } = work;
    said.clear();
    places.clear();
    let mut at = start;
    while at < end {
        places.push(at);
        let (byte, length) = if line[at] == b'\\' {
            unescaped(&line[at..end])
        } else {
            (line[at], 1)
        };
        said.push(byte);
        at += length;
    }
    places.push(end);
    if finder.find(said, findings) {
        parts.extend(findings.found.iter().map(|found| Part {
            start: places[found.start],
            end: places[found.end],
            form: Form::Json,
        }));
    }
}

/// What an escape says, and its length. One that makes no sense says its backslash.
fn unescaped(escape: &[u8]) -> (u8, usize) {
    let simple = match escape.get(1) {
        Some(b'n') => b'\n',
        Some(b'r') => b'\r',
        Some(b't') => b'\t',
        Some(b'b') => 8,
        Some(b'f') => 12,
        Some(byte @ (b'"' | b'\\' | b'/')) => *byte,
        Some(b'u') => {
            let digits = escape.get(2..6).and_then(|hex| std::str::from_utf8(hex).ok());
            let unit = digits.and_then(|hex| u16::from_str_radix(hex, 16).ok());
            return unit.map_or((b'\\', 1), |unit| (u8::try_from(unit).unwrap_or(0x80), 6));
        }
        _ => return (b'\\', 1),
    };
    (simple, 2)
}

/// Numbers and words between strings: one in which something is found is hidden as a whole.
fn between_strings(
    finder: &Finder,
    line: &[u8],
    start: usize,
    end: usize,
    findings: &mut Findings,
    parts: &mut Vec<Part>,
) {
    // Shorter than any secret: a comma, a colon, a small number.
    if end - start < 4 || !finder.find(&line[start..end], findings) {
        return;
    }
    let mut hidden = start;
    for found in &findings.found {
        let (first, last) = (start + found.start, start + found.end);
        if last <= hidden {
            continue;
        }
        let delimits = |byte: &u8| b"{}[]:, \t\r\n".contains(byte);
        let back = line[hidden..first.max(hidden)]
            .iter()
            .rev()
            .take_while(|byte| !delimits(byte))
            .count();
        let ahead = line[last..end].iter().take_while(|byte| !delimits(byte)).count();
        let part = Part {
            start: first.max(hidden) - back,
            end: last + ahead,
            form: Form::Quoted,
        };
        hidden = part.end;
        parts.push(part);
    }
}
