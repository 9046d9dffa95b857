// Logging of a process wired up in one call: levels, sinks, formats, redaction, what happens when sinks stall. App threads.
import { isMainThread } from 'node:worker_threads';
import { DISABLED, native } from '../binding/load.js';
import { perThread } from '../binding/per-thread.js';
import { KymoError } from '../core/errors.js';
import { setRules } from '../logs/gates.js';
import { flushLogs } from '../logs/opening.js';
import { plainCopy } from '../logs/plain-copy.js';
import type { Redact, RedactOptions } from '../logs/redaction/options.js';
import { bequeath, type LogFields, scrubOf, settings } from '../logs/settings.js';
import { mountedSinks } from './log-sinks.js';
import { type LoggingOptions, type LoggingPlan, planLogging, plannedSink, type SinkChoice } from './logging-options.js';

/** What recovery found of runs that ended without delivering all of their lines, and gave to the sinks. */
export interface RecoveredLines {
  readonly runs: number;
  readonly lines: number;
  /** Lines that those runs had lost, or that cannot be read any more. */
  readonly lost: number;
}

/** What {@link configureLogging} started. */
export interface LoggingStack {
  /** What dead processes of the same service left: it is written before the first new line. */
  readonly recovered: RecoveredLines;
  /**
   * Waits until every line that was written before is where its sinks write to, and synced where a sink is told to; false at the deadline, in ms,
   * default 5,000. Never rejects.
   */
  flush(timeoutMs?: number): Promise<boolean>;
  /**
   * Flushes, then ends the sinks that were configured: lines go to the standard output again, as before. Does nothing but flush when logging was
   * configured anew since. False at the deadline, in ms, default 5,000. Never rejects.
   */
  shutdown(timeoutMs?: number): Promise<boolean>;
  [Symbol.asyncDispose](): Promise<void>;
}

const TIMEOUT_MS = 5_000;
const NOTHING: RecoveredLines = Object.freeze({ runs: 0, lines: 0, lost: 0 });

/** The configuration in force. */
const current = perThread<{ plan: LoggingPlan | undefined }>('stack.logging', () => ({ plan: undefined }));

/**
 * Says which lines are written, what they look like, and where they go; at once, for all loggers, those that exist included. To be called
 * before the first line and before threads are started, which take over what is set here. Called again it takes the place of the call
 * before: sinks that are the same stay open, others are flushed and closed in the background, and nothing is written twice. In other threads
 * than the main one it sets what holds for that thread, and sinks only if they are named; patterns of secrets and what happens when rings are full
 * hold for the process, and are the main thread's to set.
 *
 * @throws KymoError `KYMO_CONFIG_VALUE`, `KYMO_LOG_FORMAT`, `KYMO_LOG_SINK`, `KYMO_LOG_REDACT_PATH`, `KYMO_LOG_REDACT_PATTERN`,
 *   `KYMO_LOG_REDACT_OPTION`; then all is as it was
 * @example const logging = configureLogging({ level: 'info', redactFields: ['password'] });
 */
export function configureLogging(options: LoggingOptions = {}): LoggingStack {
  const plan = planLogging(options);
  const hasSinks = !DISABLED && (isMainThread || options.sinks !== undefined);
  const route = hasSinks ? mountedSinks().configure(plan.sinks, plan.service, () => applyPlan(plan)) : undefined;
  if (!hasSinks) applyPlan(plan);
  current.plan = plan;
  const recovered = route === undefined || !isMainThread || !plan.enabled ? NOTHING : recover(route);
  return stackOf(plan, recovered);
}

/**
 * Adds a sink for the lines of all threads beside those that are configured: it stays when logging is configured anew. Returns what flushes,
 * closes and takes it away. Main thread only.
 * @throws KymoError `KYMO_CONFIG_VALUE`, `KYMO_LOG_FORMAT`, `KYMO_LOG_SINK`
 */
export function addLogSink(sink: SinkChoice): () => Promise<boolean> {
  const plan = current.plan ?? planLogging({});
  const planned = plannedSink(sink, plan);
  if (!isMainThread)
    throw new KymoError('KYMO_CONFIG_VALUE', { source: 'addLogSink', value: 'called in a worker', expected: 'the main thread' });
  if (DISABLED) return () => Promise.resolve(true);
  const sinks = mountedSinks();
  // Until something is configured the standard output is where lines go, and stays it.
  if (current.plan === undefined) configureLogging();
  return sinks.add(planned, plan.service);
}

function applyPlan(plan: LoggingPlan): void {
  const { redaction } = plan;
  settings.enabled = plan.enabled && !DISABLED;
  settings.heldFrom = plan.heldFrom;
  settings.traced = plan.traced;
  settings.scale = plan.scale;
  settings.words = plan.words;
  settings.base = plan.base;
  settings.redaction = redaction;
  settings.scrub = scrubOf(redaction);
  if (settings.writer !== undefined) settings.writer.redaction = redaction;
  setRules(plan.root, plan.levels);
  settings.epoch += 1;
  leave(plan);
  if (DISABLED || !isMainThread) return;
  native.logPolicy(plan.policies, plan.blockBudgetMs);
  native.logFollowTraces(plan.heldFrom !== Number.POSITIVE_INFINITY);
  const patterns = redaction?.patterns;
  native.logScrub(patterns?.sources ?? [], patterns?.censor ?? '');
}

/** What threads that are started from now on take over. Functions in it cannot: what they hide is hidden by the default text there. */
function leave({ enabled, heldFrom, traced, scale, words, redact, base }: LoggingPlan): void {
  bequeath({ enabled, heldFrom, traced, scale, words, redact: plainRedact(redact), base: plain(base) });
}

function plainRedact(redact: Redact | undefined): Redact | undefined {
  const without = <T>(rule: T): T => {
    if (typeof rule !== 'object' || rule === null || typeof (rule as { censor?: unknown }).censor !== 'function') return rule;
    const { censor: _, ...rest } = rule as { censor?: unknown };
    return rest as T;
  };
  if (typeof redact !== 'object' || Array.isArray(redact)) return redact;
  const options = without(redact as RedactOptions);
  const { names, paths } = options;
  return {
    ...options,
    ...(paths === undefined ? {} : { paths: paths.map(without) }),
    ...(names === undefined || names === true ? {} : { names: names.map(without) }),
  };
}

/** Fields that can go to another thread; none when they cannot. */
function plain(fields: LogFields | undefined): LogFields | undefined {
  try {
    return structuredClone(fields);
  } catch {
    return plainCopy(fields) as LogFields;
  }
}

function recover(route: number): RecoveredLines {
  try {
    return native.logRecover(route);
  } catch {
    // Without the folder of segments there is nothing to recover, and what is logged now does not depend on it.
    return NOTHING;
  }
}

function stackOf(plan: LoggingPlan, recovered: RecoveredLines): LoggingStack {
  const flush = async (timeoutMs = TIMEOUT_MS): Promise<boolean> => {
    const start = performance.now();
    const written = await flushLogs(timeoutMs);
    const left = Math.max(0, timeoutMs - (performance.now() - start));
    return (await mountedSinks().flush(left)) && written;
  };
  const shutdown = async (timeoutMs = TIMEOUT_MS): Promise<boolean> => {
    const inTime = await flush(timeoutMs);
    if (current.plan !== plan) return inTime;
    const unconfigured = planLogging({});
    applyPlan(unconfigured);
    current.plan = undefined;
    if (DISABLED) return true;
    const closed = await mountedSinks().unconfigure();
    settings.epoch += 1;
    return closed && inTime;
  };
  return {
    recovered,
    flush,
    shutdown,
    [Symbol.asyncDispose]: async () => {
      await shutdown();
    },
  };
}
