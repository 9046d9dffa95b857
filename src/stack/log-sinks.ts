// The sinks that are in use, and the route that leads to them: of the last configuration, and those that were added beside it. App threads.
import { isMainThread, threadId } from 'node:worker_threads';
import { native } from '../binding/load.js';
import type { NativeLogFormatOptions } from '../binding/native-log-format.js';
import { perThread } from '../binding/per-thread.js';
import { DEFAULT_ROUTE, forgetRoute, takeStandardSink } from '../logs/opening.js';
import { settings } from '../logs/settings.js';
import type { LogSink, OpenedSink } from '../logs/sinks/sink.js';

/** A sink as it is to be mounted. */
export interface PlannedSink {
  readonly sink: LogSink;
  /** Lowest level that it gets, number inside. */
  readonly minLevel: number;
  /** What native makes a format of. */
  readonly format: NativeLogFormatOptions;
}

interface MountedSink {
  readonly planned: PlannedSink;
  readonly opened: OpenedSink;
  readonly format: number;
  /** Sinks with one text are the same; undefined: this one is like no other. */
  readonly identity: string | undefined;
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
   * one which cannot be opened leaves all as it was. The number of the route.
   */
  configure(planned: readonly PlannedSink[], service: string | undefined): number {
    const before = this.#configured;
    const free = [...before];
    const fresh: MountedSink[] = [];
    try {
      this.#configured = planned.map((one) => {
        const known = free.findIndex(({ identity, planned: { sink } }) => identity !== undefined && identity === sink.key);
        const kept = known < 0 ? undefined : free.splice(known, 1)[0];
        const mounted = mount(one, service, kept?.opened);
        if (kept === undefined) fresh.push(mounted);
        return mounted;
      });
    } catch (error) {
      this.#configured = before;
      for (const mounted of fresh) this.#close(mounted.opened);
      throw error;
    }
    const route = this.#route();
    for (const { opened } of free) this.#close(opened);
    const standard = takeStandardSink();
    if (standard !== undefined) native.logSinkClose(standard, CLOSE_MS);
    return route;
  }

  /** Closes what was configured; what was added stays. Without any of that, the next line opens the standard output again. */
  async unconfigure(): Promise<boolean> {
    const configured = this.#configured;
    this.#configured = [];
    this.#route();
    if (this.#added.length === 0) forgetRoute();
    const closed = await Promise.all(configured.map(({ opened }) => this.#close(opened)));
    return closed.every(Boolean);
  }

  /** Adds one sink that stays through configurations; returns what takes it away. */
  add(planned: PlannedSink, service: string | undefined): () => Promise<boolean> {
    const mounted = mount(planned, service, undefined);
    this.#added = [...this.#added, mounted];
    this.#route();
    return async () => {
      if (!this.#added.includes(mounted)) return true;
      this.#added = this.#added.filter((other) => other !== mounted);
      this.#route();
      return this.#close(mounted.opened);
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
      [...this.#configured, ...this.#added].map(({ planned: { minLevel }, opened, format }) => ({
        minLevel,
        format,
        ...(opened.sink === undefined ? {} : { sink: opened.sink }),
        ...(opened.records === undefined ? {} : { records: opened.records }),
      })),
    );
    settings.route = route;
    return route;
  }

  #close(opened: OpenedSink): Promise<boolean> {
    const closing = opened.close(CLOSE_MS).catch(() => false);
    this.#closing.add(closing);
    void closing.then(() => this.#closing.delete(closing));
    return closing;
  }
}

function mount(planned: PlannedSink, service: string | undefined, opened: OpenedSink | undefined): MountedSink {
  const format = native.logFormat(planned.format);
  return { planned, format, opened: opened ?? planned.sink.open({ format, service }), identity: planned.sink.key };
}

/** Those of this thread. */
export function mountedSinks(): MountedSinks {
  return perThread('stack.log-sinks', () => new MountedSinks());
}
