// The queue of completed spans: order, bound, waiting, and what is counted.
import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { SpanQueue } from '../../src/index.js';
import { spansDropped } from './own-counts.js';

const full = (): number => spansDropped('queue_full');

describe('SpanQueue', () => {
  it('[V-34] gives spans in the order in which they came, and holds 10,000 unless told otherwise', () => {
    const queue = new SpanQueue<number>();
    expect(queue.maxSize).toBe(10_000);
    for (let n = 0; n < 40; n++) queue.putNowait(n);
    expect([queue.getNowait(), queue.getNowait()]).toEqual([0, 1]);
    for (let n = 40; n < 100; n++) queue.putNowait(n);
    expect(queue.takeNowait(3)).toEqual([2, 3, 4]);
    expect(queue.takeNowait(1_000)).toEqual(Array.from({ length: 95 }, (_, n) => n + 5));
    expect([queue.size, queue.getNowait(), queue.takeNowait(1)]).toEqual([0, undefined, []]);
  });

  it.each([0, -1, 1.5, Number.NaN, Infinity, 2 ** 24 + 1, '10'])('[V-36] refuses the size %s: none is unbounded', (maxSize) => {
    expect(() => new SpanQueue({ maxSize: maxSize as number })).toThrow(expect.objectContaining({ code: 'KYMO_CONFIG_VALUE' }));
  });

  it('[V-35 V-36] never waits or throws when it is full: the oldest is dropped for the newest, and counted', () => {
    const before = full();
    const queue = new SpanQueue<number>({ maxSize: 3 });
    for (let n = 0; n < 8; n++) queue.putNowait(n);
    expect([queue.size, queue.dropped]).toEqual([3, 5]);
    expect(full() - before).toBe(5);
    expect(queue.takeNowait(10)).toEqual([5, 6, 7]);
  });

  it('[V-36] keeps what is newest of 25,000', () => {
    const queue = new SpanQueue<number>();
    for (let n = 0; n < 25_000; n++) queue.putNowait(n);
    expect([queue.size, queue.dropped, queue.getNowait()]).toEqual([10_000, 15_000, 15_000]);
    expect(queue.takeNowait(10_000).at(-1)).toBe(24_999);
  });

  it('[V-37] gives the oldest at once, or waits for one; those who wait are served in the order in which they asked', async () => {
    const queue = new SpanQueue<string>();
    queue.putNowait('first');
    expect(await queue.get()).toBe('first');
    const served: string[] = [];
    const waiting = ['a', 'b', 'c'].map(async (name) => served.push(`${name}: ${await queue.get()}`));
    await turn();
    expect(served).toEqual([]);
    for (const span of ['1', '2', '3', '4']) queue.putNowait(span);
    await Promise.all(waiting);
    expect(served).toEqual(['a: 1', 'b: 2', 'c: 3']);
    expect(queue.takeNowait(2)).toEqual(['4']);
  });

  it('[V-37] loses no span to somebody who gives up, before or after the span came', async () => {
    const queue = new SpanQueue<string>();
    const reason = new Error('enough');
    const early = new AbortController();
    const late = new AbortController();
    const waits = [queue.get(early.signal), queue.get(late.signal), queue.get()];
    const gaveUp = expect(waits[0]).rejects.toBe(reason);
    early.abort(reason);
    queue.putNowait('1');
    late.abort(reason); // Its span is on its way.
    queue.putNowait('2');
    await gaveUp;
    expect(await Promise.all(waits.slice(1))).toEqual(['1', '2']);
    await expect(queue.get(early.signal)).rejects.toBe(reason);
    queue.putNowait('3');
    await expect(queue.get(early.signal)).rejects.toBe(reason);
    expect(queue.takeNowait(2)).toEqual(['3']);
  });
});
