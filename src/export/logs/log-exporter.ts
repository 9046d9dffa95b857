// What takes log records in JavaScript: one interface for modules on a thread of their own and for callbacks. Any thread.

import type { ExportedLog } from './exported-log.js';

/**
 * Takes batches of log records; any object with these methods is one. It may answer at once or with a promise, and is never called again
 * before that is settled. What it throws is counted in `kymo_exporter_errors_total{exporter}`, and costs its batch only.
 */
export interface LogExporter {
  export(records: readonly ExportedLog[]): void | Promise<void>;
  /** Writes what it holds back itself. */
  forceFlush?(): void | Promise<void>;
  /** Flushes and closes; nothing is exported afterwards. */
  shutdown?(): void | Promise<void>;
}

/** True for an object with a method `export`. */
export function isLogExporter(value: unknown): value is LogExporter {
  return typeof value === 'object' && value !== null && typeof (value as { export?: unknown }).export === 'function';
}
