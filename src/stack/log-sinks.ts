// The sinks that are in use, and the route that leads to them: of the last configuration, and those that were added beside it. App threads.
import { isMainThread, threadId } from 'node:worker_threads';
import { native } from '../binding/load.js';
import { perThread } from '../binding/per-thread.js';
import { compileLogFormat, type LogFormatOptions } from '../logs/format/options.js';
import { DEFAULT_ROUTE, forgetRoute, forgetStandardSink, standardSink } from '../logs/opening.js';
import { settings } from '../logs/settings.js';
import type { LogSink, OpenedSink } from '../logs/sinks/sink.js';

/** A sink as it is to be mounted. */
export interface PlannedSink {
  readonly sink: LogSink;
  /** Lowest level that it gets, number inside. */
  readonly minLevel: number;
  readonly format: LogFormatOptions;
}

interface MountedSink {
  /** See {@link LogSink.key}. */
  readonly key: string | undefined;
  readonly minLevel: number;
  readonly format: number;
  readonly service: string | undefined;
  readonly opened: OpenedSink;
}

/** Longest time that a sink which is no longer wanted may take for what it has, in ms. */
const CLOSE_MS = 5_000;

/** The sinks of this thread's lines, and of all threads' where this is the main one. */
class MountedSinks {
  #configured: readonly MountedSink[] = [];
  #added: readonly MountedSink[] = [];
  readonly #closing = new Set<Promise<boolean>>();

  /**
   * Takes the place of what was configured before. Sinks that are the same stay open; new ones are opened before anything is changed, so that
   * one which cannot be opened leaves all as it was. `apply` is called in between: no line reaches a new sink by the rules of before. The number
   * of the route.
   */
  configure(planned: readonly PlannedSink[], service: string | undefined, apply: () => void): number {
    const standard = standardSink();
    const before = standard === undefined ? this.#configured : [...this.#configured, standard];
    const after: MountedSink[] = [];
    try {
      for (const one of planned) after.push(mount(one, service, [...after, ...before]));
    } catch (error) {
      this.#closeAll(after, before);
      throw error;
    }
    apply();
    this.#configured = after;
    forgetStandardSink();
    const route = this.#route();
    this.#closeAll(before, after);
    return route;
  }

  /** Closes what was configured; what was added stays. Without any of that, the next line opens the standard output again. */
  async unconfigure(): Promise<boolean> {
    const configured = this.#configured;
    this.#configured = [];
    this.#route();
    if (this.#added.length === 0) forgetRoute();
    return this.#closeAll(configured, []);
  }

  /** Adds one sink that stays through configurations; returns what takes it away. */
  add(planned: PlannedSink, service: string | undefined): () => Promise<boolean> {
    const mounted = mount(planned, service, []);
    this.#added = [...this.#added, mounted];
    this.#route();
    return async () => {
      if (!this.#added.includes(mounted)) return true;
      this.#added = this.#added.filter((other) => other !== mounted);
      this.#route();
      return this.#closeAll([mounted], []);
    };
  }

  /** Everything that sinks have taken is delivered; false at the deadline. */
  async flush(timeoutMs: number): Promise<boolean> {
    const own = [...this.#configured, ...this.#added].map(({ opened }) => opened.flush?.(timeoutMs) ?? true);
    const all = await Promise.all([...own, ...this.#closing]);
    return all.every(Boolean);
  }

  /** Leads lines to what is mounted. */
  #route(): number {
    const route = native.logRoute(isMainThread ? DEFAULT_ROUTE : `thread-${threadId}`);
    native.logRouteSet(
      route,
      [...this.#configured, ...this.#added].map(({ minLevel, opened, format }) => ({
        minLevel,
        format,
        ...(opened.sink === undefined ? {} : { sink: opened.sink }),
        ...(opened.records === undefined ? {} : { records: opened.records }),
      })),
    );
    settings.route = route;
    return route;
  }

  /** Closes those of `sinks` that are not among `kept`, each once, in the background. */
  async #closeAll(sinks: readonly MountedSink[], kept: readonly MountedSink[]): Promise<boolean> {
    const opened = new Set(sinks.map((one) => one.opened));
    for (const one of kept) opened.delete(one.opened);
    const closing = Promise.all([...opened].map((one) => one.close(CLOSE_MS).catch(() => false))).then((all) => all.every(Boolean));
    this.#closing.add(closing);
    const closed = await closing;
    this.#closing.delete(closing);
    return closed;
  }
}

/** Opens a sink, unless one that is the same is open. */
function mount(planned: PlannedSink, service: string | undefined, open: readonly MountedSink[]): MountedSink {
  const { sink, minLevel } = planned;
  const format = compileLogFormat(planned.format);
  // One that takes records was told format and service when it was opened.
  const same = open.find(
    (one) =>
      sink.key !== undefined &&
      one.key === sink.key &&
      (one.opened.sink !== undefined || (one.format === format && one.service === service)),
  );
  return { key: sink.key, minLevel, format, service, opened: same?.opened ?? sink.open({ format, service }) };
}

/** Those of this thread. */
export function mountedSinks(): MountedSinks {
  return perThread('stack.log-sinks', () => new MountedSinks());
}
