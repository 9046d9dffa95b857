// A log writer over a ring with a spool, and the records that end up in it, for tests.
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  LOG_BITS_AT,
  LOG_HEAD,
  LOG_HEAD_TRACED,
  LOG_LEVEL_AT,
  LOG_LOGGER_AT,
  LOG_ROUTE_AT,
  LOG_SPAN_AT,
  LOG_TIME_AT,
  LOG_TRACE_AT,
  LOG_TRACED,
  RECORD_HEADER,
  RECORD_LINE,
  RECORD_LOG,
  RECORD_USER,
} from '../../src/binding/generated/layout.js';
import { native } from '../../src/binding/load.js';
import { RingLogWriter } from '../../src/binding/log-writer.js';

/** A record as it was written. */
export interface ReadRecord {
  readonly kind: 'log' | 'line';
  readonly time: number;
  readonly level: number;
  readonly route: number;
  readonly bits: number;
  readonly logger: string | undefined;
  readonly trace: readonly number[] | undefined;
  readonly cut: boolean;
  readonly message: unknown;
  /** Keys and values in turns. */
  readonly pairs: readonly (readonly [string, unknown])[];
}

/** Takes the head off each log record, so that what is left is a record of values. */
function withoutHeads(spool: Uint8Array): { heads: DataView[]; bytes: Uint8Array } {
  const heads: DataView[] = [];
  const parts: Uint8Array[] = [];
  for (let at = 0; at < spool.length; ) {
    const header = new DataView(spool.buffer, spool.byteOffset + at, RECORD_HEADER);
    const length = header.getUint32(0, true);
    const kind = header.getUint16(4, true);
    const record = spool.slice(at, at + length);
    at += length;
    if (kind === RECORD_LOG || kind === RECORD_LINE) {
      const head = new DataView(record.buffer, record.byteOffset + RECORD_HEADER);
      heads.push(head);
      const size = (head.getUint32(LOG_BITS_AT, true) & LOG_TRACED) === 0 ? LOG_HEAD : LOG_HEAD_TRACED;
      const values = record.slice(size);
      values.set(record.subarray(0, RECORD_HEADER));
      const view = new DataView(values.buffer, values.byteOffset);
      view.setUint32(0, length - size, true);
      view.setUint16(4, kind + RECORD_USER, true);
      parts.push(values);
    } else {
      parts.push(record);
    }
  }
  return { heads, bytes: Buffer.concat(parts) };
}

/** Records in the bytes of a spool. */
export function readRecords(spool: Uint8Array): ReadRecord[] {
  const { heads, bytes } = withoutHeads(spool);
  const { records, keys, bad } = native.ringDecode(bytes, []);
  if (bad !== undefined) throw new Error(bad);
  return records.map(({ kind, cut, values: [message, ...rest] }, index) => {
    const head = heads[index] as DataView;
    const bits = head.getUint32(LOG_BITS_AT, true);
    const words = (from: number, count: number): number[] => Array.from({ length: count }, (_, at) => head.getInt32(from + 4 * at, true));
    return {
      kind: kind === RECORD_LOG + RECORD_USER ? 'log' : 'line',
      time: head.getFloat64(LOG_TIME_AT, true),
      level: head.getUint16(LOG_LEVEL_AT, true),
      route: head.getUint16(LOG_ROUTE_AT, true),
      bits,
      logger: keys[head.getInt32(LOG_LOGGER_AT, true)],
      trace: (bits & LOG_TRACED) === 0 ? undefined : [...words(LOG_TRACE_AT, 4), ...words(LOG_SPAN_AT, 2)],
      cut,
      message,
      pairs: Array.from({ length: rest.length / 2 }, (_, at) => [rest[2 * at] as string, rest[2 * at + 1]]),
    };
  });
}

/** A log writer of its own ring. */
export interface OpenedLogRing {
  readonly writer: RingLogWriter;
  /** What it wrote so far. */
  read(): ReadRecord[];
  dropped(): Readonly<Record<string, number>>;
  /** Waits for the memory that takes long records, which the collector makes. */
  overflow(): Promise<void>;
}

/** Opens one, over a spool. */
export function openLogRing(sizeBytes = 1 << 20): OpenedLogRing {
  const spool = join(mkdtempSync(join(tmpdir(), 'kymo-log-writer-')), 'spool');
  const attachment = native.ringOpen({ sizeBytes, onFull: 'block', signal: 'spool', spool, threadId: 0 });
  const writer = new RingLogWriter(native, attachment);
  Object.assign(writer.call, { level: 30, time: 1_700_000_000_123 });
  return {
    writer,
    read() {
      if (!native.ringFlush(10_000)) throw new Error('the ring was not drained');
      return readRecords(new Uint8Array(readFileSync(spool)));
    },
    dropped: () => native.ringState(attachment.ring).dropped,
    async overflow() {
      while (!native.ringState(attachment.ring).overflow) await new Promise((resolve) => setTimeout(resolve, 1));
    },
  };
}
