// When a batch is sent again: which failures, after how long, until when.
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { BatchSender, Delivery } from '../../src/export/delivery.js';
import { backOff, deliver, LONGEST_WAIT_MS, retryAfterMs } from '../../src/export/retry.js';
import { batchOf } from './collectors.js';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const SETTINGS = { timeoutMs: 10_000, exportTimeoutMs: 30_000 };
const exported: Delivery = { kind: 'exported', rejected: 0, message: '' };
const failed = (retryAfter?: number): Delivery => ({
  kind: 'failed',
  reason: 'throttled',
  message: 'HTTP 503',
  ...(retryAfter === undefined ? {} : { retryAfterMs: retryAfter }),
});

/** Delivers with answers in turn (the last one for ever), and tells when attempts were made and what came of it. */
async function run(answers: readonly Delivery[], options: { abortAtMs?: number; takesMs?: number } = {}) {
  const giveUp = new AbortController();
  const start = Date.now();
  const attempts: number[] = [];
  const budgets: number[] = [];
  const failures: string[] = [];
  const sender: BatchSender = {
    send: async (_, timeoutMs) => {
      budgets.push(timeoutMs);
      const answer = answers[Math.min(attempts.length, answers.length - 1)] as Delivery;
      attempts.push(Date.now() - start);
      if (options.takesMs) await new Promise((resolve) => setTimeout(resolve, options.takesMs));
      return answer;
    },
    close: async () => undefined,
  };
  if (options.abortAtMs !== undefined) setTimeout(() => giveUp.abort(), options.abortAtMs);
  const done = deliver(sender, batchOf(), SETTINGS, giveUp.signal, {
    onFailure: (message) => failures.push(message),
    onWait: () => undefined,
    now: () => Date.now() - start,
    random: () => 0.5,
  });
  await vi.advanceTimersByTimeAsync(400_000);
  return { outcome: await done, attempts, budgets, failures };
}

describe('deliver', () => {
  it('sends once what goes well, or is refused', async () => {
    expect(await run([exported])).toMatchObject({ outcome: exported, attempts: [0], failures: [] });
    const refused: Delivery = { kind: 'refused', reason: 'refused', message: 'HTTP 400' };
    expect(await run([refused])).toMatchObject({ outcome: refused, attempts: [0], failures: ['HTTP 400'] });
  });

  it('backs off, longer each time, until the time for the batch is over [L-047]', async () => {
    const { outcome, attempts, failures } = await run([failed()]);
    expect(attempts).toEqual([0, 1_000, 3_000, 7_000, 15_000]);
    expect(outcome).toMatchObject({ kind: 'refused', reason: 'throttled' });
    expect(failures).toHaveLength(5);
  });

  it('waits as long as it is asked to, also beyond the time for the batch', async () => {
    const { outcome, attempts } = await run([failed(60_000), exported]);
    expect([outcome, attempts]).toEqual([exported, [0, 60_000]]);
    expect((await run([failed(0), exported])).attempts).toEqual([0, 0]);
  });

  it('does not wait for ever', async () => {
    expect(await run([failed(LONGEST_WAIT_MS + 1)])).toMatchObject({ attempts: [0], outcome: { reason: 'throttled' } });
    const { outcome, attempts } = await run([failed(30_000)]);
    expect(outcome).toMatchObject({ reason: 'throttled' });
    expect(attempts.at(-1)).toBeLessThanOrEqual(LONGEST_WAIT_MS);
    expect(attempts).toHaveLength(10);
  });

  it('does not spin when it is told to come again at once, again and again', async () => {
    const { attempts } = await run([failed(0)]);
    expect(attempts.slice(0, 4)).toEqual([0, 0, 100, 300]);
    expect(attempts.length).toBeLessThan(100);
  });

  it('gives an attempt no more time than is left', async () => {
    const { budgets } = await run([failed()], { takesMs: 9_000 });
    expect(budgets).toEqual([10_000, 10_000, 9_000]);
  });

  it('ends at once when it is given up, in a wait or behind an attempt', async () => {
    expect(await run([failed()], { abortAtMs: 500 })).toMatchObject({ attempts: [0], outcome: { reason: 'shutdown' } });
    expect(await run([failed()], { abortAtMs: 500, takesMs: 800 })).toMatchObject({ attempts: [0], outcome: { reason: 'shutdown' } });
  });
});

it('backOff is doubled to 16 s and leaves a fifth to chance', () => {
  expect([0, 1, 2, 3, 4, 5, 999].map((attempt) => backOff(attempt, () => 0.5))).toEqual([1e3, 2e3, 4e3, 8e3, 16e3, 16e3, 16e3]);
  expect(backOff(0, () => 0)).toBe(900);
  expect(backOff(0, () => 1)).toBeCloseTo(1_100);
});

it('retryAfterMs reads seconds and dates, whichever way the clock jumped', () => {
  const at = Date.UTC(2026, 0, 1);
  const later = new Date(at + 5_000).toUTCString();
  expect(retryAfterMs('3')).toBe(3_000);
  expect(retryAfterMs(later, at)).toBe(5_000);
  expect(retryAfterMs(later, at + 3_600_000)).toBe(0);
  for (const nonsense of ['', 'x', '-1', '1.5', '99999999999', 'Monday']) expect(retryAfterMs(nonsense, at), nonsense).toBeUndefined();
  expect(retryAfterMs(undefined)).toBeUndefined();
});
