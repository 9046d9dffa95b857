// The hook on recorded values: who is told what, and that it is gone without a trace when nobody listens.
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { Counter, Gauge, Histogram, type MetricRecorded, metricHooks } from '../../src/index.js';
import { ownSamples } from './scrape.js';

const stops: (() => void)[] = [];
function listen(listener: (event: MetricRecorded) => unknown): () => void {
  const stop = metricHooks.on('metricRecorded', listener);
  stops.push(stop);
  return stop;
}
afterEach(() => {
  for (const stop of stops.splice(0)) stop();
});

const failures = (): number => ownSamples()['kymo_hook_errors_total{hook="metricRecorded"}'] ?? 0;

describe('a listener', () => {
  it('is told name, value and labels of each recorded value, whichever way it came [L-022]', () => {
    const counter = new Counter({ name: 'c_total', labelNames: ['kind'] });
    const plain = new Counter({ name: 'p_total' });
    const gauge = new Gauge({ name: 'g', labelNames: ['kind'] });
    const bound = counter.labels('bound');
    const events: [string, number, string | undefined][] = [];
    listen(({ metricName, value, labels }) => events.push([metricName, value, labels.kind]));
    bound.inc();
    counter.inc({ kind: 'a' });
    counter.inc(2, { kind: 'a' });
    counter.inc({ kind: 'b' }, 3);
    counter.labels('b').inc(4);
    counter.record(5, { kind: 'b' });
    plain.inc();
    plain.increment(6);
    gauge.set({ kind: 'a' }, 7);
    gauge.inc({ kind: 'a' });
    gauge.dec({ kind: 'a' }, 8);
    gauge.labels('b').set(Number.NaN);
    expect(events).toEqual([
      ['c_total', 1, 'bound'],
      ['c_total', 1, 'a'],
      ['c_total', 2, 'a'],
      ['c_total', 3, 'b'],
      ['c_total', 4, 'b'],
      ['c_total', 5, 'b'],
      ['p_total', 1, undefined],
      ['p_total', 6, undefined],
      ['g', 7, 'a'],
      ['g', 1, 'a'],
      ['g', -8, 'a'],
      ['g', Number.NaN, 'b'],
    ]);
    expect([counter.getCount(), plain.value, gauge.getValue({ kind: 'a' })]).toEqual([16, 7, 0]);
  });

  it('is told what a histogram observes', () => {
    const histogram = new Histogram({ name: 'h', labelNames: ['kind'], buckets: [1] });
    const events: unknown[] = [];
    listen(({ metricName, value, labels }) => events.push([metricName, value, labels]));
    histogram.observe({ kind: 'a' }, 0.5);
    histogram.labels('b').observe(2);
    histogram.labels('b').observe(Number.NaN);
    expect(events).toEqual([
      ['h', 0.5, { kind: 'a' }],
      ['h', 2, { kind: 'b' }],
    ]);
  });

  it('is not told of values that were dropped, and what it is given cannot be changed', () => {
    const counter = new Counter({ name: 'c_total', labelNames: ['kind'] });
    const events: MetricRecorded[] = [];
    listen((event) => events.push(event));
    counter.inc({ kind: 'a' }, -1);
    counter.labels('a').inc(Number.NaN);
    counter.inc({ kind: 'x'.repeat(20_000) });
    expect(events).toEqual([]);
    counter.inc({ kind: 'a' });
    expect(() => Object.assign(events[0] as object, { value: 2 })).toThrow(TypeError);
    expect(() => Object.assign((events[0] as MetricRecorded).labels, { kind: 'b' })).toThrow(TypeError);
  });

  it('that throws or rejects is counted, and neither the recording nor the others notice', async () => {
    const counter = new Counter({ name: 'c_total' });
    let heard = 0;
    const before = failures();
    listen(() => {
      throw new Error('no');
    });
    listen(async () => {
      await sleep(1);
      throw new Error('no');
    });
    listen(() => heard++);
    counter.inc();
    counter.inc();
    expect([counter.value, heard]).toEqual([2, 2]);
    while (failures() < before + 4) await sleep(1);
    expect(failures()).toBe(before + 4);
  });

  it('may record itself without being told of that, and may come and go while it is told', () => {
    const counter = new Counter({ name: 'c_total' });
    const calls = new Counter({ name: 'calls_total' });
    const told: string[] = [];
    listen(({ metricName }) => {
      calls.inc();
      told.push(metricName);
    });
    const stop = listen(() => {
      stop();
      listen(() => told.push('late'));
    });
    counter.inc();
    expect(told).toEqual(['c_total']);
    counter.inc();
    expect(told).toEqual(['c_total', 'c_total', 'late']);
    expect(calls.value).toBe(2);
  });

  it('that was added twice is told twice, and each ends by itself', () => {
    const counter = new Counter({ name: 'c_total' });
    let heard = 0;
    const listener = (): void => {
      heard++;
    };
    const first = listen(listener);
    listen(listener);
    counter.inc();
    expect(heard).toBe(2);
    first();
    first();
    counter.inc();
    expect(heard).toBe(3);
  });

  it('must be a function for an event that there is', () => {
    const coded = expect.objectContaining({ code: 'KYMO_CONFIG_VALUE' });
    expect(() => metricHooks.on('metricLost' as never, () => undefined)).toThrow(coded);
    expect(() => metricHooks.on('metricRecorded', undefined as never)).toThrow(coded);
  });
});

describe('without a listener', () => {
  it('instruments record with the very methods that they were born with [L-022]', () => {
    const counter = new Counter({ name: 'c_total', labelNames: ['kind'] });
    const gauge = new Gauge({ name: 'g' });
    const methods = () =>
      [counter.labels('a'), counter, gauge.labels()].flatMap((instrument) => {
        const prototype = Object.getPrototypeOf(instrument);
        return [prototype.inc, prototype.set, prototype.dec];
      });
    const before = methods();
    const stop = listen(() => undefined);
    expect(methods()).not.toEqual(before);
    stop();
    expect(methods()).toEqual(before);
    expect(Object.keys(counter.labels('a'))).toEqual([]);
  });
});
