// Frames of gRPC, and what a call's status means for a batch. Pure functions over foreign bytes; exporter threads.
import type { IncomingHttpHeaders } from 'node:http2';
import { gunzipSync } from 'node:zlib';
import type { Delivery } from '../delivery.js';
import { readAnswer, readRetryInfoMs } from './answer.js';
import { LARGEST_ANSWER_BYTES } from './bounded-body.js';

/** What came back from a call. */
export interface GrpcAnswer {
  readonly headers: IncomingHttpHeaders;
  /** Undefined where the headers were all that came. */
  readonly trailers: IncomingHttpHeaders | undefined;
  /** The message without its frame; undefined for none, and `null` for bytes that are no frame. */
  readonly message: Buffer | undefined | null;
}

const OK = 0;
const UNKNOWN = 2;
const RESOURCE_EXHAUSTED = 8;
/** Cancelled, deadline exceeded, aborted, out of range, unavailable, data loss: those that the OTLP specification has repeated. */
const RETRYABLE = new Set([1, 4, 10, 11, 14, 15]);
/** HTTP statuses that came in place of a gRPC status, by gRPC's own table. */
const OF_HTTP: Readonly<Record<number, number>> = { 400: 13, 401: 16, 403: 7, 404: 12, 429: 14, 502: 14, 503: 14, 504: 14 };

/** The five bytes in front of a message: whether it is packed, and its length. */
export function framePrefix(bytes: number, packed: boolean): Buffer {
  const prefix = Buffer.allocUnsafe(5);
  prefix.writeUInt8(packed ? 1 : 0, 0);
  prefix.writeUInt32BE(bytes, 1);
  return prefix;
}

/**
 * The message of the one frame in `bytes`, unpacked: servers pack their answers as the request was. Undefined for no bytes, `null` for bytes
 * that are not one frame, or are packed otherwise than `encoding` says, or to more than may be read.
 */
export function readFrame(bytes: Buffer, encoding?: string): Buffer | undefined | null {
  if (bytes.length === 0) return undefined;
  const packed = bytes[0] as number;
  if (bytes.length < 5 || packed > 1 || bytes.readUInt32BE(1) !== bytes.length - 5) return null;
  const message = bytes.subarray(5);
  if (packed === 0) return message;
  try {
    return encoding === 'gzip' ? gunzipSync(message, { maxOutputLength: LARGEST_ANSWER_BYTES }) : null;
  } catch {
    return null;
  }
}

/** What the answer to a call means for its batch. */
export function judgeGrpc({ headers, trailers, message }: GrpcAnswer, spans: number): Delivery {
  const last = { ...headers, ...trailers };
  const http = Number(headers[':status'] ?? 0);
  const given = text(last['grpc-status']);
  const code = given !== undefined && /^\d{1,2}$/.test(given) ? Number(given) : undefined;
  if (code === undefined) {
    if (http === 0) return { kind: 'failed', reason: 'unreachable', message: 'the call ended without an answer' };
    if (http === 200) return { kind: 'refused', reason: 'bad_response', message: 'an answer without a gRPC status' };
    return byCode(OF_HTTP[http] ?? UNKNOWN, `HTTP ${http}`, undefined);
  }
  if (code !== OK) {
    const remark = unescaped(text(last['grpc-message']) ?? '');
    const details = text(last['grpc-status-details-bin']);
    const wait = details === undefined ? undefined : readRetryInfoMs(Buffer.from(details, 'base64'));
    return byCode(code, `gRPC status ${code}${remark === '' ? '' : `: ${remark}`}`, wait);
  }
  const answer = message === null ? undefined : readAnswer(message ?? Buffer.alloc(0), undefined);
  // The batch was taken, and must not be sent twice, whatever the message says.
  if (answer === undefined) return { kind: 'exported', rejected: 0, message: 'an answer that makes no sense' };
  return { kind: 'exported', rejected: Math.min(answer.rejected, spans), message: answer.message };
}

function byCode(code: number, message: string, wait: number | undefined): Delivery {
  // A server that is out of resources says with RetryInfo that it may recover; without it, it refuses for good.
  const repeat = RETRYABLE.has(code) || (code === RESOURCE_EXHAUSTED && wait !== undefined);
  if (!repeat) return { kind: 'refused', reason: 'refused', message };
  return { kind: 'failed', reason: 'throttled', message, ...(wait === undefined ? {} : { retryAfterMs: wait }) };
}

function text(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header[0] : header;
}

/** `grpc-message` is percent-encoded. */
function unescaped(message: string): string {
  try {
    return decodeURIComponent(message).slice(0, 300);
  } catch {
    return message.slice(0, 300);
  }
}
