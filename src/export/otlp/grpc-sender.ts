// OTLP over gRPC: unary calls on one HTTP/2 connection, without a gRPC library. Exporter threads.
// https://opentelemetry.io/docs/specs/otlp/#otlpgrpc and https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
import http2 from 'node:http2';
import type { ExportBatch } from '../../binding/native-export.js';
import type { BatchSender, Delivery } from '../delivery.js';
import { BoundedBody, LARGEST_ANSWER_BYTES } from './bounded-body.js';
import { framePrefix, type GrpcAnswer, judgeGrpc, readFrame } from './grpc-answer.js';
import { NOT_SENT, tooLarge } from './not-sent.js';
import type { OtlpTarget } from './options.js';
import { tlsOptions } from './tls.js';

/** Sends batches as calls of the method that the target's URL names. */
export class GrpcSender implements BatchSender {
  readonly #target: OtlpTarget;
  readonly #url: URL;
  readonly #headers: http2.OutgoingHttpHeaders;
  #session: http2.ClientHttp2Session | undefined;

  constructor(target: OtlpTarget, userAgent: string) {
    this.#target = target;
    this.#url = new URL(target.url);
    this.#headers = {
      'user-agent': userAgent,
      ...target.headers,
      ':method': 'POST',
      ':path': this.#url.pathname,
      'content-type': 'application/grpc',
      te: 'trailers',
      ...(target.compression === 'none' ? {} : { 'grpc-encoding': target.compression }),
    };
  }

  send(batch: ExportBatch, timeoutMs: number, signal: AbortSignal): Promise<Delivery> {
    const refused = tooLarge(batch);
    if (refused !== undefined) return Promise.resolve(refused);
    return new Promise((resolve) => {
      if (signal.aborted) return resolve(NOT_SENT);
      let session: http2.ClientHttp2Session;
      try {
        session = this.#connected();
      } catch (error) {
        return resolve(lost(error as NodeJS.ErrnoException));
      }
      const settle = (delivery: Delivery): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', giveUp);
        session.off('error', failed);
        session.off('close', closed);
        resolve(delivery);
      };
      /** Ends the connection: one that is silent, or speaks nonsense, is not asked again. */
      const end = (delivery: Delivery): void => {
        settle(delivery);
        this.#drop(session);
      };
      const giveUp = (): void => end(NOT_SENT);
      const failed = (error: NodeJS.ErrnoException): void => end(lost(error));
      const closed = (): void => end({ kind: 'failed', reason: 'unreachable', message: 'the connection was closed' });
      const timer = setTimeout(
        () => end({ kind: 'failed', reason: 'timeout', message: `no answer within ${Math.round(timeoutMs)} ms` }),
        timeoutMs,
      );
      signal.addEventListener('abort', giveUp, { once: true });
      session.once('error', failed);
      session.once('close', closed);
      this.#call(session, batch, timeoutMs, settle, end);
    });
  }

  async close(): Promise<void> {
    if (this.#session) this.#drop(this.#session);
  }

  #call(
    session: http2.ClientHttp2Session,
    batch: ExportBatch,
    timeoutMs: number,
    settle: (delivery: Delivery) => void,
    end: (delivery: Delivery) => void,
  ): void {
    // At most eight digits, by the protocol; the last one of them is far beyond every timer.
    const deadline = `${Math.min(99_999_999, Math.ceil(timeoutMs))}m`;
    let stream: http2.ClientHttp2Stream;
    try {
      stream = session.request({ ...this.#headers, 'grpc-timeout': deadline });
    } catch (error) {
      return end(lost(error as NodeJS.ErrnoException));
    }
    const body = new BoundedBody();
    let headers: GrpcAnswer['headers'] = {};
    let trailers: GrpcAnswer['trailers'];
    stream.on('response', (received) => {
      headers = received;
    });
    stream.on('trailers', (received) => {
      trailers = received;
    });
    stream.on('data', (chunk: Buffer) => {
      if (!body.add(chunk))
        end({ kind: 'refused', reason: 'bad_response', message: `an answer of more than ${LARGEST_ANSWER_BYTES} bytes` });
    });
    stream.on('end', () => {
      settle(judgeGrpc({ headers, trailers, message: readFrame(body.bytes(), String(headers['grpc-encoding'])) }, batch.items));
    });
    stream.on('error', (error: NodeJS.ErrnoException) => settle(lost(error)));
    stream.write(framePrefix(batch.body.byteLength, this.#target.compression !== 'none'));
    stream.end(batch.body);
  }

  #connected(): http2.ClientHttp2Session {
    const known = this.#session;
    if (known && !known.closed && !known.destroyed) return known;
    const session = http2.connect(this.#url.origin, { ...tlsOptions(this.#target), settings: { enablePush: false } });
    // Without a call, a broken connection harms nobody; the next call makes a new one.
    session.on('error', () => this.#drop(session));
    session.on('goaway', () => {
      if (this.#session === session) this.#session = undefined;
    });
    this.#session = session;
    return session;
  }

  #drop(session: http2.ClientHttp2Session): void {
    if (this.#session === session) this.#session = undefined;
    session.destroy();
  }
}

function lost(error: NodeJS.ErrnoException): Delivery {
  const message = error.message || error.code || 'the connection failed';
  // What came was not HTTP/2.
  if (error.code === 'ERR_HTTP2_ERROR' || error.code === 'ERR_HTTP2_SESSION_ERROR')
    return { kind: 'refused', reason: 'bad_response', message };
  return { kind: 'failed', reason: 'unreachable', message };
}
