// A log record as sinks in JavaScript get it, and how it is read. Types, and the thread that such a sink runs on.

import type { Unpackr } from 'msgpackr';
import location from '../../binding/location.cjs';

/** A log record. What is not there has no key. */
export interface ExportedLog {
  /** ms since 1970. */
  readonly time: number;
  /** trace 10, debug 20, info 30, warn 40, error 50, fatal 60. */
  readonly level: number;
  /** Its word; empty for a level without one. */
  readonly levelName: string;
  /** Name of the logger; empty for none. */
  readonly logger: string;
  /** Null for none. Any value, usually a text; of a line that was finished before, the line. */
  readonly message: unknown;
  /** All fields of the line, bindings of its logger first. Dates are dates, bytes are bytes, errors are objects of their parts. */
  readonly fields: Readonly<Record<string, unknown>>;
  /** Fields that had no key, or were beyond the limit; absent for none. */
  readonly droppedFieldsCount?: number;
  /** 32 hex digits. */
  readonly traceId?: string;
  /** 16 hex digits. */
  readonly spanId?: string;
  /** Flags of W3C Trace Context. */
  readonly traceFlags?: number;
}

let unpackr: Unpackr | undefined;

/** Loaded by the first batch: who logs to files only needs no decoder. */
function decoder(): Unpackr {
  if (unpackr === undefined) {
    const msgpackr = location.loadPackage('msgpackr') as typeof import('msgpackr');
    unpackr = new msgpackr.Unpackr({ useRecords: false, mapsAsObjects: true });
  }
  return unpackr;
}

/** The records of a batch, about 1 us each. @throws what msgpackr throws for bytes that are none */
export function decodeLogs(bytes: Uint8Array): ExportedLog[] {
  return bytes.length === 0 ? [] : (decoder().unpack(bytes) as ExportedLog[]);
}
