// Random programs do the same on ours and on pino 10: every line byte for byte, unless pino throws or writes a line that is no JSON.
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { original, ours } from './original.js';
import { run } from './random-programs.js';
import { isJson } from './told.js';

const FIRST = Number(process.env.KYMO_SEED ?? 1);
const PROGRAMS = Number(process.env.KYMO_PROGRAMS ?? 1500);
const STEPS = 25;

beforeAll(() => {
  vi.useFakeTimers({ now: 1_700_000_000_123 });
});
afterAll(() => {
  vi.useRealTimers();
});

describe.runIf(original)('random programs', () => {
  it(`write what they write with pino: ${PROGRAMS} programs of ${STEPS} steps from seed ${FIRST}`, () => {
    let compared = 0;
    for (let seed = FIRST; seed < FIRST + PROGRAMS; seed++) {
      const theirs = run(original as NonNullable<typeof original>, seed, STEPS);
      const mine = run(ours, seed, STEPS);
      for (const [index, step] of theirs.entries()) {
        const own = mine[index];
        const where = `seed ${seed}, step ${index}`;
        if (step.threw === undefined && step.lines.every(isJson)) {
          // A comparison of texts first: `expect` takes longer than both libraries.
          if (JSON.stringify(own) !== JSON.stringify(step)) expect(own, where).toEqual(step);
          compared++;
        } else if (own?.threw === undefined) {
          expect(
            own?.lines.filter((line) => !isJson(line)),
            where,
          ).toEqual([]);
        } else {
          expect(own, where).toEqual(step);
        }
      }
    }
    expect(compared).toBeGreaterThan(PROGRAMS * STEPS * 0.8);
  }, 120_000);
});
