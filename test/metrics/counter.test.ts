// Counters: what goes in, what is dropped, what removal and reset leave of a handle.
import { describe, expect, it } from 'vitest';
import { MetricsRegistry, OpsServer } from '../../src/index.js';
import { dropCounts, dropsOf, samplesOf, scrape } from './scrape.js';

const BAD: readonly [string, unknown, string][] = [
  ['NaN', Number.NaN, 'not_finite'],
  ['Infinity', Infinity, 'not_finite'],
  ['-Infinity', -Infinity, 'not_finite'],
  ['a negative number', -1, 'negative'],
  ['the smallest negative number', -Number.MIN_VALUE, 'negative'],
  ['a string', '1', 'not_a_number'],
  ['null', null, 'not_a_number'],
  ['a bigint', 1n, 'not_a_number'],
  ['a boolean', true, 'not_a_number'],
];

function jobs() {
  const registry = new MetricsRegistry();
  return { registry, counter: registry.counter({ name: 'jobs_total', help: 'Jobs', labelNames: ['kind'] }) };
}

describe('a counter', () => {
  it('is shown with 0 from its declaration when it has no labels', () => {
    const registry = new MetricsRegistry();
    registry.counter({ name: 'a_total', help: 'a' });
    registry.counter({ name: 'b_total', help: 'b', labelNames: ['x'] });
    expect(scrape(registry)).toEqual({ a_total: 0 });
  });

  it('takes a value, labels, or both in either order, and adds 1 without a value', () => {
    const { registry, counter } = jobs();
    const plain = registry.counter({ name: 'plain_total', help: 'Plain' });
    plain.inc();
    plain.inc(undefined);
    plain.inc(0.5);
    plain.inc(0);
    counter.inc({ kind: 'a' });
    counter.inc({ kind: 'a' }, 2);
    counter.inc(4, { kind: 'a' });
    counter.inc(undefined as never, { kind: 'a' });
    counter.inc({ kind: 'a' }, undefined);
    counter.labels('a').inc();
    counter.labels({ kind: 'a' }).inc(10);
    expect(scrape(registry)).toEqual({ plain_total: 2.5, 'jobs_total{kind="a"}': 20 });
  });

  it.each(BAD)('drops and counts %s, in every form of the call', (_, value, reason) => {
    const { registry, counter } = jobs();
    const plain = registry.counter({ name: 'plain_total', help: 'Plain' });
    const bound = counter.labels('a');
    const drops = dropsOf(() => {
      plain.inc(value as number);
      counter.inc({ kind: 'a' }, value as number);
      counter.inc(value as number, { kind: 'a' });
      bound.inc(value as number);
    });
    expect(drops).toEqual({ [reason]: 4 });
    expect(scrape(registry)).toEqual({ plain_total: 0, 'jobs_total{kind="a"}': 0 });
  });

  it('drops and counts objects that are neither labels nor a value', () => {
    const { registry, counter } = jobs();
    const bound = counter.labels('a');
    const drops = dropsOf(() => {
      bound.inc({ valueOf: () => 3 } as never);
      bound.inc([] as never);
      counter.inc({ kind: 'a' }, { kind: 'b' } as never);
    });
    expect(drops).toEqual({ not_a_number: 3 });
    expect(scrape(registry)).toEqual({ 'jobs_total{kind="a"}': 0 });
  });

  it('counts exactly up to 2^53, where adding 1 is lost and adding more is not', () => {
    const registry = new MetricsRegistry();
    const counter = registry.counter({ name: 'a_total', help: 'a' });
    counter.inc(2 ** 53 - 1);
    expect(registry.snapshot().counters.a_total).toBe(9007199254740991);
    counter.inc();
    counter.inc();
    expect(registry.snapshot().counters.a_total).toBe(2 ** 53);
    expect(registry.formatPrometheus()).toContain('a_total 9007199254740992\n');
    counter.inc(2);
    expect(registry.snapshot().counters.a_total).toBe(2 ** 53 + 2);
  });

  it('shows what it is bound to, never its memory', () => {
    const { counter } = jobs();
    expect(JSON.parse(JSON.stringify(counter.labels('a')))).toEqual({ counter: 'jobs_total', labels: ['a'] });
    expect(JSON.stringify(counter).length).toBeLessThan(200);
    expect(Object.keys(counter.labels('a'))).toEqual([]);
  });

  it('shows its drops in a scrape of the ops server', async () => {
    const registry = new MetricsRegistry();
    const counter = registry.counter({ name: 'a_total', help: 'a' });
    await using ops = new OpsServer({ registries: [registry], port: 0 });
    await ops.start();
    const scraped = async () => samplesOf(await (await fetch(`http://127.0.0.1:${(ops.address as { port: number }).port}/metrics`)).text());
    const series = 'kymo_dropped_total{signal="metrics",reason="negative"}';
    const before = (await scraped())[series] as number;
    counter.inc(-1);
    expect((await scraped())[series]).toBe(before + 1);
    expect(dropCounts().negative).toBe(before + 1);
  });
});

describe('a removed counter series', () => {
  it('is gone, and comes back from 0 when it is counted again', () => {
    const { registry, counter } = jobs();
    counter.inc({ kind: 'a' }, 5);
    counter.inc({ kind: 'b' }, 7);
    expect(counter.remove('a')).toBe(true);
    expect(counter.remove('a')).toBe(false);
    expect(counter.remove({ kind: 'never' })).toBe(false);
    expect(scrape(registry)).toEqual({ 'jobs_total{kind="b"}': 7 });
    counter.inc({ kind: 'a' });
    expect(scrape(registry)).toEqual({ 'jobs_total{kind="a"}': 1, 'jobs_total{kind="b"}': 7 });
  });

  it('comes back from 0 through a held handle, and shows at once when it is bound again', () => {
    const { registry, counter } = jobs();
    const handle = counter.labels('a');
    handle.inc(5);
    counter.remove('a');
    expect(scrape(registry)).toEqual({});
    expect(counter.labels('a')).toBe(handle);
    expect(scrape(registry)).toEqual({ 'jobs_total{kind="a"}': 0 });
    counter.remove('a');
    handle.inc(2);
    expect(scrape(registry)).toEqual({ 'jobs_total{kind="a"}': 2 });
    counter.inc({ kind: 'a' });
    expect(scrape(registry)).toEqual({ 'jobs_total{kind="a"}': 3 });
  });

  it('never lends its cells to another series while a handle is held, however often it is removed and written', () => {
    const { registry, counter } = jobs();
    const handle = counter.labels('a');
    for (let round = 0; round < 5; round++) {
      handle.inc(100);
      expect(counter.remove('a')).toBe(true);
      counter.inc({ kind: `other-${round}` });
    }
    handle.inc();
    const shown = scrape(registry);
    expect(shown['jobs_total{kind="a"}']).toBe(1);
    expect(Object.values(shown).filter((value) => value !== 1)).toEqual([]);
  });

  it('without labels can be removed, too, and counts into nothing else', () => {
    const registry = new MetricsRegistry();
    const counter = registry.counter({ name: 'a_total', help: 'a' });
    counter.inc(3);
    expect(counter.remove()).toBe(true);
    const other = registry.counter({ name: 'b_total', help: 'b', labelNames: ['x'] });
    for (let x = 0; x < 5; x++) other.labels(String(x));
    counter.inc(7);
    expect(scrape(registry)).toEqual({ a_total: 7, ...Object.fromEntries([0, 1, 2, 3, 4].map((x) => [`b_total{x="${x}"}`, 0])) });
  });
});

describe('reset', () => {
  it('sets every series to 0, takes none away and keeps handles', () => {
    const { registry, counter } = jobs();
    const handle = counter.labels('a');
    handle.inc(5);
    counter.inc({ kind: 'b' }, 7);
    counter.reset();
    expect(scrape(registry)).toEqual({ 'jobs_total{kind="a"}': 0, 'jobs_total{kind="b"}': 0 });
    handle.inc();
    counter.inc({ kind: 'b' });
    expect(scrape(registry)).toEqual({ 'jobs_total{kind="a"}': 1, 'jobs_total{kind="b"}': 1 });
  });
});

describe('an unregistered counter', () => {
  it('records nothing any more, throws nowhere, and its new series are counted drops', () => {
    const { registry, counter } = jobs();
    const handle = counter.labels('a');
    handle.inc();
    registry.unregister('jobs_total');
    handle.inc();
    expect(dropsOf(() => counter.inc({ kind: 'new' }))).toEqual({ unregistered: 1 });
    expect(dropsOf(() => counter.labels('newer').inc())).toEqual({ unregistered: 1 });
    expect(registry.formatPrometheus()).toBe('');
  });

  it('keeps its cells while a handle is held: a metric of the same name starts at 0 and stays there', () => {
    const { registry, counter } = jobs();
    const handle = counter.labels('a');
    handle.inc(5);
    registry.unregister('jobs_total');
    const again = registry.counter({ name: 'jobs_total', help: 'Jobs', labelNames: ['kind'] });
    expect(again).not.toBe(counter);
    again.labels('a');
    handle.inc(5);
    expect(scrape(registry)).toEqual({ 'jobs_total{kind="a"}': 0 });
  });
});
