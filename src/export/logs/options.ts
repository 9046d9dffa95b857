// What sinks of log records have in common: queue, batches and limits. Any thread, when one is declared.

import type { LogRecordOptions } from '../../binding/native-log-records.js';
import { type OpenTelemetryEnvironment, readOpenTelemetry } from '../../config/opentelemetry.js';
import { type BatchSettings, checkBatchLimits, MOST_ITEMS, refusedOption, wholeOption } from '../batch-options.js';
import { detectResource, type ResourceAttributes } from '../resource.js';

/** Options of every pipeline of log records. Where one is left out, its variable decides, then the default. */
export interface LogBatchOptions {
  /** Records that may wait, in [1, 16777216]; default 10,000. The oldest are dropped, and counted. */
  readonly maxQueueRecords?: number;
  /** Bytes of records that may wait, in [65536, 2^40]; default 64 MiB. The oldest are dropped, and counted. */
  readonly maxQueueBytes?: number;
  /** Records of one batch, in [1, maxQueueRecords]; default 512. */
  readonly maxBatchRecords?: number;
  /** Bytes of one encoded batch before it is packed, in [1024, 67108864]; default 3.5 MiB. A record beyond it is dropped, and counted. */
  readonly maxBatchBytes?: number;
  /** Longest time that a record waits for its batch to fill, in [0, 2147483647] ms; default 1,000. */
  readonly scheduleDelayMs?: number;
  /** Longest time for one batch, repetitions included, in [1, 2147483647] ms; default 30,000. */
  readonly exportTimeoutMs?: number;
}

/** How records are made. */
export interface LogRecordChoices {
  /** Names of further levels, or other names for the usual ones: `{ notice: 35 }`. */
  readonly levelNames?: Readonly<Record<string, number>>;
  /** Attributes of a record, in [0, 2147483647]; those behind are dropped, and counted in it. */
  readonly maxAttributes?: number;
  /** UTF-16 units of a text in an attribute, in [0, 2147483647]. */
  readonly maxAttributeLength?: number;
}

/** Longest delay that makes sense. */
const DELAY_MS = 1_000;
const LIMIT = [0, 2 ** 31 - 1] as const;

type Environment = Partial<OpenTelemetryEnvironment>;

/**
 * Checks and completes options. A batch of the environment that is larger than its queue is cut to it.
 * @throws KymoError `KYMO_EXPORT_OPTION` names the first one that cannot be used
 */
export function checkLogBatch(options: LogBatchOptions, env: Environment = readOpenTelemetry().values, delayMs = DELAY_MS): BatchSettings {
  const maxQueueItems = wholeOption('maxQueueRecords', options.maxQueueRecords ?? env.maxQueueRecords ?? 10_000, [1, MOST_ITEMS]);
  const { maxBatchRecords = Math.min(env.maxBatchRecords ?? 512, maxQueueItems) } = options;
  return {
    maxQueueItems,
    maxBatchItems: wholeOption('maxBatchRecords', maxBatchRecords, [1, maxQueueItems]),
    ...checkBatchLimits(options, {
      scheduleDelayMs: env.logScheduleDelayMs ?? delayMs,
      exportTimeoutMs: env.logExportTimeoutMs,
    }),
  };
}

/**
 * What native makes records with. The resource is asked for once, by sinks that tell of it.
 * @throws KymoError `KYMO_EXPORT_OPTION`
 */
export function checkLogRecords(options: LogRecordChoices, resource: ResourceAttributes = {}): LogRecordOptions {
  const names = Object.entries(options.levelNames ?? {});
  for (const [name, level] of names) wholeOption(`levelNames.${name}`, level, [1, 65_535]);
  const limit = (option: 'maxAttributes' | 'maxAttributeLength', value: number | undefined): number =>
    value === undefined ? Number.POSITIVE_INFINITY : wholeOption(option, value, LIMIT);
  return {
    levels: names.map(([, level]) => level),
    levelNames: names.map(([name]) => name),
    maxAttributes: limit('maxAttributes', options.maxAttributes),
    maxAttributeLength: limit('maxAttributeLength', options.maxAttributeLength),
    resource: Object.entries(resource).flat() as LogRecordOptions['resource'],
    schemaUrl: '',
  };
}

/** The resource of a process, with a service's name where one was given. */
export function logResource(serviceName: string | undefined, attributes: ResourceAttributes | undefined): ResourceAttributes {
  const { values: environment } = readOpenTelemetry();
  return detectResource({ serviceName, attributes, environment });
}

/** A name for metrics and warnings. @throws KymoError `KYMO_EXPORT_OPTION` */
export function checkSinkName(name: unknown): string {
  if (typeof name === 'string' && /^[\w.:/ -]{1,100}$/.test(name)) return name;
  throw refusedOption('name', name, 'a short name');
}
