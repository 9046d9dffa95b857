// Tells listeners of every recorded value. App thread. Without a listener it costs nothing: instruments record with methods that
// know nothing of it, and the first listener has them exchanged.
import { KymoError } from '../core/errors.js';
import { MethodLayer } from './method-layers.js';
import { OwnMetric } from './own-counts.js';

/** A value that an instrument has just recorded. */
export interface MetricRecorded {
  readonly metricName: string;
  /** What was added, set or observed: negative for `dec`. */
  readonly value: number;
  readonly labels: Readonly<Record<string, string>>;
}

/** Called in the middle of a recording: be quick. What it throws, or rejects with, is counted and goes no further. */
export type MetricListener = (event: MetricRecorded) => unknown;

const failures = new OwnMetric('counter', 'kymo_hook_errors_total', 'Listeners of a hook that threw.', ['hook']);

/** Replaced, never changed: an event goes to those who listened when it began. */
let listeners: readonly MetricListener[] = [];
let telling = false;
const layer = new MethodLayer();

/**
 * Names a method that is exchanged while somebody listens: `announce` is given the method as it is and returns the one that
 * also calls {@link recorded}.
 */
export function announcing<T extends object, K extends keyof T & string>(prototype: T, method: K, announce: (plain: T[K]) => T[K]): void {
  layer.over(prototype, method, announce);
}

/** Tells everybody. What listeners record themselves is not announced, or one that counts its calls would never end. */
export function recorded(metricName: string, value: number, labels: Readonly<Record<string, string>>): void {
  if (telling) return;
  telling = true;
  const event: MetricRecorded = Object.freeze({ metricName, value, labels });
  for (const listener of listeners) {
    try {
      const result = listener(event);
      if (result instanceof Promise) result.catch(failed);
    } catch {
      failed();
    }
  }
  telling = false;
}

function failed(): void {
  failures.series('metricRecorded').add(1);
}

function listen(next: readonly MetricListener[]): void {
  listeners = next;
  layer.turn(next.length > 0);
}

/**
 * Listeners of this thread. While there is one, recording costs some 100 ns more and allocates. After the last one ended the
 * methods are what they were, but code that recorded meanwhile calls them instead of having them inlined: some ns more, in that
 * code only.
 */
export const metricHooks = Object.freeze({
  /**
   * Calls `listener` for every value recorded on this thread, after it was recorded; gives what ends that. Dropped values are not told.
   * @throws KymoError `KYMO_CONFIG_VALUE` for another event, or a listener that is no function.
   */
  on(event: 'metricRecorded', listener: MetricListener): () => void {
    if (event !== 'metricRecorded') {
      throw new KymoError('KYMO_CONFIG_VALUE', { source: 'the event of metricHooks.on', value: event, expected: "'metricRecorded'" });
    }
    if (typeof listener !== 'function') {
      throw new KymoError('KYMO_CONFIG_VALUE', { source: 'the listener', value: typeof listener, expected: 'a function' });
    }
    const own: MetricListener = (recorded) => listener(recorded);
    listen([...listeners, own]);
    return () => {
      const rest = listeners.filter((other) => other !== own);
      if (rest.length < listeners.length) listen(rest);
    };
  },
});
