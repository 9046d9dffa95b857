// What the addon offers for the delivery of log records: native/binding/src/logs/delivery.rs in TypeScript. App threads.

/** A sink of a route: lines (`sink`, with a `format` unless it gets finished lines only) or records. */
export interface LogRouteSink {
  /** Records below it do not go there. Pino's numbers. */
  readonly minLevel: number;
  readonly format?: number;
  readonly sink?: number;
  readonly records?: number;
}

/** What is done with records of a level and above that find no room, up to the next level that is named. */
export interface LogPolicy {
  readonly level: number;
  readonly onFull: 'block' | 'drop-oldest' | 'drop-newest';
}

/** Whose lines to recover. */
export interface LogRecoverOptions {
  /** Name of the service; default: this process's own. */
  readonly service?: string;
  /** Folder in which `kymo-<uid>` lies; default: this process's own. */
  readonly dir?: string;
  /** The lines of every route, not only those of the same name. */
  readonly all?: boolean;
}

/** What recovery found. */
export interface LogRecovered {
  /** Dead processes with lines for the route. */
  readonly runs: number;
  /** Lines handed to sinks; of several sinks, the most that one gets. */
  readonly lines: number;
  /** Lines that those processes had lost, or that cannot be read. */
  readonly lost: number;
}

/** What is known about a sink that takes lines. */
export interface LogSinkState {
  /** Stable over restarts. */
  readonly identity: string;
  readonly queuedBytes: number;
  /** It held up others: rings do not wait for it any more. */
  readonly detached: boolean;
  /** Why the last write failed, while it does. */
  readonly error?: string;
  readonly writtenBytes: number;
  readonly errors: number;
  readonly dropped: number;
}

/** Lines and losses of the process so far. */
export interface LogState {
  readonly lines: number;
  /** Lines that no sink got. */
  readonly dropped: number;
  /** Lines of dead processes that were handed to sinks. */
  readonly recovered: number;
}

/** Part of the addon's exports. */
export interface NativeLogDelivery {
  /** Number of a route: the same one for the same name. */
  logRoute(name: string): number;
  /** True when a thread has given the route its sinks, be it none. */
  logRouteIsSet(route: number): boolean;
  /** Gives a route its sinks; fails with `KYMO_LOG_SINK`. What was written before goes to those it had before. */
  logRouteSet(route: number, sinks: readonly LogRouteSink[]): void;
  /** `blockBudgetMs` is also how long a sink may hold up others. Default: 100, `block` from info on, `drop-newest` below. */
  logPolicy(levels: readonly LogPolicy[], blockBudgetMs: number): void;
  /** Everything written before is with all sinks, synced where asked; false at the deadline. */
  logFlush(deadlineMs: number): Promise<boolean>;
  /** The same, blocking the calling thread. */
  logFlushSync(deadlineMs: number): boolean;
  /** Hands the lines of dead processes to the sinks of a route, before its first new line. Once per route; fails with `KYMO_MEMORY_FOLDER`. */
  logRecover(route: number, options?: LogRecoverOptions): LogRecovered;
  /** The trace failed: its held lines are written. */
  logReleaseTrace(t0: number, t1: number, t2: number, t3: number): void;
  /** The trace went well: its held lines are forgotten. */
  logDropTrace(t0: number, t1: number, t2: number, t3: number): void;
  /** Fails with `KYMO_LOG_SINK`, as the next two. */
  logSinkState(sink: number): LogSinkState;
  /** Ends a sink; false when some of its lines are lost at the deadline. Blocks the calling thread. */
  logSinkClose(sink: number, deadlineMs: number): boolean;
  logSinkReopen(sink: number): void;
  logState(): LogState;
}
