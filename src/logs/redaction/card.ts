// Card numbers in text: the twin of native/core/src/logs/scrub/card.rs, which says what is one. App threads; linear.

const STRIDE = 12;
const LONGEST = 19;
const ESCAPES = 'nrtbf';

function isDigit(unit: number): boolean {
  return unit >= 48 && unit <= 57;
}

function isWord(unit: number): boolean {
  return isDigit(unit) || (unit >= 65 && unit <= 90) || (unit >= 97 && unit <= 122) || unit === 95;
}

function mayStandInOne(unit: number): boolean {
  return isDigit(unit) || unit === 32 || unit === 45;
}

/** True when digits are the number of a card: an issuer's beginning, its length, and Luhn's check digit. */
export function isCard(digits: string): boolean {
  const { length } = digits;
  if (length < 13 || length > LONGEST) return false;
  const two = Number(digits.slice(0, 2));
  let issued = false;
  if (two >= 51 && two <= 55) issued = length === 16;
  else if (two === 34 || two === 37) issued = length === 15;
  else if (two === 35) issued = length >= 16;
  else if (two === 30 || two === 36 || two === 38 || two === 39) issued = length >= 14;
  else if (two === 50 || (two >= 56 && two <= 58)) issued = true;
  else if (two >= 40 && two <= 49) issued = length === 13 || length === 16 || length === 19;
  else if (two >= 60 && two <= 69) issued = length >= 16;
  else if (two >= 20 && two <= 29) issued = length === 16 && digits >= '2221' && digits < '2721';
  return issued && luhn(digits);
}

function luhn(digits: string): boolean {
  let sum = 0;
  for (let place = 0; place < digits.length; place++) {
    const value = (digits.charCodeAt(digits.length - 1 - place) - 48) << (place & 1);
    sum += value > 9 ? value - 9 : value;
  }
  return sum % 10 === 0;
}

/** Calls `found` with the range of each card number, from left to right. */
export function findCards(text: string, found: (start: number, end: number) => void): void {
  let at = STRIDE;
  let behind = 0;
  while (at < text.length) {
    if (!mayStandInOne(text.charCodeAt(at))) {
      at += STRIDE;
      continue;
    }
    let start = at;
    while (start > behind && mayStandInOne(text.charCodeAt(start - 1))) start--;
    let end = at;
    while (end < text.length && mayStandInOne(text.charCodeAt(end))) end++;
    if (end - start > STRIDE) search(text, start, end, found);
    behind = end;
    at = end + STRIDE;
  }
}

/** Looks at all groups of digits within a run of digits, spaces and hyphens. A card number begins and ends with a group. */
function search(text: string, start: number, end: number, found: (start: number, end: number) => void): void {
  let at = start;
  while (at < end) {
    if (!isDigit(text.charCodeAt(at))) {
      at++;
      continue;
    }
    const last = longest(text, at, end);
    if (last > 0 && standsAlone(text, at, last)) {
      found(at, last);
      at = last;
    } else {
      while (at < end && isDigit(text.charCodeAt(at))) at++;
    }
  }
}

/** The end of the longest card number that begins with the group at `start`; 0 when none does. */
function longest(text: string, start: number, end: number): number {
  let digits = '';
  let best = 0;
  let at = start;
  for (;;) {
    const group = at;
    while (at < end && isDigit(text.charCodeAt(at))) {
      if (digits.length + at - group === LONGEST) return best;
      at++;
    }
    digits += text.slice(group, at);
    if (isCard(digits)) best = at;
    if (at + 1 >= end || !isDigit(text.charCodeAt(at + 1))) return best;
    at++;
  }
}

/** Neither part of a word nor the fraction of a number. A letter behind a backslash is an escape, and no part of a word. */
function standsAlone(text: string, start: number, end: number): boolean {
  if (end < text.length && isWord(text.charCodeAt(end))) return false;
  if (start === 0) return true;
  const before = text[start - 1] as string;
  if (before === '.') return !(start > 1 && isDigit(text.charCodeAt(start - 2)));
  return !isWord(before.charCodeAt(0)) || (text[start - 2] === '\\' && ESCAPES.includes(before));
}
