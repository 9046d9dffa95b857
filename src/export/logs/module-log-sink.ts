// A sink of the application that lives in a module of its own, loaded on a thread of its own. Declared on an app thread.
import type { LogSink } from '../../logs/sinks/sink.js';
import { moduleUrl } from '../module-exporter.js';
import { checkLogBatch, checkLogRecords, checkSinkName, type LogBatchOptions, type LogRecordChoices } from './options.js';
import { openRecords, ownKey } from './record-pipeline.js';

/** Options of {@link moduleLogSink}. */
export interface ModuleLogSinkOptions extends LogBatchOptions, LogRecordChoices {
  /** Given to the module's factory; anything that `structuredClone` takes. */
  readonly options?: unknown;
  /** Name in metrics and warnings; default `module`. */
  readonly name?: string;
}

/**
 * Declares a sink that runs on a thread of its own: the module exports `createLogSink(options)`, which gives a `LogExporter` or a promise of
 * one. Nothing of it runs on the main thread, and a crash there is a restart, with back-off.
 * @param module URL or absolute path of a JavaScript module
 * @throws KymoError `KYMO_EXPORT_OPTION`
 * @example moduleLogSink(new URL('./my-sink.js', import.meta.url), { options: { table: 'logs' } })
 */
export function moduleLogSink(module: URL | string, { options, name = 'module', ...rest }: ModuleLogSinkOptions = {}): LogSink {
  const url = moduleUrl(module);
  const label = checkSinkName(name);
  const batch = checkLogBatch(rest);
  const records = checkLogRecords(rest);
  const { exportTimeoutMs } = batch;
  const to = { kind: 'module', signal: 'logs', url, options, idFormat: undefined } as const;
  return {
    name: 'module',
    key: ownKey('module'),
    open: () =>
      openRecords(
        { label, format: 'msgpack', compression: 'none', batch, retry: { timeoutMs: exportTimeoutMs, exportTimeoutMs }, to },
        records,
      ),
  };
}
