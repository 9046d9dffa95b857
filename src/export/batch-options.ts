// How a pipeline queues and batches: options, defaults, checks. Any thread, when an exporter is declared.
import type { OpenTelemetryEnvironment } from '../config/opentelemetry.js';
import { KymoError } from '../core/errors.js';

/** Options of every pipeline. Where one is left out, its variable decides, then the default. */
export interface BatchOptions {
  /** Spans that may wait, in [1, 16777216]; default 10,000. The oldest are dropped, and counted. */
  readonly maxQueueSpans?: number;
  /** Bytes of spans that may wait, in [65536, 2^40]; default 64 MiB. The oldest are dropped, and counted. */
  readonly maxQueueBytes?: number;
  /** Spans of one batch, in [1, maxQueueSpans]; default 512. */
  readonly maxBatchSpans?: number;
  /** Bytes of one encoded batch before it is packed, in [1024, 67108864]; default 3.5 MiB, below what a gRPC server takes. A span beyond it is dropped, and counted. */
  readonly maxBatchBytes?: number;
  /** Longest time that a span waits for its batch to fill, in [0, 2147483647] ms; default 5,000. */
  readonly scheduleDelayMs?: number;
  /** Longest time for one batch, repetitions included, in [1, 2147483647] ms; default 30,000. */
  readonly exportTimeoutMs?: number;
}

/** All options, checked, whatever the items are. */
export interface BatchSettings {
  readonly maxQueueItems: number;
  readonly maxQueueBytes: number;
  readonly maxBatchItems: number;
  readonly maxBatchBytes: number;
  readonly scheduleDelayMs: number;
  readonly exportTimeoutMs: number;
}

const KIB = 1_024;
const MIB = KIB * KIB;
/** The specification's limit for a request before compression. */
export const LARGEST_REQUEST_BYTES = 64 * MIB;
const LONGEST_MS = 2 ** 31 - 1;
/** Most items that may wait. */
export const MOST_ITEMS = 2 ** 24;

/** The part of the environment that is about batches. */
export type BatchEnvironment = Partial<
  Pick<OpenTelemetryEnvironment, 'maxQueueSpans' | 'maxBatchSpans' | 'scheduleDelayMs' | 'exportTimeoutMs'>
>;

/**
 * Checks and completes options. A batch of the environment that is larger than its queue is cut to it.
 * @throws KymoError `KYMO_EXPORT_OPTION` names the first one that cannot be used.
 */
export function checkBatchOptions(options: BatchOptions, env: BatchEnvironment = {}): BatchSettings {
  const maxQueueItems = wholeOption('maxQueueSpans', options.maxQueueSpans ?? env.maxQueueSpans ?? 10_000, [1, MOST_ITEMS]);
  const { maxBatchSpans = Math.min(env.maxBatchSpans ?? 512, maxQueueItems) } = options;
  return {
    maxQueueItems,
    maxBatchItems: wholeOption('maxBatchSpans', maxBatchSpans, [1, maxQueueItems]),
    ...checkBatchLimits(options, env),
  };
}

/** What options of all signals have in common. */
type BatchLimits = Pick<BatchOptions, 'maxQueueBytes' | 'maxBatchBytes' | 'scheduleDelayMs' | 'exportTimeoutMs'>;

/** Checks and completes them. @throws KymoError `KYMO_EXPORT_OPTION` */
export function checkBatchLimits(
  options: BatchLimits,
  env: Partial<Pick<OpenTelemetryEnvironment, 'scheduleDelayMs' | 'exportTimeoutMs'>>,
): Required<BatchLimits> {
  return {
    maxQueueBytes: wholeOption('maxQueueBytes', options.maxQueueBytes ?? 64 * MIB, [64 * KIB, 2 ** 40]),
    maxBatchBytes: wholeOption('maxBatchBytes', options.maxBatchBytes ?? 3.5 * MIB, [KIB, LARGEST_REQUEST_BYTES]),
    scheduleDelayMs: wholeOption('scheduleDelayMs', options.scheduleDelayMs ?? env.scheduleDelayMs ?? 5_000, [0, LONGEST_MS]),
    exportTimeoutMs: wholeOption('exportTimeoutMs', options.exportTimeoutMs ?? env.exportTimeoutMs ?? 30_000, [1, LONGEST_MS]),
  };
}

/** A whole number in a range. @throws KymoError `KYMO_EXPORT_OPTION` */
export function wholeOption(option: string, value: unknown, [low, high]: readonly [number, number]): number {
  if (!Number.isInteger(value) || (value as number) < low || (value as number) > high) {
    throw refusedOption(option, value, `a whole number in [${low}, ${high}]`);
  }
  return value as number;
}

/** One of some words. @throws KymoError `KYMO_EXPORT_OPTION` */
export function wordOption<W extends string>(option: string, value: unknown, words: readonly W[]): W {
  if (!words.includes(value as W)) throw refusedOption(option, value, `one of ${words.join(', ')}`);
  return value as W;
}

/** The error for an option of an exporter that cannot be used. */
export function refusedOption(option: string, value: unknown, expected: string): KymoError {
  return new KymoError('KYMO_EXPORT_OPTION', { option, value, expected });
}
