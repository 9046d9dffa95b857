// A bounded queue of completed spans between the code that ends them and one that ships them. App thread; a put is a store and
// never waits.
import { native } from '../binding/load.js';
import { KymoError } from '../core/errors.js';
import type { SpanData } from './span-data.js';

/** Spans that a {@link SpanQueue} holds unless told otherwise. */
export const SPAN_QUEUE_SIZE = 10_000;

const MAX_SIZE = 2 ** 24;

/** Options of {@link SpanQueue}. */
export interface SpanQueueOptions {
  /** Spans that may wait, in [1, 16777216]; default 10,000. */
  readonly maxSize?: number;
}

/** Somebody who waits for a span. */
interface Waiter<T> {
  readonly give: (span: T) => void;
}

/**
 * First in, first out; a full queue drops its oldest span for the new one. The array grows with what waits, up to `maxSize`.
 * Every drop is counted in {@link dropped} and in `kymo_spans_dropped_total{reason="queue_full"}`.
 * @example const queue = new SpanQueue(); const span = await queue.get();
 */
export class SpanQueue<T = SpanData> {
  readonly maxSize: number;
  /** Backends that a {@link SpanExportWorker} brings what is in it. */
  readonly destinations: ReadonlySet<object> = new Set<object>();
  /** Circular: `#head` is the oldest. Its length is a power of two, so that a position is a mask. */
  #slots: (T | undefined)[] = new Array(16);
  #head = 0;
  #size = 0;
  #dropped = 0;
  /** In the order in which they came; a `Set`, so that one that gives up leaves in constant time. */
  readonly #waiters = new Set<Waiter<T>>();

  /** @throws KymoError `KYMO_CONFIG_VALUE` for a size out of range: there is no unbounded queue. */
  constructor(options: SpanQueueOptions = {}) {
    const { maxSize = SPAN_QUEUE_SIZE } = options;
    if (!Number.isInteger(maxSize) || maxSize < 1 || maxSize > MAX_SIZE) {
      throw new KymoError('KYMO_CONFIG_VALUE', { source: 'maxSize', value: maxSize, expected: `a whole number in [1, ${MAX_SIZE}]` });
    }
    this.maxSize = maxSize;
  }

  /** Spans that wait. */
  get size(): number {
    return this.#size;
  }

  /** Spans dropped so far because the queue was full. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Adds a span, or hands it to whoever has waited longest. Never waits, never throws. */
  putNowait(span: T): void {
    for (const waiter of this.#waiters) {
      this.#waiters.delete(waiter);
      waiter.give(span);
      return;
    }
    if (this.#size === this.maxSize) {
      this.#take();
      this.#dropped += 1;
      native.tracesDropped('queue_full', 1);
    }
    if (this.#size === this.#slots.length) this.#grow();
    this.#slots[(this.#head + this.#size) & (this.#slots.length - 1)] = span;
    this.#size += 1;
  }

  /** The oldest span, or undefined when none waits. */
  getNowait(): T | undefined {
    return this.#size === 0 ? undefined : this.#take();
  }

  /** The oldest spans, at most `count` of them; empty when none waits. */
  takeNowait(count: number): T[] {
    const taken: T[] = [];
    while (taken.length < count && this.#size > 0) taken.push(this.#take());
    return taken;
  }

  /**
   * The oldest span, as soon as there is one. Those who wait are served in the order in which they asked. Holds no process open.
   * @throws the reason of `signal`, when that aborts first; no span is lost by it.
   */
  get(signal?: AbortSignal): Promise<T> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    if (this.#size > 0) return Promise.resolve(this.#take());
    return new Promise<T>((resolve, reject) => {
      const giveUp = (): void => {
        this.#waiters.delete(waiter);
        reject(signal?.reason);
      };
      const waiter: Waiter<T> = {
        give: (span) => {
          signal?.removeEventListener('abort', giveUp);
          resolve(span);
        },
      };
      this.#waiters.add(waiter);
      signal?.addEventListener('abort', giveUp, { once: true });
    });
  }

  /** Only called when a span waits. */
  #take(): T {
    const span = this.#slots[this.#head] as T;
    this.#slots[this.#head] = undefined;
    this.#head = (this.#head + 1) & (this.#slots.length - 1);
    this.#size -= 1;
    return span;
  }

  #grow(): void {
    const from = this.#slots;
    const to: (T | undefined)[] = new Array(from.length * 2);
    for (let index = 0; index < this.#size; index++) to[index] = from[(this.#head + index) & (from.length - 1)];
    this.#slots = to;
    this.#head = 0;
  }
}
