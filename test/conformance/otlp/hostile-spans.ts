// Spans of any content, from a seed; `KYMO_FUZZ_SEED` picks another one. Plain data.
import {
  SPAN_AGENT_SHIFT,
  SPAN_KIND_SHIFT,
  SPAN_PARENT_REMOTE,
  SPAN_STATUS_SHIFT,
  SPAN_TIMEOUT,
  SPAN_UNENDED,
} from '../../../src/binding/generated/layout.js';
import type { WritableEvent, WritableLink, WritableSpan } from '../../../src/binding/writable-span.js';
import { aSpan } from './bodies.js';

export const SEED = Number(process.env.KYMO_FUZZ_SEED ?? 1);

let state = SEED >>> 0 || 1;

/** A whole number in [0, below). */
function next(below: number): number {
  state ^= state << 13;
  state ^= state >>> 17;
  state ^= state << 5;
  return (state >>> 0) % below;
}

const word = (): number => next(2 ** 32) | 0;

const CHARACTERS = [...'az0 .-_/"\\\n\r\t\0\u001f\u007fäÿ漢\u2028\u2029🦀', '\ud83e', '\udd80', '\uffff'];

function text(): string {
  const length = [0, 1, 3, 10, 40, 126, 127, 128, 260][next(9)] as number;
  const kinds = [3, 8, 17, CHARACTERS.length][next(4)] as number;
  return Array.from({ length }, () => CHARACTERS[next(kinds)]).join('');
}

const NUMBERS = [
  0,
  -0,
  1,
  -1,
  0.1,
  2 ** 31,
  -(2 ** 31),
  2 ** 53 - 1,
  2 ** 53,
  -(2 ** 53),
  2 ** 63,
  1e300,
  5e-324,
  Number.NaN,
  -1 / 0,
  1 / 0,
];

function value(depth: number): unknown {
  switch (next(depth > 0 ? 9 : 7)) {
    case 0:
      return null;
    case 1:
      return next(2) === 0;
    case 2:
      return NUMBERS[next(NUMBERS.length)];
    case 3:
      return word() / 2 ** next(40);
    case 4:
      return BigInt.asIntN(64, (BigInt(word()) << 32n) | BigInt(word() >>> 0));
    case 5:
    case 6:
      return text();
    case 7:
      return Array.from({ length: next(4) }, () => value(depth - 1));
    default:
      return Object.fromEntries(Array.from({ length: next(4) }, () => [text(), value(depth - 1)]));
  }
}

function pairs(most: number): unknown[] | undefined {
  const keys = [...new Set(Array.from({ length: next(most + 1) }, (_, index) => (next(2) === 0 ? `key.${index}` : text())))];
  return keys.length === 0 ? undefined : keys.flatMap((key) => [key, value(3)]);
}

function event(): WritableEvent {
  return { name: text(), time: [1_700_000_000 + next(1000), next(1_000_000_000)], pairs: pairs(3), dropped: next(3) };
}

function link(): WritableLink {
  const flags = next(256) | (next(2) << 9);
  const ids = { t0: word(), t1: word(), t2: word(), t3: word(), s0: word(), s1: word() };
  return { ...ids, flags, traceStateText: next(2) === 0 ? '' : 'a=1,b=2', pairs: pairs(3), dropped: next(3) };
}

const list = <T>(make: () => T): T[] | undefined => (next(2) === 0 ? undefined : Array.from({ length: next(3) }, make));

/** A span that is hostile in every part. */
export function hostileSpan(scope: number): WritableSpan {
  const status = next(3);
  const bits =
    next(256) |
    (next(5) << SPAN_KIND_SHIFT) |
    (status << SPAN_STATUS_SHIFT) |
    (next(8) << SPAN_AGENT_SHIFT) |
    (status === 2 && next(2) === 0 ? SPAN_TIMEOUT : 0) |
    (next(2) === 0 ? SPAN_PARENT_REMOTE : 0) |
    (next(20) === 0 ? SPAN_UNENDED : 0);
  const startedAt = 1_700_000_000 + next(1000);
  return aSpan(scope, {
    t0: word(),
    t1: word(),
    t2: word(),
    t3: word() | 1,
    p0: next(2) === 0 ? 0 : word(),
    p1: next(2) === 0 ? 0 : word(),
    bits,
    name: text(),
    startedAt: [startedAt, next(1_000_000_000)],
    endedAt: [startedAt + 1 + next(100), next(1_000_000_000)],
    pairs: pairs(12),
    rest: {
      eventList: list(event),
      linkList: list(link),
      statusText: text(),
      traceStateText: next(2) === 0 ? '' : 'vendor=1,ot=th:8',
      droppedAttributes: next(2) * word(),
      droppedEvents: next(3),
      droppedLinks: next(3),
    },
  });
}
