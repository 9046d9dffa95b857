// What an OTLP server answers: partial success, status messages and, over gRPC, when to come again. Bounded readers of foreign bytes;
// they never throw. Exporter threads.

/** The answer to a batch: how many of its items were refused for good, and a remark. */
export interface PartialSuccess {
  readonly rejected: number;
  readonly message: string;
}

const ACCEPTED: PartialSuccess = Object.freeze({ rejected: 0, message: '' });
/** Longest part of a foreign text that a warning shows. */
const MESSAGE_MAX = 300;

/** One field of a protobuf message: a number, or bytes. */
interface Field {
  readonly number: number;
  readonly value: bigint | Buffer;
}

/** Reads an `ExportTraceServiceResponse` or `ExportLogsServiceResponse`, which are alike; undefined for bytes that are none. */
export function readAnswer(body: Buffer, contentType: string | undefined): PartialSuccess | undefined {
  if (body.length === 0) return ACCEPTED;
  return /\bjson\b/i.test(contentType ?? '') ? readJsonAnswer(body) : readProtobufAnswer(body);
}

function readProtobufAnswer(body: Buffer): PartialSuccess | undefined {
  const fields = readFields(body);
  if (fields === undefined) return undefined;
  const partial = bytesOf(fields, 1);
  if (partial === undefined) return ACCEPTED;
  const inner = readFields(partial);
  if (inner === undefined) return undefined;
  return { rejected: toCount(inner.findLast((field) => field.number === 1)?.value), message: shown(bytesOf(inner, 2)) };
}

function readJsonAnswer(body: Buffer): PartialSuccess | undefined {
  const answer = parsed(body);
  if (typeof answer !== 'object' || answer === null) return undefined;
  const partial = (answer as { partialSuccess?: unknown }).partialSuccess;
  if (typeof partial !== 'object' || partial === null) return ACCEPTED;
  const { rejectedSpans, rejectedLogRecords, errorMessage } = partial as Readonly<Record<string, unknown>>;
  return { rejected: toCount(rejectedSpans ?? rejectedLogRecords), message: typeof errorMessage === 'string' ? cut(errorMessage) : '' };
}

/** The message of a `google.rpc.Status`, or the beginning of the text that came in its place. */
export function readStatusMessage(body: Buffer, contentType: string | undefined): string {
  if (/\bjson\b/i.test(contentType ?? '')) {
    const message = (parsed(body) as { message?: unknown } | null | undefined)?.message;
    return typeof message === 'string' ? cut(message) : shown(body);
  }
  if (/protobuf/i.test(contentType ?? '')) return shown(bytesOf(readFields(body) ?? [], 2));
  return /^text\//i.test(contentType ?? '') ? shown(body) : '';
}

/** The delay of a `google.rpc.RetryInfo` among the details of a `google.rpc.Status`, in ms; undefined without one. */
export function readRetryInfoMs(status: Buffer): number | undefined {
  for (const detail of readFields(status) ?? []) {
    if (detail.number !== 3 || !Buffer.isBuffer(detail.value)) continue;
    const any = readFields(detail.value) ?? [];
    if (!bytesOf(any, 1)?.toString('latin1').endsWith('/google.rpc.RetryInfo')) continue;
    const info = readFields(bytesOf(any, 2) ?? Buffer.alloc(0)) ?? [];
    const delay = readFields(bytesOf(info, 1) ?? Buffer.alloc(0)) ?? [];
    const part = (number: number): number => toCount(delay.findLast((field) => field.number === number)?.value);
    return part(1) * 1_000 + Math.ceil(part(2) / 1e6);
  }
  return undefined;
}

/** The fields of a protobuf message, at most 1,000; undefined for bytes that are none. */
function readFields(bytes: Buffer): Field[] | undefined {
  const fields: Field[] = [];
  let at = 0;
  const varint = (): bigint | undefined => {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = bytes[at];
      if (byte === undefined) return undefined;
      at += 1;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    return undefined;
  };
  while (at < bytes.length) {
    const tag = varint();
    if (tag === undefined || fields.length === 1_000) return undefined;
    const number = Number(tag >> 3n);
    const wire = Number(tag & 7n);
    if (number === 0) return undefined;
    if (wire === 0) {
      const value = varint();
      if (value === undefined) return undefined;
      fields.push({ number, value });
      continue;
    }
    const length = wire === 1 ? 8 : wire === 5 ? 4 : wire === 2 ? Number(varint() ?? -1n) : -1;
    if (length < 0 || at + length > bytes.length) return undefined;
    fields.push({ number, value: bytes.subarray(at, at + length) });
    at += length;
  }
  return fields;
}

function bytesOf(fields: readonly Field[], number: number): Buffer | undefined {
  const value = fields.findLast((field) => field.number === number)?.value;
  return Buffer.isBuffer(value) ? value : undefined;
}

function parsed(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
}

/** A count of int64, in JSON a number or a text, as a whole number of at least 0. */
function toCount(value: unknown): number {
  if (typeof value === 'bigint') return Number(BigInt.asIntN(64, value) > 0n ? BigInt.asIntN(64, value) : 0n);
  const count = typeof value === 'string' && /^\d{1,19}$/.test(value) ? Number(value) : value;
  return typeof count === 'number' && Number.isInteger(count) && count > 0 ? count : 0;
}

function shown(bytes: Buffer | undefined): string {
  return bytes === undefined ? '' : cut(bytes.subarray(0, 4 * MESSAGE_MAX).toString('utf8'));
}

function cut(text: string): string {
  return [...text.slice(0, 2 * MESSAGE_MAX)].slice(0, MESSAGE_MAX).join('');
}
