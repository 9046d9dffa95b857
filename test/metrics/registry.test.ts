// Registries: what is shared, what is apart, and what goes when something is taken out. Children run with --expose-gc.
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { MetricsRegistry, metrics } from '../../src/index.js';
import { DIST } from '../recorder/processes.js';
import { scrape } from './scrape.js';

/** What a snapshot says of the kinds that are not there. */
const NONE = { summaries: {}, infos: {}, stateSets: {} };

/** Runs a module in a worker thread, with its own copy of the package, and gives what it posted. */
async function inWorker<T>(script: string): Promise<T> {
  const code = `import { parentPort } from 'node:worker_threads'; const { MetricsRegistry, metrics } = await import('${DIST}index.js'); ${script}`;
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(code)}`));
  const [[answer]] = await Promise.all([once(worker, 'message'), once(worker, 'exit')]);
  return answer as T;
}

/** Runs a module that may collect garbage; what it says as JSON. */
function collecting<T>(script: string): T {
  const code = `const { MetricsRegistry, metrics } = await import('${DIST}index.js');
    const { native } = await import('${DIST}binding/load.js');
    const { setImmediate: turn, setTimeout: sleep } = await import('node:timers/promises');
    const collect = async () => { for (let n = 0; n < 3; n++) { gc(); await sleep(1); await turn(); } };
    const bytes = () => { const { fileBytes, anonymousBytes } = native.memoryState(); return fileBytes + anonymousBytes; };
    const show = (value) => console.log(JSON.stringify(value));
    ${script}`;
  const { stdout, stderr, status } = spawnSync(process.execPath, ['--expose-gc', '--input-type=module', '-e', code], {
    encoding: 'utf8',
    env: { ...process.env, KYMO_MEMORY: 'anonymous' },
  });
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as T;
}

describe('a registry', () => {
  it('without a name is its own, with one it is shared, and the default one is called default', () => {
    const [one, other] = [new MetricsRegistry(), new MetricsRegistry()];
    one.inc('a');
    expect(scrape(other)).toEqual({});
    const [shared, again] = [new MetricsRegistry({ name: 'shared' }), new MetricsRegistry({ name: 'shared' })];
    shared.inc('b');
    again.inc('b');
    expect(scrape(shared)).toEqual({ b: 2 });
    expect(again.counter({ name: 'b', help: 'b' })).toBe(shared.counter({ name: 'b', help: 'b' }));
    expect(new MetricsRegistry({ name: 'default' }).id).toBe(metrics.id);
  });

  it.each(['', 'kymo', 1, null])('may not be called %o', (name) => {
    expect(() => new MetricsRegistry({ name } as never)).toThrow(expect.objectContaining({ code: 'KYMO_METRICS_DECLARATION' }));
  });

  it('that is empty has nothing to say in either format', async () => {
    const registry = new MetricsRegistry();
    expect(registry.formatPrometheus()).toBe('');
    expect(await registry.metrics()).toBe('');
    expect(await registry.metrics({ format: 'openmetrics' })).toBe('# EOF\n');
    expect(registry.snapshot()).toEqual({ counters: {}, gauges: {}, histograms: {}, ...NONE });
    expect(registry.get('a')).toBeUndefined();
    expect(registry.unregister('a')).toBe(false);
    registry.reset();
    registry.clear();
  });

  it('refuses a format that it does not know', () => {
    for (const format of ['json', '', 'constructor', null]) {
      expect(() => new MetricsRegistry().metrics({ format: format as never })).toThrow(
        expect.objectContaining({ code: 'KYMO_CONFIG_VALUE' }),
      );
    }
  });

  it('shows itself by its metrics, never by its memory', () => {
    const registry = new MetricsRegistry();
    registry.inc('a');
    expect(JSON.parse(JSON.stringify(registry))).toEqual({ id: registry.id, metrics: ['a'] });
  });

  it('loses only what is unregistered, and everything when it is cleared', () => {
    const registry = new MetricsRegistry();
    registry.inc('a');
    registry.inc('b');
    expect(registry.unregister('a')).toBe(true);
    expect(registry.unregister('a')).toBe(false);
    expect(registry.get('a')).toBeUndefined();
    expect(scrape(registry)).toEqual({ b: 1 });
    registry.inc('a');
    expect(scrape(registry)).toEqual({ b: 1, a: 1 });
    registry.clear();
    expect(scrape(registry)).toEqual({});
    registry.inc('b');
    expect(scrape(registry)).toEqual({ b: 1 });
  });
});

describe('a registry that several threads share', () => {
  it('adds up what they count, each by its own object of the metric', async () => {
    const registry = new MetricsRegistry({ name: 'threads' });
    registry.inc('jobs', 5);
    const seen = await inWorker<number>(
      `const own = new MetricsRegistry({ name: 'threads' }); own.inc('jobs', 2); parentPort.postMessage(own.snapshot().counters.jobs);`,
    );
    expect(seen).toBe(7);
    expect(scrape(registry)).toEqual({ jobs: 7 });
  });

  it('takes what another thread declared by its name alone, with its description, labels and buckets', async () => {
    const registry = new MetricsRegistry({ name: 'by name' });
    await inWorker(
      `const own = new MetricsRegistry({ name: 'by name' });
       own.counter('jobs', 'Jobs done', ['queue', 'outcome']).inc({ queue: 'a', outcome: 'ok' });
       own.histogram('took', 'Time', [1, 2]).observe(1.5);
       own.gauge({ name: 'depth', help: 'Depth', aggregate: 'last' }).set(3);
       own.summary({ name: 'waited', help: 'Wait', quantiles: [0.5] }).observe(3);
       own.stateSet('mode', { states: ['on', 'off'] }).set('on');
       parentPort.postMessage('done');`,
    );
    expect(registry.getMetric('jobs')).toBeUndefined();
    const jobs = registry.counter('jobs');
    expect([jobs.help, jobs.labelNames]).toEqual(['Jobs done', ['queue', 'outcome']]);
    registry.inc('jobs', 2, { outcome: 'ok', queue: 'a' });
    registry.observe('took', 0.5);
    registry.gauge('depth', 4);
    registry.observe('waited', 3);
    registry.summary('waited').observe(3);
    registry.stateSet({ name: 'mode', help: 'other words', states: ['on', 'off'] }).set('off');
    expect(() => registry.gauge('jobs')).toThrow(expect.objectContaining({ code: 'KYMO_METRICS_CONFLICT' }));
    expect(() => registry.counter('jobs', '', ['queue'])).toThrow(expect.objectContaining({ code: 'KYMO_METRICS_CONFLICT' }));
    expect(registry.snapshot()).toMatchObject({
      counters: { 'jobs{queue="a",outcome="ok"}': 3 },
      gauges: { depth: 4 },
      histograms: { took: { count: 2, sum: 2, buckets: { 1: 1, 2: 1, '+Inf': 0 } } },
      summaries: { waited: { count: 3, sum: 9 } },
      stateSets: { mode: { on: 0, off: 1 } },
    });
  });

  it('can read, reset and unregister what another thread declared', async () => {
    const registry = new MetricsRegistry({ name: 'foreign' });
    await inWorker(
      `const own = new MetricsRegistry({ name: 'foreign' });
       own.histogram({ name: 'h', help: 'h', buckets: [1, 2] }).observe(1.5);
       own.inc('c', 3);
       parentPort.postMessage('done');`,
    );
    expect(registry.snapshot()).toEqual({
      counters: { c: 3 },
      gauges: {},
      histograms: { h: { count: 1, sum: 1.5, buckets: { 1: 0, 2: 1, '+Inf': 0 } } },
      ...NONE,
    });
    registry.reset();
    expect(registry.snapshot()).toEqual({
      counters: { c: 0 },
      gauges: {},
      histograms: { h: { count: 0, sum: 0, buckets: { 1: 0, 2: 0, '+Inf': 0 } } },
      ...NONE,
    });
    expect(registry.unregister('c')).toBe(true);
    expect(Object.keys(registry.snapshot().counters)).toEqual([]);
  });

  it('refuses on one thread what conflicts with a declaration of another', async () => {
    const registry = new MetricsRegistry({ name: 'conflicts' });
    registry.gauge({ name: 'a', help: 'a' });
    const code = await inWorker(
      `try { new MetricsRegistry({ name: 'conflicts' }).inc('a'); } catch (error) { parentPort.postMessage(error.code); }`,
    );
    expect(code).toBe('KYMO_METRICS_CONFLICT');
  });

  it('is apart from an unnamed one of another thread', async () => {
    const seen = await inWorker(`const own = new MetricsRegistry(); own.inc('mine'); parentPort.postMessage(own.formatPrometheus());`);
    expect(seen).toContain('mine 1\n');
    expect(scrape(metrics)).toEqual({});
  });
});

describe('what nobody can reach any more', () => {
  it('gives its memory back: registries with all their metrics', () => {
    const sizes = collecting<number[]>(`
      const use = () => { const own = new MetricsRegistry(); const c = own.counter({ name: 'c', help: 'c', labelNames: ['a'] });
        for (let n = 0; n < 50; n++) c.labels('x'.repeat(100) + n).inc(); };
      const sizes = [];
      for (let round = 0; round < 8; round++) { for (let n = 0; n < 100; n++) { use(); if (n % 50 === 0) await collect(); } await collect(); sizes.push(bytes()); }
      show(sizes);`);
    // 5,000 series of some 170 bytes per round.
    expect(sizes.at(-1)).toBeLessThanOrEqual((sizes[3] as number) + 2 ** 20);
  });

  it('is shown as long as one of its metrics is held', () => {
    const text = collecting<string>(`
      const held = (() => new MetricsRegistry().counter({ name: 'c', help: 'c' }))();
      const id = new MetricsRegistry().id - 1;
      held.inc(); await collect(); held.inc(); await collect();
      show(native.renderSync([id], 0, false));`);
    expect(text).toContain('c 2\n');
  });
});

describe('churn', () => {
  it.each(['counter', 'gauge', 'histogram'])('of 200,000 series of a %s needs no more memory than what lives', (kind) => {
    const [early, late, shown] = collecting<number[]>(`
      const registry = new MetricsRegistry();
      const metric = registry.${kind}({ name: 'm', help: 'm', labelNames: ['a'] });
      const use = { counter: (a) => metric.inc({ a }), gauge: (a) => metric.set({ a }, 1), histogram: (a) => metric.observe({ a }, 1) }.${kind};
      let early;
      for (let n = 0; n < 200_000; n++) {
        use('value-' + n);
        if (!metric.remove('value-' + n)) throw new Error('not there');
        if (n === 20_000) early = bytes();
        if (n % 1000 === 0) await turn();
      }
      show([early, bytes(), registry.formatPrometheus().split('\\n').filter((line) => line.startsWith('m')).length]);`);
    expect(late).toBe(early);
    expect(shown).toBe(0);
  });

  it.each(['counter', 'gauge', 'histogram'])('of handles to a %s gives cells back once they were collected', (kind) => {
    const sizes = collecting<number[]>(`
      const registry = new MetricsRegistry();
      const metric = registry.${kind}({ name: 'm', help: 'm', labelNames: ['a'] });
      const write = { counter: (h) => h.inc(), gauge: (h) => h.set(1), histogram: (h) => h.observe(1) }.${kind};
      const sizes = [];
      let n = 0;
      for (let round = 0; round < 12; round++) {
        for (let turnOf = 0; turnOf < 2000; turnOf++, n++) { write(metric.labels('v' + n)); metric.remove('v' + n); }
        await collect();
        sizes.push(bytes());
      }
      show(sizes);`);
    expect(sizes.at(-1)).toBe(sizes[5]);
  });

  it('never moves a held handle to another series: each counts into its own', () => {
    const { wrong, held } = collecting<{ wrong: string[]; held: number }>(`
      const registry = new MetricsRegistry();
      const metric = registry.counter({ name: 'm', help: 'm', labelNames: ['a'] });
      const held = new Map();
      for (let n = 0; n < 20_000; n++) {
        const handle = metric.labels('v' + n);
        if (n % 100 === 0) held.set('v' + n, handle);
        handle.inc(1e9);
        metric.remove('v' + n);
        if (n % 2000 === 0) await collect();
      }
      for (let n = 0; n < 1000; n++) metric.inc({ a: 'new' + n }, 0);
      let k = 0;
      for (const handle of held.values()) handle.inc(++k);
      const { counters } = registry.snapshot();
      const expected = Object.fromEntries([...held.keys()].map((a, at) => ['m{a="' + a + '"}', at + 1]));
      for (let n = 0; n < 1000; n++) expected['m{a="new' + n + '"}'] = 0;
      show({ wrong: Object.keys({ ...expected, ...counters }).filter((key) => expected[key] !== counters[key]), held: held.size });`);
    expect(held).toBe(200);
    expect(wrong).toEqual([]);
  });
});
