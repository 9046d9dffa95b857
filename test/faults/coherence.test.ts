// What a scrape shows of one series belongs together, whoever writes meanwhile.
import { execFileSync } from 'node:child_process';
import { expect, it } from 'vitest';

const BUILT = new URL('../../dist/index.js', import.meta.url).href;

it('buckets, count and sum of a histogram agree in every scrape while other threads observe (rule 24)', { timeout: 60_000 }, () => {
  const observer = `
    import { parentPort } from 'node:worker_threads';
    import { metrics } from ${JSON.stringify(BUILT)};
    const both = metrics.histogram({ name: 'both', help: 'b', buckets: [1, 2], native: true });
    const classic = metrics.histogram({ name: 'classic', help: 'c', buckets: [1, 2] });
    parentPort.postMessage('here');
    const until = performance.now() + 1500;
    for (let n = 0; performance.now() < until; n++) { both.observe(n % 4); classic.observe(n % 4); }`;
  const script = `
    import { once } from 'node:events';
    import { Worker } from 'node:worker_threads';
    import { metrics } from ${JSON.stringify(BUILT)};
    const workers = [1, 2].map(() => new Worker(new URL(${JSON.stringify(`data:text/javascript,${encodeURIComponent(observer)}`)})));
    await Promise.all(workers.map((worker) => once(worker, 'message')));
    let running = workers.length;
    for (const worker of workers) worker.once('exit', () => { running -= 1; });
    const wrong = [];
    let scrapes = 0;
    let last = 0;
    while (running > 0) {
      const values = new Map();
      for (const line of metrics.formatPrometheus().split('\\n')) {
        const [, key, value] = /^(\\S+) (\\S+)$/.exec(line) ?? [];
        if (key !== undefined) values.set(key, Number(value));
      }
      for (const name of ['both', 'classic']) {
        const count = values.get(name + '_count');
        const buckets = ['1', '2', '+Inf'].map((le) => values.get(name + '_bucket{le="' + le + '"}'));
        const ascending = buckets[0] <= buckets[1] && buckets[1] <= buckets[2];
        // The values are 0 to 3 in turn, so that the sum is 1.5 for each; it may trail by what each thread is writing. Both kinds of
        // buckets are 500 cells: their counts agree, and the sum is of some moment while they were read.
        const apart = name === 'classic' ? Math.abs(values.get(name + '_sum') - 1.5 * count) : 0;
        if (buckets[2] !== count || !ascending || !(apart <= 2 * 6)) wrong.push({ name, count, buckets, apart });
      }
      last = values.get('both_count');
      scrapes += 1;
      if (scrapes % 20 === 0) await new Promise(setImmediate);
    }
    console.log(JSON.stringify({ wrong: wrong.slice(0, 3), scrapes, last }));`;
  const output = execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
  const { wrong, scrapes, last } = JSON.parse(output) as { wrong: unknown[]; scrapes: number; last: number };
  expect(wrong).toEqual([]);
  expect(scrapes).toBeGreaterThan(100);
  expect(last).toBeGreaterThan(10_000);
});
