// The way of a thread's lines out: its ring, and the place that they go to where nobody configured any. App threads; cold.
import { isMainThread } from 'node:worker_threads';
import { DISABLED, native } from '../binding/load.js';
import { logRing } from '../binding/log-ring.js';
import type { LogWriter } from '../binding/log-writer.js';
import { perThread } from '../binding/per-thread.js';
import { compileLogFormat } from './format/options.js';
import { settings } from './settings.js';
import type { OpenedSink } from './sinks/sink.js';
import { stdoutSink } from './sinks/standard.js';

/** Name of the route that lines take unless told otherwise, in all threads. */
export const DEFAULT_ROUTE = 'default';

/** A route that nobody has: its lines are dropped. */
const NOWHERE = 0xffff;
const FLUSH_MS = 5_000;

/** The thread's writer, opened by its first line; undefined while nothing is to be written. */
export function openWriter(): LogWriter | undefined {
  if (!settings.enabled || DISABLED) return undefined;
  if (settings.writer === undefined) {
    settings.writer = logRing();
    if (settings.writer.redaction !== settings.redaction) settings.writer.redaction = settings.redaction;
  }
  if (settings.route < 0) settings.route = defaultRoute();
  return settings.writer;
}

/** The route of lines before anything is configured: JSON lines to the standard output, unless another thread has led it elsewhere. */
function defaultRoute(): number {
  try {
    const route = native.logRoute(DEFAULT_ROUTE);
    if (standard.isDue) setStandardRoute(route);
    else if (!native.logRouteIsSet(route)) {
      setStandardRoute(route);
      // What a run before did not deliver comes first, also where nobody configures anything.
      if (isMainThread) native.logRecover(route);
    }
    return route;
  } catch {
    return NOWHERE; // A process without threads for it. The application logs on.
  }
}

/** Has the next line lead the default route to the standard output again. */
export function forgetRoute(): void {
  standard.isDue = isMainThread;
  settings.route = -1;
}

const standard = perThread<{ sink: StandardSink | undefined; isDue: boolean }>('logs.standard', () => ({ sink: undefined, isDue: false }));

/** The sink of lines before anything is configured. */
export interface StandardSink {
  readonly key: string | undefined;
  readonly minLevel: number;
  readonly format: number;
  readonly service: undefined;
  readonly opened: OpenedSink;
}

function setStandardRoute(route: number): void {
  if (standard.sink === undefined) {
    const sink = stdoutSink();
    const format = compileLogFormat();
    standard.sink = { key: sink.key, minLevel: 0, format, service: undefined, opened: sink.open({ format, service: undefined }) };
  }
  standard.isDue = false;
  const { format, opened } = standard.sink;
  native.logRouteSet(route, [{ minLevel: 0, format, sink: opened.sink as number }]);
}

/** The sink of the standard route, if it was opened. */
export function standardSink(): StandardSink | undefined {
  return standard.sink;
}

/** To be called by who takes {@link standardSink} over, or closes it. */
export function forgetStandardSink(): void {
  standard.sink = undefined;
}

/** Has the lines written that are held for a trace, given by the words of its id, and those that come behind them. */
export function releaseHeld(t0: number, t1: number, t2: number, t3: number): void {
  native.logReleaseTrace(t0, t1, t2, t3);
}

/**
 * Waits until every line that was written before, by any thread, is where its sinks write to, and synced where a sink is told to. False at
 * the deadline, in ms in [0, 600000], default 5,000. Never rejects.
 */
export async function flushLogs(timeoutMs: number = FLUSH_MS): Promise<boolean> {
  if (DISABLED) return true;
  settings.writer?.settle();
  try {
    return await native.logFlush(timeoutMs);
  } catch {
    return false;
  }
}
