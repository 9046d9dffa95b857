// Gauges: what goes in, what is dropped, and values that stay the same after a removal or a reset.
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { MetricsRegistry } from '../../src/index.js';
import { dropsOf, scrape } from './scrape.js';

function queue() {
  const registry = new MetricsRegistry();
  return { registry, gauge: registry.gauge({ name: 'queue', help: 'Queue', labelNames: ['kind'] }) };
}

describe('a gauge', () => {
  it('is set, raised and lowered with a value, labels, or both in either order', () => {
    const { registry, gauge } = queue();
    const plain = registry.gauge({ name: 'plain', help: 'Plain' });
    plain.set(5);
    plain.inc();
    plain.inc(2);
    plain.dec();
    plain.dec(0.5);
    plain.inc(-1);
    gauge.set({ kind: 'a' }, 1);
    gauge.set(2, { kind: 'b' });
    gauge.inc({ kind: 'a' });
    gauge.inc({ kind: 'a' }, 10);
    gauge.inc(100, { kind: 'a' });
    gauge.dec({ kind: 'b' });
    gauge.dec({ kind: 'b' }, 10);
    gauge.dec(100, { kind: 'b' });
    gauge.labels('c').set(-0.5);
    expect(scrape(registry)).toEqual({
      plain: 5.5,
      'queue{kind="a"}': 112,
      'queue{kind="b"}': -109,
      'queue{kind="c"}': -0.5,
    });
  });

  it('can be set to NaN and to the infinities, which are values of a gauge', () => {
    const { registry, gauge } = queue();
    gauge.set({ kind: 'nan' }, Number.NaN);
    gauge.set({ kind: 'up' }, Infinity);
    gauge.set({ kind: 'down' }, -Infinity);
    expect(dropsOf(() => gauge.set({ kind: 'nan' }, Number.NaN))).toEqual({});
    expect(registry.formatPrometheus()).toBe(
      '# HELP queue Queue\n# TYPE queue gauge\nqueue{kind="nan"} NaN\nqueue{kind="up"} +Inf\nqueue{kind="down"} -Inf\n',
    );
  });

  it.each([
    ['NaN', Number.NaN],
    ['Infinity', Infinity],
    ['-Infinity', -Infinity],
  ])('drops and counts a step of %s, which would stay for ever', (_, value) => {
    const { registry, gauge } = queue();
    const bound = gauge.labels('a');
    const drops = dropsOf(() => {
      bound.inc(value);
      bound.dec(value);
      gauge.inc({ kind: 'a' }, value);
      gauge.dec(value, { kind: 'a' });
    });
    expect(drops).toEqual({ not_finite: 4 });
    expect(scrape(registry)).toEqual({ 'queue{kind="a"}': 0 });
  });

  it.each([
    ['a string', '3'],
    ['null', null],
    ['an object', { valueOf: (): number => 3 }],
    ['a bigint', 3n],
  ])('drops and counts %s', (_, value) => {
    const { registry, gauge } = queue();
    const bound = gauge.labels('a');
    const drops = dropsOf(() => {
      bound.set(value as never);
      bound.inc(value as never);
      bound.dec(value as never);
      gauge.set({ kind: 'a' }, value as never);
    });
    expect(drops).toEqual({ not_a_number: 4 });
    expect(scrape(registry)).toEqual({ 'queue{kind="a"}': 0 });
  });

  it('drops and counts a missing value of set', () => {
    const { gauge } = queue();
    expect(dropsOf(() => gauge.labels('a').set(undefined as never))).toEqual({ not_a_number: 1 });
    expect(dropsOf(() => gauge.set({ kind: 'a' }, undefined as never))).toEqual({ not_a_number: 1 });
  });

  it('is set to the current time in seconds', () => {
    const { registry, gauge } = queue();
    const before = Date.now() / 1000;
    gauge.setToCurrentTime({ kind: 'a' });
    gauge.labels('b').setToCurrentTime();
    const after = Date.now() / 1000;
    for (const seconds of Object.values(scrape(registry))) {
      expect(seconds).toBeGreaterThanOrEqual(before);
      expect(seconds).toBeLessThanOrEqual(after);
    }
  });

  it('is set by a timer to the seconds that it gives', async () => {
    const { registry, gauge } = queue();
    const labels = { kind: 'a' };
    const end = gauge.startTimer(labels);
    labels.kind = 'changed';
    await sleep(2);
    const seconds = end();
    expect(seconds).toBeGreaterThan(0);
    expect(scrape(registry)).toEqual({ 'queue{kind="a"}': seconds });
  });
});

describe('a removed gauge series', () => {
  it.each(['bound', 'dynamic'])('shows again when it is set to the value that it had (%s)', (form) => {
    const { registry, gauge } = queue();
    const bound = gauge.labels('a');
    const set = (): void => (form === 'bound' ? bound.set(5) : gauge.set({ kind: 'a' }, 5));
    set();
    expect(gauge.remove('a')).toBe(true);
    expect(gauge.remove('a')).toBe(false);
    expect(scrape(registry)).toEqual({});
    set();
    expect(scrape(registry)).toEqual({ 'queue{kind="a"}': 5 });
    gauge.reset();
    expect(scrape(registry)).toEqual({ 'queue{kind="a"}': 0 });
    set();
    expect(scrape(registry)).toEqual({ 'queue{kind="a"}': 5 });
  });

  it('starts from 0 when a held handle raises it', () => {
    const { registry, gauge } = queue();
    const bound = gauge.labels('a');
    bound.set(5);
    gauge.remove('a');
    bound.inc();
    expect(scrape(registry)).toEqual({ 'queue{kind="a"}': 1 });
  });

  it('is written by every handle of it, and no handle writes another series', () => {
    const { registry, gauge } = queue();
    const first = gauge.labels('a');
    gauge.remove('a');
    const second = gauge.labels('a');
    first.set(1);
    expect(scrape(registry)).toEqual({ 'queue{kind="a"}': 1 });
    gauge.remove('a');
    gauge.set({ kind: 'b' }, 3);
    second.set(2);
    expect(scrape(registry)).toEqual({ 'queue{kind="b"}': 3, 'queue{kind="a"}': 2 });
    gauge.remove('a');
    gauge.set({ kind: 'c' }, 4);
    first.inc(10);
    second.inc(10);
    expect(scrape(registry)).toEqual({ 'queue{kind="b"}': 3, 'queue{kind="c"}': 4, 'queue{kind="a"}': 20 });
  });

  it('without labels can be removed, too, and sets nothing else', () => {
    const registry = new MetricsRegistry();
    const gauge = registry.gauge({ name: 'a', help: 'a' });
    gauge.set(3);
    expect(gauge.remove()).toBe(true);
    expect(scrape(registry)).toEqual({});
    registry.gauge({ name: 'b', help: 'b' });
    gauge.set(7);
    expect(scrape(registry)).toEqual({ a: 7, b: 0 });
  });

  it('of a last-value gauge comes back, too', () => {
    const registry = new MetricsRegistry();
    const gauge = registry.gauge({ name: 'version', help: 'Version', labelNames: ['kind'], aggregate: 'last' });
    const bound = gauge.labels('a');
    bound.set(3);
    gauge.remove('a');
    expect(scrape(registry)).toEqual({});
    gauge.set({ kind: 'b' }, 1);
    bound.set(3);
    expect(scrape(registry)).toEqual({ 'version{kind="a"}': 3, 'version{kind="b"}': 1 });
  });
});
