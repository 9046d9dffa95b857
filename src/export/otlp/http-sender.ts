// OTLP over HTTP: one kept connection, one request at a time, every answer bounded. Exporter threads.
// https://opentelemetry.io/docs/specs/otlp/#otlphttp
import http from 'node:http';
import https from 'node:https';
import type { ExportBatch } from '../../binding/native-export.js';
import type { BatchSender, Delivery } from '../delivery.js';
import { retryAfterMs } from '../retry.js';
import { readAnswer, readStatusMessage } from './answer.js';
import { BoundedBody, LARGEST_ANSWER_BYTES } from './bounded-body.js';
import { NOT_SENT, tooLarge } from './not-sent.js';
import type { OtlpTarget } from './options.js';
import { tlsOptions } from './tls.js';

/** Answers that ask for the same request again; every other one below 200 or from 300 on is final. */
const RETRYABLE = new Set([429, 502, 503, 504]);

/** Sends batches as POST requests. */
export class HttpSender implements BatchSender {
  readonly #target: OtlpTarget;
  readonly #url: URL;
  readonly #headers: http.OutgoingHttpHeaders;
  #agent: http.Agent | undefined;

  constructor(target: OtlpTarget, userAgent: string) {
    this.#target = target;
    this.#url = new URL(target.url);
    this.#headers = {
      'user-agent': userAgent,
      ...target.headers,
      'content-type': target.protocol === 'http/json' ? 'application/json' : 'application/x-protobuf',
      ...(target.compression === 'none' ? {} : { 'content-encoding': target.compression }),
    };
  }

  async send(batch: ExportBatch, timeoutMs: number, signal: AbortSignal): Promise<Delivery> {
    const refused = tooLarge(batch);
    if (refused !== undefined) return refused;
    const until = performance.now() + timeoutMs;
    const first = await this.#attempt(batch, timeoutMs, signal);
    if (!first.stale) return first.delivery;
    // The server closed the kept connection just when it was used: that says nothing about the server.
    return (await this.#attempt(batch, Math.max(1, until - performance.now()), signal)).delivery;
  }

  async close(): Promise<void> {
    this.#agent?.destroy();
    this.#agent = undefined;
  }

  #attempt(batch: ExportBatch, timeoutMs: number, signal: AbortSignal): Promise<{ delivery: Delivery; stale: boolean }> {
    return new Promise((resolve) => {
      if (signal.aborted) return resolve({ delivery: NOT_SENT, stale: false });
      let request: http.ClientRequest;
      try {
        request = this.#request(batch.body.byteLength);
      } catch (error) {
        return resolve({ delivery: this.#lost(error as NodeJS.ErrnoException), stale: false });
      }
      const settle = (delivery: Delivery, stale = false): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', giveUp);
        if (delivery.kind !== 'exported') request.destroy();
        resolve({ delivery, stale });
      };
      const giveUp = (): void => settle(NOT_SENT);
      const timer = setTimeout(
        () => settle({ kind: 'failed', reason: 'timeout', message: `no answer within ${Math.round(timeoutMs)} ms` }),
        timeoutMs,
      );
      signal.addEventListener('abort', giveUp, { once: true });
      let answered = false;
      request.on('error', (error: NodeJS.ErrnoException) => {
        // Behind an answer that came before the end of the request, the connection may break without harm.
        if (!answered) settle(this.#lost(error), request.reusedSocket && (error.code === 'ECONNRESET' || error.code === 'EPIPE'));
      });
      request.on('response', (response) => {
        answered = true;
        this.#read(response, batch.items, settle);
      });
      request.end(batch.body);
    });
  }

  #request(bytes: number): http.ClientRequest {
    const secure = this.#url.protocol === 'https:';
    this.#agent ??= secure
      ? new https.Agent({ keepAlive: true, maxSockets: 1, ...tlsOptions(this.#target) })
      : new http.Agent({ keepAlive: true, maxSockets: 1 });
    const headers = { ...this.#headers, 'content-length': bytes };
    return (secure ? https : http).request(this.#url, { method: 'POST', agent: this.#agent, headers });
  }

  #read(response: http.IncomingMessage, spans: number, settle: (delivery: Delivery) => void): void {
    const body = new BoundedBody();
    response.on('data', (chunk: Buffer) => {
      if (!body.add(chunk))
        settle({ kind: 'refused', reason: 'bad_response', message: `an answer of more than ${LARGEST_ANSWER_BYTES} bytes` });
    });
    response.on('end', () => settle(judge(response, body.bytes(), spans)));
    // Cut off in the body: what the server made of the request is not known, and it may be told again.
    response.on('error', () => settle({ kind: 'failed', reason: 'unreachable', message: `the answer ${response.statusCode} was cut off` }));
  }

  /** What an error of the connection means; the next attempt makes a new one, with the files of keys read again. */
  #lost(error: NodeJS.ErrnoException): Delivery {
    this.#agent?.destroy();
    this.#agent = undefined;
    const text = error.code === undefined || error.message.includes(error.code) ? error.message : `${error.code}: ${error.message}`;
    // What came was not HTTP, or more of it than headers may have.
    if (error.code?.startsWith('HPE_')) return { kind: 'refused', reason: 'bad_response', message: text };
    return { kind: 'failed', reason: 'unreachable', message: text || 'the connection failed' };
  }
}

function judge(response: http.IncomingMessage, body: Buffer, spans: number): Delivery {
  const status = response.statusCode ?? 0;
  const contentType = response.headers['content-type'];
  if (status >= 200 && status < 300) {
    const answer = readAnswer(body, contentType);
    // The batch was taken, and must not be sent twice, whatever the body says.
    if (answer === undefined) return { kind: 'exported', rejected: 0, message: `an answer ${status} that makes no sense` };
    return { kind: 'exported', rejected: Math.min(answer.rejected, spans), message: answer.message };
  }
  const remark = readStatusMessage(body, contentType);
  const message = `HTTP ${status}${remark === '' ? '' : `: ${remark}`}`;
  if (!RETRYABLE.has(status)) return { kind: 'refused', reason: 'refused', message };
  const wait = retryAfterMs(response.headers['retry-after']);
  return { kind: 'failed', reason: 'throttled', message, ...(wait === undefined ? {} : { retryAfterMs: wait }) };
}
