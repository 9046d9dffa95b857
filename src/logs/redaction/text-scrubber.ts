// Finds secrets in a text before it gets into the ring: the same steps as native/core/src/logs/scrub/find.rs, which finds them behind
// it. App threads, inside of log calls: a pass over its characters by pairs, and the patterns' own steps only where one may begin. Linear:
// the end of a run is remembered per step, so that no character is looked at twice for the same step.
import { Buffer } from 'node:buffer';
import type { NativePattern } from '../../binding/native-log-scrub.js';
import { findCards } from './card.js';
import type { Finding } from './patterns.js';
import { endOfKey } from './pem.js';

const CARD_NUMBER = 'card-number';
/** Number of native code for "any number". */
const ENDLESS = 2 ** 32 - 1;

interface Step {
  /** 1 for each ASCII character that it takes, and for all others at 128. */
  readonly set: Uint8Array;
  readonly min: number;
  readonly max: number;
  /** Where the last run began and ended, in the text of that number. */
  text: number;
  begun: number;
  ended: number;
}

interface Pattern {
  readonly name: string;
  readonly steps: readonly Step[];
  readonly hideFrom: number;
  readonly hideTo: number;
  readonly check: NativePattern['check'];
}

/** Looks for patterns, for card numbers, and for expressions of the user's. One per thread and configuration. */
export class TextScrubber {
  readonly #patterns: readonly Pattern[];
  /**
   * 1 for pairs of characters that are the first and second, or second and third of some pattern. Every occurrence of a pattern has
   * one of the two at an even place, so only every second place is looked at.
   */
  readonly #pairs = new Uint8Array(128 * 128);
  /** Patterns by the first character of a match, in their order. */
  readonly #starts: readonly Pattern[][];
  readonly #expressions: readonly { readonly name: string; readonly expression: RegExp }[];
  readonly #cards: boolean;
  readonly #censor: string;

  constructor(
    patterns: readonly NativePattern[],
    expressions: readonly { readonly name: string; readonly expression: RegExp }[],
    censor: string,
  ) {
    this.#patterns = patterns.filter(({ steps }) => steps.length > 0).map(compiled);
    this.#cards = patterns.some(({ name, steps }) => name === CARD_NUMBER && steps.length === 0);
    this.#expressions = expressions;
    this.#censor = censor;
    this.#starts = Array.from({ length: 128 }, (_, unit) => this.#patterns.filter(({ steps }) => steps[0]?.set[unit] === 1));
    for (const { steps } of this.#patterns) {
      for (const [first, second] of [steps.slice(0, 2), steps.slice(1, 3)]) {
        for (const a of unitsOf(first)) for (const b of unitsOf(second)) this.#pairs[(a << 7) | b] = 1;
      }
    }
  }

  /** The text with the censor's text in the place of what was found; the same text when nothing was. */
  scrub(text: string): string {
    const findings = this.find(text);
    if (findings.length === 0) return text;
    let out = '';
    let at = 0;
    for (const { start, end } of findings) {
      out += text.slice(at, start) + this.#censor;
      at = end;
    }
    return out + text.slice(at);
  }

  /** What is found, from left to right and without overlaps. */
  find(text: string): readonly Finding[] {
    let found: Finding[] = this.#patterns.length > 0 ? this.#findPatterns(text) : NOTHING;
    if (this.#cards && text.length > 12) {
      const cards: Finding[] = [];
      findCards(text, (start, end) => cards.push({ name: CARD_NUMBER, start, end }));
      found = joined(found, cards);
    }
    for (const { name, expression } of this.#expressions) found = joined(found, matchesOf(text, name, expression));
    return found;
  }

  #findPatterns(text: string): Finding[] {
    const pairs = this.#pairs;
    let found = NOTHING;
    texts++;
    let from = 0;
    for (let at = 0; at + 1 < text.length; at += 2) {
      const first = text.charCodeAt(at);
      const second = text.charCodeAt(at + 1);
      if ((first | second) > 127 || pairs[(first << 7) | second] === 0) continue;
      // A pattern begins at the pair, or one character before it.
      for (let start = Math.max(at - 1, from); start <= at; start++) {
        const finding = this.#firstAt(text, start);
        if (finding === undefined) continue;
        if (found.length === 0) found = [];
        found.push(finding);
        from = finding.end;
        // The next pair is the first one behind what was found, or the one that begins with its last character.
        at = Math.max(at, ((from + 1) & ~1) - 2);
        break;
      }
    }
    return found;
  }

  #firstAt(text: string, start: number): Finding | undefined {
    const unit = text.charCodeAt(start);
    if (unit > 127) return undefined;
    for (const pattern of this.#starts[unit] as readonly Pattern[]) {
      const range = matchAt(pattern, text, start);
      if (range !== undefined) return { name: pattern.name, start: range[0], end: range[1] };
    }
    return undefined;
  }
}

const NOTHING: Finding[] = [];

/** Texts looked at so far on this thread: runs are remembered for one text. */
let texts = 0;

function compiled({ name, steps, hideFrom, hideTo, check }: NativePattern): Pattern {
  const own = steps.map(({ ascii, other, min, max }) => {
    const set = new Uint8Array(129);
    for (let unit = 0; unit < 128; unit++) set[unit] = ((ascii[unit >> 5] as number) >>> (unit & 31)) & 1;
    set[128] = other ? 1 : 0;
    return { set, min, max: max === ENDLESS ? Number.POSITIVE_INFINITY : max, text: 0, begun: 0, ended: 0 };
  });
  return { name, steps: own, hideFrom, hideTo, check };
}

function unitsOf(step: Step | undefined): number[] {
  return step === undefined ? [] : [...step.set.keys()].filter((unit) => unit < 128 && step.set[unit] === 1);
}

function takes(set: Uint8Array, unit: number): boolean {
  return set[Math.min(unit, 128)] === 1;
}

/** Runs a pattern's steps at a place: what is hidden. */
function matchAt({ steps, hideFrom, hideTo, check }: Pattern, text: string, start: number): [number, number] | undefined {
  let at = start;
  let from = start;
  let to = start;
  for (let index = 0; index < steps.length; index++) {
    const step = steps[index] as Step;
    if (index === hideFrom) from = at;
    if (index === hideTo) to = at;
    if (step.min === 1 && step.max === 1) {
      if (at >= text.length || !takes(step.set, text.charCodeAt(at))) return undefined;
      at++;
      continue;
    }
    const end = Math.min(endOfRun(step, text, at), at + step.max);
    if (end - at < step.min) return undefined;
    at = end;
  }
  if (hideTo === steps.length) to = at;
  switch (check) {
    case 'none':
      return [from, to];
    case 'last-at': {
      const length = text.slice(from, to).lastIndexOf('@');
      return length > 0 ? [from, from + length] : undefined;
    }
    case 'basic':
      return namesAUser(text.slice(from, to)) ? [from, to] : undefined;
    case 'pem': {
      const end = endOfKey(text, at);
      return end < 0 ? undefined : [start, end];
    }
  }
}

/** Where the characters of a step end that begin at `at`. Matches are tried from left to right. */
function endOfRun(step: Step, text: string, at: number): number {
  if (step.text === texts && step.begun <= at && at < step.ended) return step.ended;
  const { set } = step;
  let end = at;
  while (end < text.length && takes(set, text.charCodeAt(end))) end++;
  step.text = texts;
  step.begun = at;
  step.ended = end;
  return end;
}

/** True for base64 whose text has a colon: `user:password`. */
function namesAUser(base64: string): boolean {
  const digits = base64.replace(/=+$/, '');
  if (digits.length % 4 === 1 || !/^[\w+/-]*$/.test(digits)) return false;
  return Buffer.from(digits, 'base64url').includes(58);
}

/** Both lists in one, without those of the second that overlap with one of the first. Each is in order. */
function joined(first: Finding[], second: readonly Finding[]): Finding[] {
  if (second.length === 0) return first;
  const all: Finding[] = [];
  let next = 0;
  for (const finding of second) {
    while (next < first.length && (first[next] as Finding).end <= finding.start) all.push(first[next++] as Finding);
    if (next >= first.length || (first[next] as Finding).start >= finding.end) all.push(finding);
  }
  return all.concat(first.slice(next));
}

/** What an expression of the user's finds. */
function matchesOf(text: string, name: string, expression: RegExp): Finding[] {
  const all: Finding[] = [];
  for (const { 0: whole, index } of text.matchAll(expression)) {
    if (whole !== '') all.push({ name, start: index, end: index + whole.length });
  }
  return all;
}
