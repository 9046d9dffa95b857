// The last records of a process, kept to be read: for tests, and for who shows them. App thread; nothing runs there until it is read.
import { native } from '../../binding/load.js';
import { settings } from '../../logs/settings.js';
import type { LogSink } from '../../logs/sinks/sink.js';
import { wholeOption } from '../batch-options.js';
import { decodeLogs, type ExportedLog } from './exported-log.js';
import { checkLogRecords, checkSinkName, type LogRecordChoices } from './options.js';
import { ownKey } from './record-pipeline.js';

/** Options of {@link memorySink}. */
export interface MemorySinkOptions extends LogRecordChoices {
  /** Records that are kept, in [1, 1000000]; default 1,000. The oldest make room, and are counted. */
  readonly maxRecords?: number;
  /** Bytes of them, in [1024, 2^32]; default 16 MiB. */
  readonly maxBytes?: number;
  /** Name in metrics; default `memory`. */
  readonly name?: string;
}

/** A sink that can be read. */
export interface MemorySink extends LogSink {
  /** What was written until now, by any thread, oldest first; at most the last `maxRecords`. Blocks until rings are drained, at most a second. */
  entries(): ExportedLog[];
  /** Forgets what is kept. */
  clear(): void;
}

const MIB = 2 ** 20;
const DRAIN_MS = 1_000;

/**
 * Keeps the last records in native memory.
 * @throws KymoError `KYMO_EXPORT_OPTION`
 * @example
 * const memory = memorySink();
 * configureLogging({ sinks: [memory] });
 * getLogger('shop').info('hello');
 * memory.entries().map(({ message }) => message); // ['hello']
 */
export function memorySink(options: MemorySinkOptions = {}): MemorySink {
  const maxRecords = wholeOption('maxRecords', options.maxRecords ?? 1_000, [1, 1_000_000]);
  const maxBytes = wholeOption('maxBytes', options.maxBytes ?? 16 * MIB, [1_024, 2 ** 32]);
  const label = checkSinkName(options.name ?? 'memory');
  const records = checkLogRecords(options);
  let memory: number | undefined;
  const drain = (): void => {
    settings.writer?.settle();
    native.ringFlush(DRAIN_MS);
  };
  return {
    name: 'memory',
    key: ownKey('memory'),
    open() {
      const opened = native.logMemory(label, maxRecords, maxBytes, records);
      memory = opened.number;
      return { records: opened.records, close: async () => true };
    },
    entries() {
      if (memory === undefined) return [];
      drain();
      return decodeLogs(native.logMemoryRead(memory));
    },
    clear() {
      if (memory === undefined) return;
      drain();
      native.logMemoryClear(memory);
    },
  };
}
