// A function of the application that gets each record on its own thread. App thread; about 1 us a record, and what the function costs.
import type { ExportBatch } from '../../binding/native-export.js';
import type { LogSink } from '../../logs/sinks/sink.js';
import { refusedOption } from '../batch-options.js';
import { unexported } from '../context-exporter.js';
import type { BatchSender, Delivery } from '../delivery.js';
import { inTime, reasonOf } from '../in-time.js';
import { decodeLogs, type ExportedLog } from './exported-log.js';
import { checkLogBatch, checkLogRecords, checkSinkName, type LogBatchOptions, type LogRecordChoices } from './options.js';
import { openRecords, ownKey } from './record-pipeline.js';

/** Gets one record. A promise is awaited before the next one. */
export type LogCallback = (record: ExportedLog) => void | Promise<void>;

/** Options of {@link callbackSink}. */
export interface CallbackSinkOptions extends LogBatchOptions, LogRecordChoices {
  /** Name in metrics and warnings; default `callback`. */
  readonly name?: string;
}

/** Records wait this long for others by default: the callback runs on the loop, and is woken once for many. */
const DELAY_MS = 100;

/** Calls the function for each record of a batch. What it throws costs that record, is counted, and reaches nobody. */
class CallbackSender implements BatchSender {
  readonly #callback: LogCallback;

  constructor(callback: LogCallback) {
    this.#callback = callback;
  }

  async send(batch: ExportBatch, timeoutMs: number, signal: AbortSignal): Promise<Delivery> {
    const until = performance.now() + timeoutMs;
    let failed = 0;
    let message = '';
    for (const record of decodeLogs(batch.body)) {
      try {
        const result: unknown = unexported(() => this.#callback(record));
        if (result instanceof Promise && !(await inTime(result, until - performance.now(), signal))) {
          return { kind: 'refused', reason: 'timeout', message: `a callback did not settle within ${Math.round(timeoutMs)} ms` };
        }
      } catch (error) {
        failed += 1;
        message = reasonOf(error);
      }
    }
    return { kind: 'exported', rejected: failed, message };
  }

  async close(): Promise<void> {
    // It holds nothing.
  }
}

/**
 * A sink that calls back for each record, in order, on the thread that configures it, some milliseconds after it was written. It must not log
 * to its own sink: each line would bring another one.
 * @throws KymoError `KYMO_EXPORT_OPTION`
 * @example configureLogging({ sinks: [callbackSink((record) => counts.add(record.levelName))] })
 */
export function callbackSink(callback: LogCallback, { name = 'callback', ...rest }: CallbackSinkOptions = {}): LogSink {
  if (typeof callback !== 'function') throw refusedOption('callback', typeof callback, 'a function');
  const label = checkSinkName(name);
  const batch = checkLogBatch(rest, {}, DELAY_MS);
  const records = checkLogRecords(rest);
  const { exportTimeoutMs } = batch;
  return {
    name: 'callback',
    key: ownKey('callback'),
    open: () =>
      openRecords(
        {
          label,
          format: 'msgpack',
          compression: 'none',
          batch,
          retry: { timeoutMs: exportTimeoutMs, exportTimeoutMs },
          to: { kind: 'here', sender: new CallbackSender(callback) },
        },
        records,
      ),
  };
}
