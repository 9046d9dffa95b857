// The way of a thread's lines out: its ring, and the place that they go to where nobody configured any. App threads; cold.
import { isMainThread } from 'node:worker_threads';
import { DISABLED, native } from '../binding/load.js';
import { logRing } from '../binding/log-ring.js';
import type { LogWriter } from '../binding/log-writer.js';
import { settings } from './settings.js';

/** The part of the addon that decides where lines go. */
interface Delivery {
  logRoute(name: string): number;
  logRouteSet(route: number, sinks: readonly { readonly minLevel: number; readonly format: number; readonly sink: number }[]): void;
  logFormat(options: object): number;
  logSink(options: object): number;
  logFlush(deadlineMs: number): Promise<boolean>;
}
const delivery = native as unknown as Delivery;

/** Name of the route that lines take unless told otherwise, in all threads. */
export const DEFAULT_ROUTE = 'default';

/** Descriptor of the standard output. */
const STDOUT = 1;
const FLUSH_MS = 5_000;

/** The thread's writer, opened by its first line; undefined while nothing is to be written. */
export function openWriter(): LogWriter | undefined {
  if (!settings.enabled || DISABLED) return undefined;
  if (settings.writer === undefined) {
    settings.writer = logRing();
    settings.writer.redaction = settings.redaction;
  }
  if (settings.route < 0) settings.route = defaultRoute();
  return settings.writer;
}

/** The route of lines before anything is configured: JSON lines to the standard output. Other threads take what the main thread has. */
function defaultRoute(): number {
  const route = delivery.logRoute(DEFAULT_ROUTE);
  if (isMainThread) setStandardRoute(route);
  return route;
}

/** Makes `route` lead to the standard output, as JSON lines. */
export function setStandardRoute(route: number): void {
  delivery.logRouteSet(route, [{ minLevel: 0, format: delivery.logFormat({}), sink: delivery.logSink({ kind: 'fd', fd: STDOUT }) }]);
}

/**
 * Waits until every line that was written before, by any thread, is where its sinks write to, and synced where a sink is told to. False at
 * the deadline, in ms in [0, 600000], default 5,000. Never rejects.
 */
export async function flushLogs(timeoutMs: number = FLUSH_MS): Promise<boolean> {
  if (DISABLED) return true;
  settings.writer?.settle();
  try {
    return await delivery.logFlush(timeoutMs);
  } catch {
    return false;
  }
}
