// When a batch that failed is sent again: exponential back-off with jitter, the other side's wishes, one deadline. Exporter threads.
import type { ExportBatch } from '../binding/native-export.js';
import type { BatchSender, Delivery, DropReason } from './delivery.js';

/** Limits for one batch, in ms. */
export interface RetrySettings {
  /** For one attempt, in [1, 2147483647]. */
  readonly timeoutMs: number;
  /** For all attempts together, in [1, 2147483647]. A wait that the other side asks for is granted beyond it, up to {@link LONGEST_WAIT_MS}. */
  readonly exportTimeoutMs: number;
}

/** What became of a batch in the end. */
export type Outcome = Extract<Delivery, { readonly kind: 'exported' }> | Extract<Delivery, { readonly kind: 'refused' }>;

/** What the retrying needs from outside; tests give another clock. */
export interface RetryHooks {
  /** Called after each failed attempt, before the wait. */
  onFailure(message: string): void;
  /** Called before and after each wait. */
  onWait(waiting: boolean): void;
  /** Monotonic, in ms. */
  readonly now?: () => number;
  /** In [0, 1). */
  readonly random?: () => number;
}

const FIRST_WAIT_MS = 1_000;
const LAST_WAIT_MS = 16_000;
/** A share of the wait that chance decides, so that a restarted collector is not asked by everyone at once. */
const JITTER_RATIO = 0.2;
/** Longest time for a batch on the other side's wish: beyond it, the queue would only grow old. */
export const LONGEST_WAIT_MS = 300_000;
/** Added to the shortest wait with each attempt: who is told to come again at once, again and again, does not spin. */
const SHORTEST_WAIT_MS = 100;

/**
 * Delivers a batch: attempts until it is exported, refused, out of time, or `signal` is aborted. Never rejects.
 * Only failures that the sender calls `failed` are repeated.
 */
export async function deliver(
  sender: BatchSender,
  batch: ExportBatch,
  settings: RetrySettings,
  signal: AbortSignal,
  hooks: RetryHooks,
): Promise<Outcome> {
  const now = hooks.now ?? (() => performance.now());
  const start = now();
  let deadline = start + settings.exportTimeoutMs;
  for (let attempt = 0; ; attempt += 1) {
    const left = deadline - now();
    if (signal.aborted) return over('shutdown', 'the time for the shutdown was over');
    const delivery = await sender.send(batch, Math.max(1, Math.min(settings.timeoutMs, left)), signal);
    if (delivery.kind === 'exported') return delivery;
    if (signal.aborted) return over('shutdown', delivery.message);
    hooks.onFailure(delivery.message);
    if (delivery.kind === 'refused') return delivery;
    const wished = delivery.retryAfterMs;
    if (wished !== undefined) deadline = extended(deadline, start, now() + wished + settings.timeoutMs);
    const wait = wished === undefined ? backOff(attempt, hooks.random ?? Math.random) : Math.max(wished, attempt * SHORTEST_WAIT_MS);
    if (now() + wait >= deadline) return over(delivery.reason, delivery.message);
    hooks.onWait(true);
    await pause(wait, signal);
    hooks.onWait(false);
  }
}

/** A later deadline for who asks for it, within {@link LONGEST_WAIT_MS} of the start. */
function extended(deadline: number, start: number, wished: number): number {
  return Math.max(deadline, Math.min(wished, start + LONGEST_WAIT_MS));
}

function over(reason: DropReason, message: string): Outcome {
  return { kind: 'refused', reason, message };
}

/** The wait after the attempt of that number, from 0, in ms: 1 s, doubled each time, at most 16 s, 20 % of it left to chance. */
export function backOff(attempt: number, random: () => number): number {
  const wait = Math.min(LAST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(attempt, 30));
  return wait * (1 - JITTER_RATIO / 2 + JITTER_RATIO * random());
}

/** Resolves after `ms`, or as soon as `signal` is aborted. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener('abort', end, { once: true });
  });
}

/**
 * The header `Retry-After` in ms, at least 0: seconds, or a date, which is read against the wall clock `nowMs`. Undefined for none and for
 * nonsense.
 */
export function retryAfterMs(header: string | undefined, nowMs: number = Date.now()): number | undefined {
  const text = header?.trim();
  if (text === undefined || text === '') return undefined;
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1_000;
  // Only dates begin with the name of a day; `Date.parse` makes something of "-1", too.
  const at = /^(Mon|Tue|Wed|Thu|Fri|Sat|Sun)/.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(at) ? undefined : Math.max(0, at - nowMs);
}
