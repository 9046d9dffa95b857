// Runs the `collect` callbacks of metrics: before a scrape that JavaScript renders, and on a timer, so that what native threads
// serve has been collected, too. On the app thread that declared them. A callback is never started while it still runs.
import { OwnMetric } from './own-counts.js';

/** How a {@link CollectScheduler} runs its callbacks. */
export interface CollectTiming {
  /** Time between two runs without a scrape, in ms; default 5,000. */
  readonly intervalMs?: number;
  /** How long {@link CollectScheduler.run} waits for one callback, from when it was started, in ms; default 5,000. */
  readonly timeoutMs?: number;
}

/** What {@link CollectScheduler.run} could not do, by collector. */
export interface CollectReport {
  /** They threw or rejected; their metrics show what they had. */
  readonly failed: readonly string[];
  /** They still run. */
  readonly late: readonly string[];
}

const LABELS = ['collector'];
const errors = new OwnMetric('counter', 'kymo_collect_errors_total', 'Collect callbacks that threw, rejected or overran.', [
  ...LABELS,
  'reason',
]);
const seconds = new OwnMetric('counter', 'kymo_collect_seconds_total', 'Time that collect callbacks took until they settled.', LABELS);
const collectedAt = new OwnMetric('gauge', 'kymo_collect_timestamp_seconds', 'When a collect callback last ended well.', LABELS);

type Outcome = 'done' | 'failed' | 'late';

/** A callback that was started and has not settled. */
interface Run {
  readonly startedMs: number;
  readonly ended: Promise<Outcome>;
  overran: boolean;
}

/** One callback and what it is doing. */
class Collector {
  readonly name: string;
  readonly #collect: () => unknown;
  readonly #timeoutMs: number;
  #running: Run | undefined;
  #started = false;
  #ended = false;

  constructor(name: string, collect: () => unknown, timeoutMs: number) {
    this.name = name;
    this.#collect = collect;
    this.#timeoutMs = timeoutMs;
  }

  /** Runs it, or waits for the run that goes on, until its time is over. */
  async settle(): Promise<Outcome> {
    const running = this.start();
    const restMs = running.startedMs + this.#timeoutMs - performance.now();
    const outcome = await within(running.ended, restMs);
    if (outcome === 'late' && !running.overran) {
      running.overran = true;
      errors.series(this.name, 'overran').add(1);
    }
    return outcome;
  }

  /** No longer shows how old its result is. */
  end(): void {
    this.#ended = true;
    collectedAt.end(this.name);
    seconds.end(this.name);
    for (const reason of ['threw', 'overran']) errors.end(this.name, reason);
  }

  /** Starts it if nothing else did yet. */
  startFirst(): void {
    if (!this.#started) this.start();
  }

  /** Starts it unless it runs; never throws. */
  start(): Run {
    if (this.#running !== undefined) return this.#running;
    this.#started = true;
    const startedMs = performance.now();
    const ended = this.#collected().then((outcome) => {
      this.#running = undefined;
      seconds.series(this.name).add((performance.now() - startedMs) / 1000);
      if (outcome === 'failed') errors.series(this.name, 'threw').add(1);
      else if (!this.#ended) collectedAt.series(this.name).set(Date.now() / 1000);
      return outcome;
    });
    this.#running = { startedMs, ended, overran: false };
    return this.#running;
  }

  async #collected(): Promise<Outcome> {
    try {
      await this.#collect();
      return 'done';
    } catch {
      return 'failed';
    }
  }
}

/** The outcome, or `late` after so many ms. */
function within(ended: Promise<Outcome>, restMs: number): Promise<Outcome> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve('late'), Math.max(restMs, 0));
    void ended.then((outcome) => {
      clearTimeout(timer);
      resolve(outcome);
    });
  });
}

/** The callbacks of one registry. Its timer keeps neither the process nor the scheduler alive. */
export class CollectScheduler {
  readonly #intervalMs: number;
  readonly #timeoutMs: number;
  readonly #collectors = new Map<string, Collector>();
  #timer: NodeJS.Timeout | undefined;

  constructor({ intervalMs = 5_000, timeoutMs = 5_000 }: CollectTiming = {}) {
    this.#intervalMs = intervalMs;
    this.#timeoutMs = timeoutMs;
  }

  /** Callbacks. */
  get size(): number {
    return this.#collectors.size;
  }

  /** Adds a callback, or replaces the one of that name; it is run in the next turn of the loop, unless a scrape came first. */
  add(name: string, collect: () => unknown): void {
    const collector = new Collector(name, collect, this.#timeoutMs);
    this.#collectors.set(name, collector);
    setTimeout(() => this.#collectors.get(name) === collector && collector.startFirst(), 0).unref();
    this.#timer ??= repeat(new WeakRef(this), this.#intervalMs);
  }

  /** Takes a callback out; one that runs goes on, and what it records still counts. False if there was none. */
  remove(name: string): boolean {
    const collector = this.#collectors.get(name);
    collector?.end();
    this.#collectors.delete(name);
    if (this.#collectors.size === 0) this.#stop();
    return collector !== undefined;
  }

  /** Takes all callbacks out. */
  clear(): void {
    for (const name of [...this.#collectors.keys()]) this.remove(name);
  }

  /** Starts every callback that does not run. */
  start(): void {
    for (const collector of this.#collectors.values()) collector.start();
  }

  /** Runs every callback and waits until each has settled or its time is over. Never rejects. */
  async run(): Promise<CollectReport> {
    const collectors = [...this.#collectors.values()];
    const outcomes = await Promise.all(collectors.map((collector) => collector.settle()));
    const named = (outcome: Outcome): string[] => collectors.filter((_, at) => outcomes[at] === outcome).map(({ name }) => name);
    return { failed: named('failed'), late: named('late') };
  }

  #stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}

const schedulers = new WeakMap<object, CollectScheduler>();

/** The scheduler of a registry; made when it is first asked for, and then `timing` counts. */
export function collectorsOf(registry: object, timing?: CollectTiming): CollectScheduler {
  let scheduler = schedulers.get(registry);
  if (scheduler === undefined) {
    scheduler = new CollectScheduler(timing);
    schedulers.set(registry, scheduler);
  }
  return scheduler;
}

/** Runs the callbacks of a registry before it is rendered; undefined when it has none, so that nobody waits for nothing. */
export function runCollectors(registry: object): Promise<CollectReport> | undefined {
  const scheduler = schedulers.get(registry);
  return scheduler === undefined || scheduler.size === 0 ? undefined : scheduler.run();
}

/** Starts a scheduler's callbacks again and again, for as long as somebody else holds it. */
function repeat(scheduler: WeakRef<CollectScheduler>, intervalMs: number): NodeJS.Timeout {
  const timer = setInterval(() => {
    const held = scheduler.deref();
    if (held === undefined) clearInterval(timer);
    else held.start();
  }, intervalMs);
  return timer.unref();
}
