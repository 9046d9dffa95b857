//! Card numbers in text: 13 to 19 digits, in groups with one space or hyphen between them or without, whose first digits belong to an
//! issuer and whose last one is right by Luhn. Linear; the twin of `src/logs/redaction/card.ts`.

/// Fewest and most digits of a card number.
const DIGITS: std::ops::RangeInclusive<usize> = 13..=19;
/// Any card number has one of `[0-9 -]` at each place of some 13 in a row: looking at every 12th place finds it.
const STRIDE: usize = 12;

fn may_stand_in_one(byte: u8) -> bool {
    byte.is_ascii_digit() || byte == b' ' || byte == b'-'
}

/// True when digits are the number of a card: an issuer's beginning, its length, and Luhn's check digit.
pub fn is_card(digits: &[u8]) -> bool {
    if !DIGITS.contains(&digits.len()) || !digits.iter().all(u8::is_ascii_digit) {
        return false;
    }
    let first = |count: usize| {
        digits[..count]
            .iter()
            .fold(0, |sum, digit| sum * 10 + u32::from(digit - b'0'))
    };
    let length = digits.len();
    let issued = match first(1) {
        2 => (2221..=2720).contains(&first(4)) && length == 16,
        3 => match first(2) {
            34 | 37 => length == 15,
            30 | 36 | 38 | 39 => length >= 14,
            35 => length >= 16,
            _ => false,
        },
        4 => matches!(length, 13 | 16 | 19),
        5 => match first(2) {
            51..=55 => length == 16,
            50 | 56..=58 => true,
            _ => false,
        },
        // UnionPay, Discover, Maestro and others.
        6 => length >= 16,
        _ => false,
    };
    issued && luhn(digits)
}

fn luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, digit)| {
            let value = u32::from(digit - b'0') << (place & 1);
            if value > 9 { value - 9 } else { value }
        })
        .sum();
    sum.is_multiple_of(10)
}

/// Calls `found` with the range of each card number, from left to right.
pub fn find_cards(text: &[u8], mut found: impl FnMut(usize, usize)) {
    let mut at = STRIDE;
    let mut behind = 0;
    while at < text.len() {
        if !may_stand_in_one(text[at]) {
            at += STRIDE;
            continue;
        }
        let back = text[behind..at]
            .iter()
            .rev()
            .take_while(|&&byte| may_stand_in_one(byte))
            .count();
        let ahead = text[at..].iter().take_while(|&&byte| may_stand_in_one(byte)).count();
        let (start, end) = (at - back, at + ahead);
        if end - start > STRIDE {
            search(text, start, end, &mut found);
        }
        behind = end;
        at = end + STRIDE;
    }
}

/// Looks at all groups of digits within a run of digits, spaces and hyphens. A card number begins and ends with a group.
fn search(text: &[u8], start: usize, end: usize, found: &mut impl FnMut(usize, usize)) {
    let mut at = start;
    while at < end {
        if !text[at].is_ascii_digit() {
            at += 1;
            continue;
        }
        match longest(text, at, end).filter(|&last| stands_alone(text, at, last)) {
            Some(last) => {
                found(at, last);
                at = last;
            }
            None => at += text[at..end].iter().take_while(|byte| byte.is_ascii_digit()).count(),
        }
    }
}

/// The end of the longest card number that begins with the group at `start`.
fn longest(text: &[u8], start: usize, end: usize) -> Option<usize> {
    let mut digits = [0; 19];
    let mut count = 0;
    let mut best = None;
    let mut at = start;
    loop {
        while at < end && text[at].is_ascii_digit() {
            if count == digits.len() {
                return best;
            }
            digits[count] = text[at];
            count += 1;
            at += 1;
        }
        if is_card(&digits[..count]) {
            best = Some(at);
        }
        // One separator, then the next group.
        if at + 1 >= end || !text[at + 1].is_ascii_digit() {
            return best;
        }
        at += 1;
    }
}

/// Neither part of a word nor the fraction of a number. A letter behind a backslash is an escape, and no part of a word.
fn stands_alone(text: &[u8], start: usize, end: usize) -> bool {
    let in_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    if end < text.len() && in_word(text[end]) {
        return false;
    }
    let before = |back: usize| start.checked_sub(back).map(|at| text[at]);
    match before(1) {
        Some(b'.') => !before(2).is_some_and(|byte| byte.is_ascii_digit()),
        Some(byte) => !in_word(byte) || before(2) == Some(b'\\') && matches!(byte, b'n' | b'r' | b't' | b'b' | b'f'),
        None => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cards(text: &str) -> Vec<&str> {
        let mut all = Vec::new();
        find_cards(text.as_bytes(), |start, end| all.push(&text[start..end]));
        all
    }

    #[test]
    fn card_numbers_are_found_with_and_without_groups_and_beside_other_numbers() {
        assert_eq!(cards("4111111111111111"), ["4111111111111111"]);
        assert_eq!(cards("pay 4111 1111 1111 1111, now"), ["4111 1111 1111 1111"]);
        assert_eq!(cards("id 12 4111-1111-1111-1111 7"), ["4111-1111-1111-1111"]);
        assert_eq!(
            cards("(378282246310005)(30569309025904)"),
            ["378282246310005", "30569309025904"]
        );
        assert_eq!(cards(r"card:\n4111111111111111"), ["4111111111111111"]);
    }

    #[test]
    fn numbers_that_are_no_cards_stay() {
        for text in [
            "4111111111111112",
            "1732225253000",
            "1732225253000000000",
            "0.4111111111111111",
            "a4111111111111111",
            "4111111111111111f",
            "4111  1111  1111  1111",
            "0000000000000000",
            "41111111111111110000",
        ] {
            assert_eq!(cards(text), [""; 0], "{text}");
        }
    }

    #[test]
    fn every_place_of_a_long_text_is_looked_at() {
        for before in 0..40 {
            let text = format!("{}4111111111111111 x", ".".repeat(before));
            assert_eq!(cards(&text).len(), 1, "{before}");
        }
    }
}
