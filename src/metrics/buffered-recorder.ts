// Recording into a buffer that is handed on in batches, for backends whose `record` is dear. App thread; a recording is an
// object and a push, a flush runs in a microtask of its own.
import { performance } from 'node:perf_hooks';
import { KymoError } from '../core/errors.js';
import { type DropReason, dropped, prepareDrops } from './drops.js';
import type { Tags } from './proxy.js';

/** One recording that waits. */
export interface BufferedMetricEntry {
  readonly name: string;
  readonly value: number;
  /** A copy of what was given. */
  readonly labels?: Tags;
  /** When it was recorded: `performance.now()`, monotonic milliseconds. */
  readonly timestamp: number;
}

/** What takes a recording: every instrument of Kymo does. */
export interface RecordingMetric {
  record(value: number, labels?: Tags): void;
}

/** A registry, or an object with one metric per name. */
export type MetricBackend = { getMetric(name: string): unknown } | Readonly<Record<string, RecordingMetric>>;

/** Options of {@link BufferedMetricRecorder}. */
export interface BufferedMetricRecorderOptions {
  /** Where the recordings go. */
  readonly backend: MetricBackend;
  /** Time between two flushes after `start()`, in [1, 2147483647] ms; default 5,000. */
  readonly flushIntervalMs?: number;
  /** Entries at which a flush begins without waiting for the next interval, in [1, 1000000]; default 1,000. */
  readonly maxBufferSize?: number;
}

/** The buffer holds at most this many times `maxBufferSize`: bounded also where the loop never gets to a flush. */
const HARD_CAP = 10;
const MAX_INTERVAL_MS = 2 ** 31 - 1;
const MAX_BUFFER = 1_000_000;
/** Names that were warned about are remembered so far; then the warnings end. */
const MAX_WARNED = 1_000;

/**
 * Buffers recordings and hands them to a backend in order. Nothing is sent twice; what cannot be recorded is dropped and counted
 * in `kymo_dropped_total`: `buffer_full` beyond ten times `maxBufferSize`, `unknown_metric` for names that the backend does not
 * have, `record_failed` where the metric's `record` throws.
 * @example await using recorder = new BufferedMetricRecorder({ backend: registry, flushIntervalMs: 2_000 });
 *   recorder.start();
 *   recorder.record('request_count', 1, { method: 'GET' });
 */
export class BufferedMetricRecorder {
  readonly #backend: MetricBackend;
  readonly #intervalMs: number;
  readonly #maxSize: number;
  readonly #warned = new Set<string>();
  #buffer: BufferedMetricEntry[] = [];
  #dropped = 0;
  /** Flushes run one after another, in the order of their calls. */
  #last: Promise<unknown> = Promise.resolve();
  #early = false;
  #timer: NodeJS.Timeout | undefined;

  /** @throws KymoError `KYMO_CONFIG_VALUE` for an option out of range, or a backend that is no object. */
  constructor(options: BufferedMetricRecorderOptions) {
    const { backend, flushIntervalMs = 5_000, maxBufferSize = 1_000 } = options;
    if (typeof backend !== 'object' || backend === null) throw refuse('backend', typeof backend, 'a registry, or an object of metrics');
    if (!(typeof flushIntervalMs === 'number' && flushIntervalMs >= 1 && flushIntervalMs <= MAX_INTERVAL_MS)) {
      throw refuse('flushIntervalMs', flushIntervalMs, `milliseconds in [1, ${MAX_INTERVAL_MS}]`);
    }
    if (!Number.isInteger(maxBufferSize) || maxBufferSize < 1 || maxBufferSize > MAX_BUFFER) {
      throw refuse('maxBufferSize', maxBufferSize, `a whole number in [1, ${MAX_BUFFER}]`);
    }
    prepareDrops();
    this.#backend = backend;
    this.#intervalMs = flushIntervalMs;
    this.#maxSize = maxBufferSize;
  }

  /** Entries that wait. */
  get size(): number {
    return this.#buffer.length;
  }

  /** Entries dropped so far, for whichever reason. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Buffers one recording. Never throws, sends nothing by itself; a full buffer is flushed as soon as the caller's code ends. */
  record(name: string, value: number, labels?: Tags): void {
    if (this.#buffer.length >= this.#maxSize * HARD_CAP) return this.#drop('buffer_full');
    this.#buffer.push({ name, value, timestamp: performance.now(), ...(labels === undefined ? {} : { labels: { ...labels } }) });
    if (this.#buffer.length < this.#maxSize || this.#early) return;
    this.#early = true;
    void this.flush();
  }

  /**
   * Hands over what waits when its turn comes, in order; gives how many entries the backend took. Never rejects. Flushes that
   * overlap run one after another, so that each entry is sent once.
   */
  flush(): Promise<number> {
    const result = this.#last.then(() => this.#send());
    this.#last = result;
    return result;
  }

  /** Begins to flush at each interval, with a timer that keeps no process alive. Does nothing when it runs already. */
  start(): void {
    this.#timer ??= setInterval(() => void this.flush(), this.#intervalMs).unref();
  }

  /** Ends that, and flushes what waits. Can be called at any time; {@link start} begins again. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#timer = undefined;
    await this.flush();
  }

  /** Same as {@link stop}, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  #send(): number {
    const entries = this.#buffer;
    this.#buffer = []; // What a metric's `record` records here in turn waits for the next flush.
    this.#early = false;
    return entries.filter((entry) => this.#sent(entry)).length;
  }

  #sent({ name, value, labels }: BufferedMetricEntry): boolean {
    try {
      const metric = this.#metric(name);
      if (metric === undefined) {
        this.#warn(name);
        this.#drop('unknown_metric');
        return false;
      }
      metric.record(value, labels);
      return true;
    } catch {
      this.#drop('record_failed');
      return false;
    }
  }

  #metric(name: string): RecordingMetric | undefined {
    const backend = this.#backend;
    const metric: unknown =
      typeof backend.getMetric === 'function'
        ? backend.getMetric(name)
        : name in Object.prototype && !Object.hasOwn(backend, name)
          ? undefined
          : (backend as Readonly<Record<string, unknown>>)[name];
    return typeof (metric as RecordingMetric | undefined)?.record === 'function' ? (metric as RecordingMetric) : undefined;
  }

  #warn(name: string): void {
    if (this.#warned.has(name) || this.#warned.size === MAX_WARNED) return;
    this.#warned.add(name);
    const code = 'KYMO_METRICS_NOT_FOUND';
    process.emitWarning(new KymoError(code, { name }).message, { code });
  }

  #drop(reason: DropReason): void {
    this.#dropped += 1;
    dropped(reason);
  }
}

function refuse(source: string, value: unknown, expected: string): KymoError {
  return new KymoError('KYMO_CONFIG_VALUE', { source, value, expected });
}
