// Aggregation over worker threads: against what is written here, and against 0.16.1 where that runs.
import { describe, expect, it } from 'vitest';
import { FILES, outcomeOf, TEXT_AFTER_GOODBYE, TEXT_OF_THREE } from './programs-of-many.js';

describe('WorkerRegistry', () => {
  it.each<[string, string, (outcome: string[]) => void]>([
    ['none', 'gives nothing without threads', (outcome) => expect(outcome).toEqual([''])],
    ['plain', 'adds up three threads', (outcome) => expect(outcome).toEqual([TEXT_OF_THREE, TEXT_OF_THREE])],
    [
      'other',
      'adds up the registry that threads name',
      ([text]) => expect(text).toBe('# HELP other_total h\n# TYPE other_total counter\nother_total 6\n'),
    ],
    [
      'killed',
      'says how many threads did not answer in time',
      (outcome) => expect(outcome[2]).toBe('Error: Operation timed out. 1 outstanding responses.'),
    ],
    ['goodbye', 'keeps the sums of threads that said goodbye', (outcome) => expect(outcome[2]).toBe(TEXT_AFTER_GOODBYE)],
  ])('%s: %s', async (what, _, check) => {
    const ours = await outcomeOf('worker-program.cjs', FILES.ours, what);
    check(ours);
    if (FILES.successor) expect(ours).toEqual(await outcomeOf('worker-program.cjs', FILES.successor, what));
  });
});
