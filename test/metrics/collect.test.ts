// Collect callbacks: when they run, and what one that throws, hangs or is slow does to the others and to a scrape.
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { Counter, Gauge, MetricsRegistry, OpsServer } from '../../src/index.js';
import { CollectScheduler, collectorsOf } from '../../src/metrics/collect.js';
import { answer, DIST, memoryFolder, removeFolder, run } from '../recorder/processes.js';
import { ownSamples, samplesOf } from './scrape.js';

let names = 0;
/** A name that no other test's figures are counted under. */
const unique = (): string => `collector_${process.pid}_${names++}`;

/** What Kymo says of a collector: runs that ended badly by reason, seconds, and when it last ended well. */
function told(collector: string) {
  const samples = ownSamples();
  const errors = (reason: string) => samples[`kymo_collect_errors_total{collector="${collector}",reason="${reason}"}`] ?? 0;
  return {
    threw: errors('threw'),
    overran: errors('overran'),
    seconds: samples[`kymo_collect_seconds_total{collector="${collector}"}`],
    timestamp: samples[`kymo_collect_timestamp_seconds{collector="${collector}"}`],
  };
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await sleep(1);
}

/** A callback that ends when it is told to. */
function held() {
  let release: () => void = () => undefined;
  const gate = new Promise<void>((resolve) => {
    release = resolve;
  });
  const calls = { started: 0 };
  const collect = async (): Promise<void> => {
    calls.started++;
    await gate;
  };
  return { collect, calls, release };
}

describe('a collect callback', () => {
  it('sets its metric before a scrape, synchronously or not, with the metric as this', async () => {
    const registry = new MetricsRegistry();
    let length = 3;
    registry.gauge({
      name: 'queue',
      help: 'q',
      collect() {
        this.set(length);
      },
    });
    const counter = new Counter({
      name: 'ticks_total',
      async collect() {
        await sleep(1);
        this.inc();
      },
    });
    registry.register(counter);
    expect(samplesOf(await registry.metrics())).toMatchObject({ queue: 3 });
    length = 4;
    const before = counter.value;
    expect(samplesOf(await registry.metrics())).toMatchObject({ queue: 4, ticks_total: before + 1 });
  });

  it('runs soon after its declaration and then on the timer, so that a native scrape has its value and its age', async () => {
    const registry = new MetricsRegistry({ collectIntervalMs: 10 });
    let runs = 0;
    const name = unique();
    registry.gauge({
      name,
      help: 'g',
      collect() {
        this.set(++runs);
      },
    });
    await using ops = new OpsServer({ registries: [registry], port: 0 });
    await ops.start();
    const { port } = ops.address as { port: number };
    await until(() => runs >= 3);
    const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
    const samples = samplesOf(text);
    expect(samples[name]).toBeGreaterThanOrEqual(3);
    const age = Date.now() / 1000 - (samples[`kymo_collect_timestamp_seconds{collector="${name}"}`] as number);
    expect(age).toBeGreaterThanOrEqual(0);
    expect(age).toBeLessThan(60);
    expect(samples[`kymo_collect_seconds_total{collector="${name}"}`]).toBeGreaterThan(0);
  });

  it('that throws or rejects is counted, and the others run', async () => {
    const registry = new MetricsRegistry();
    const [throws, rejects] = [unique(), unique()];
    registry.gauge({
      name: throws,
      help: 'g',
      collect() {
        throw new Error('no');
      },
    });
    registry.gauge({ name: rejects, help: 'g', collect: () => Promise.reject(new Error('no')) });
    registry.gauge({
      name: 'fine',
      help: 'g',
      collect() {
        this.set(5);
      },
    });
    expect(samplesOf(await registry.metrics())).toEqual({ [throws]: 0, [rejects]: 0, fine: 5 });
    for (const name of [throws, rejects]) {
      expect(told(name)).toMatchObject({ threw: 1, overran: 0, timestamp: undefined });
    }
  });

  it('that hangs is waited for once, said so, and not started again before it settled', async () => {
    const registry = new MetricsRegistry({ collectTimeoutMs: 20, collectIntervalMs: 10 });
    const name = unique();
    const { collect, calls, release } = held();
    registry.gauge({ name, help: 'g', collect });
    registry.gauge({
      name: 'fine',
      help: 'g',
      collect() {
        this.set(5);
      },
    });
    for (let scrape = 0; scrape < 3; scrape++) expect(samplesOf(await registry.metrics())).toEqual({ [name]: 0, fine: 5 });
    await sleep(20);
    expect(calls.started).toBe(1);
    expect(told(name)).toMatchObject({ overran: 1, threw: 0, timestamp: undefined });
    release();
    await until(() => calls.started > 1);
    expect(told(name).timestamp).toBeGreaterThan(0);
  });

  it('that takes its time keeps no native scrape waiting', async () => {
    const registry = new MetricsRegistry();
    const { collect, calls, release } = held();
    registry.gauge({ name: 'slow', help: 'g', collect });
    await until(() => calls.started === 1);
    await using ops = new OpsServer({ registries: [registry], port: 0 });
    await ops.start();
    const { port } = ops.address as { port: number };
    expect(samplesOf(await (await fetch(`http://127.0.0.1:${port}/metrics`)).text())).toMatchObject({ slow: 0 });
    release();
  });

  it('runs no more once its metric is unregistered, or the registry cleared', async () => {
    const registry = new MetricsRegistry();
    const runs = { first: 0, second: 0 };
    const count = (which: keyof typeof runs) => () => {
      runs[which]++;
    };
    const [first, second] = [unique(), unique()];
    registry.gauge({ name: first, help: 'g', collect: count('first') });
    registry.gauge({ name: second, help: 'g', collect: count('second') });
    await registry.metrics();
    expect(told(first).timestamp).toBeGreaterThan(0);
    registry.unregister(first);
    await registry.metrics();
    expect(runs).toEqual({ first: 1, second: 2 });
    // The age of what is not collected any more would only grow.
    expect(told(first).timestamp).toBeUndefined();
    expect(told(second).timestamp).toBeGreaterThan(0);
    registry.clear();
    expect(told(second).timestamp).toBeUndefined();
    await registry.metrics();
    expect(runs).toEqual({ first: 1, second: 2 });
    expect(collectorsOf(registry).size).toBe(0);
  });

  it('that was declared last for a metric is the one that runs', async () => {
    const registry = new MetricsRegistry();
    const declared = (value: number) =>
      registry.gauge({
        name: 'g',
        help: 'g',
        collect() {
          this.set(value);
        },
      });
    expect(declared(1)).toBe(declared(2));
    expect(samplesOf(await registry.metrics())).toEqual({ g: 2 });
  });

  it('must be a function', () => {
    for (const collect of [1, 'x', {}, null]) {
      expect(() => new Gauge({ name: 'g', collect } as never)).toThrow(expect.objectContaining({ code: 'KYMO_METRICS_DECLARATION' }));
    }
  });
});

describe('a scheduler', () => {
  it('says which callbacks failed and which still run', async () => {
    const scheduler = new CollectScheduler({ timeoutMs: 5 });
    const [fails, hangs, works] = [unique(), unique(), unique()];
    const { collect, release } = held();
    scheduler.add(fails, () => Promise.reject(new Error('no')));
    scheduler.add(hangs, collect);
    scheduler.add(works, () => undefined);
    expect(await scheduler.run()).toEqual({ failed: [fails], late: [hangs] });
    release();
    scheduler.remove(fails);
    await sleep(1);
    expect(await scheduler.run()).toEqual({ failed: [], late: [] });
    expect(scheduler.remove(fails)).toBe(false);
    scheduler.clear();
    expect(scheduler.size).toBe(0);
  });

  it('keeps neither the process nor itself alive', async () => {
    const folder = memoryFolder();
    const ended = await run(
      `const { CollectScheduler } = await import('${DIST}metrics/collect.js');
       (await import('node:v8')).setFlagsFromString('--expose-gc');
       const gc = (await import('node:vm')).runInNewContext('gc');
       globalThis.held = new CollectScheduler({ intervalMs: 5 });
       held.add('kept', () => undefined);
       let gone;
       const registry = new FinalizationRegistry((name) => { gone = name; });
       (() => {
         const scheduler = new CollectScheduler({ intervalMs: 1 });
         scheduler.add('a', () => undefined);
         registry.register(scheduler, 'gone');
       })();
       for (let n = 0; n < 1000 && gone === undefined; n++) { await new Promise((resolve) => setTimeout(resolve, 5)); gc(); }
       say({ gone });`,
      { folder },
    );
    removeFolder(folder);
    expect(ended.stderr).toBe('');
    expect(ended.code).toBe(0);
    expect(answer(ended)).toEqual({ gone: 'gone' });
  });
});
