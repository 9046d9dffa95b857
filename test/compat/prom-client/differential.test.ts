// Random programs do the same on ours and on prom-client: text, JSON, results, errors.
import { describe, expect, it } from 'vitest';
import * as ours from '../../../src/compat/prom-client/index.js';
import { original } from './original.js';
import { run } from './programs.js';

const FIRST = Number(process.env.KYMO_SEED ?? 1);
const PROGRAMS = Number(process.env.KYMO_PROGRAMS ?? 150);
const STEPS = 60;

describe.runIf(original)('random programs', () => {
  it(`give what they give on prom-client: ${PROGRAMS} programs of ${STEPS} steps from seed ${FIRST}`, async () => {
    for (let seed = FIRST; seed < FIRST + PROGRAMS; seed++) {
      const theirs = await run(original as typeof ours, seed, STEPS);
      expect(await run(ours, seed, STEPS), `seed ${seed}`).toEqual(theirs);
    }
  }, 120_000);
});
