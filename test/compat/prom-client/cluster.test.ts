// Aggregation over the processes of a cluster: 15's against prom-client 15.1.3, 0.16's against what is written here, and against 0.16.1
// where that runs.
import { describe, expect, it } from 'vitest';
import { FILES, outcomeOf, PRIMARY_TEXT, TEXT_OF_THREE } from './programs-of-many.js';

const cluster = (file: string, kind: string, what: string): Promise<string[]> => outcomeOf('cluster-program.cjs', file, kind, what);

describe.runIf(FILES.original)('AggregatorRegistry', () => {
  it.each([
    ['none', 'gives nothing without workers'],
    ['plain', 'adds up three workers'],
    ['other', 'adds up the registries that workers name'],
    ['failing', 'rejects with the error of a worker'],
    ['deaf', 'leaves a worker without listeners out until the time is up'],
    ['killed', 'goes on with the workers that are left'],
  ])('%s: %s, as the original does', async (what) => {
    const ours = await cluster(FILES.ours, 'AggregatorRegistry', what);
    expect(ours).toEqual(await cluster(FILES.original as string, 'AggregatorRegistry', what));
    if (what === 'plain') expect(ours).toEqual([TEXT_OF_THREE, TEXT_OF_THREE]);
    if (what === 'failing') expect(ours[0]).toBe('Error: cannot collect');
    if (what === 'deaf') expect(ours[0]).toBe('Error: Operation timed out.');
  });
});

describe('ClusterRegistry', () => {
  const both = `${PRIMARY_TEXT}\n${TEXT_OF_THREE}`;
  it.each<[string, string, (outcome: string[]) => void]>([
    ['none', 'gives the metrics of the primary alone', (outcome) => expect(outcome).toEqual([PRIMARY_TEXT])],
    ['plain', 'adds up the primary and three workers', (outcome) => expect(outcome).toEqual([both, both])],
    [
      'other',
      'adds up the registries that workers name',
      ([text]) => expect(text).toBe(`${both}\n# HELP other_total h\n# TYPE other_total counter\nother_total 6\n`),
    ],
    ['failing', 'rejects with the error of a worker', ([error]) => expect(error).toBe('Error: cannot collect')],
    [
      'deaf',
      'says how many workers did not answer in time',
      ([error]) => expect(error).toBe('Error: Operation timed out. 1 outstanding responses.'),
    ],
    ['killed', 'goes on with the workers that are left', (outcome) => expect(outcome[2]).toContain('requests_total{path="/a"} 1\n')],
    ['goodbye', 'keeps the sums of workers that said goodbye', (outcome) => expect(outcome[2]).toContain('requests_total{path="/a"} 6\n')],
  ])('%s: %s', async (what, _, check) => {
    const ours = await cluster(FILES.ours, 'ClusterRegistry', what);
    check(ours);
    if (FILES.successor) expect(ours).toEqual(await cluster(FILES.successor, 'ClusterRegistry', what));
  });
});
