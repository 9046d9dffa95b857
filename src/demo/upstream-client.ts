// Forwards one request to the upstream and its answer back: streamed with back-pressure, with a limit on the upstream's
// silence, one retry where it is safe, 502 and 504 where there is no answer. Main thread.
import { type ClientRequest, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse, request as send } from 'node:http';
import { pipeline } from 'node:stream';
import { TracedHttpAgent } from '../index.js';
import { type Outcome, upstreamAttempts, upstreamBytes, upstreamDurations, upstreamRetries, upstreamSizes } from './instruments.js';

/** Where requests go and how long the upstream may be silent. */
export interface UpstreamOptions {
  /** Value of the `upstream` label. */
  readonly name: string;
  readonly host: string;
  readonly port: number;
  /** Longest time without a byte from the upstream; > 0. */
  readonly timeoutMs: number;
}

/** Methods that may be sent twice (RFC 9110, 9.2.2). */
const IDEMPOTENT: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE']);

/** Headers that belong to one connection and are not passed on (RFC 9110, 7.6.1). */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** The way to one upstream, with its pool of connections. */
export class UpstreamClient {
  readonly #options: UpstreamOptions;
  /** Its requests carry the trace on, which those of other agents do from Node 22 on only. */
  readonly #agent = new TracedHttpAgent({ keepAlive: true, maxSockets: 256 });
  readonly #durations;
  readonly #bytes;
  readonly #sizes;
  readonly #retries;

  constructor(options: UpstreamOptions) {
    this.#options = options;
    this.#durations = upstreamDurations.labels(options.name);
    this.#bytes = upstreamBytes.labels(options.name);
    this.#sizes = upstreamSizes.labels(options.name);
    this.#retries = upstreamRetries.labels(options.name);
  }

  /** Forwards `request` and answers `response`, whatever happens. `requestId` goes with both. */
  forward(request: IncomingMessage, response: ServerResponse, requestId: string): void {
    const hasBody = request.headers['transfer-encoding'] !== undefined || Number(request.headers['content-length'] ?? 0) > 0;
    // A body is streamed, not kept, so a request that has one can't be sent twice.
    const retries = !hasBody && IDEMPOTENT.has(request.method ?? '') ? 1 : 0;
    this.#attempt(request, response, requestId, hasBody, retries);
  }

  /** Closes the pool. */
  close(): void {
    this.#agent.destroy();
  }

  #attempt(request: IncomingMessage, response: ServerResponse, requestId: string, hasBody: boolean, retries: number): void {
    const { host, port, timeoutMs } = this.#options;
    const headers = onwardHeaders(request.headers);
    headers['x-request-id'] = requestId;
    headers['x-forwarded-for'] = [request.headers['x-forwarded-for'], request.socket.remoteAddress].filter(Boolean).join(', ');
    // Without a length the body must be framed, also for methods where node:http would not: an unframed one is read as another request.
    if (hasBody && headers['content-length'] === undefined) headers['transfer-encoding'] = 'chunked';
    const sent = send({ agent: this.#agent, host, port, method: request.method, path: request.url, headers });
    const endHead = this.#durations.startTimer();
    const silence = new Silence(timeoutMs, () => {
      // A client that reads slowly keeps the upstream waiting; that silence is not the upstream's.
      if (response.writableNeedDrain) return false;
      sent.destroy(new UpstreamTimeout());
      return true;
    });
    let answer: IncomingMessage | undefined;
    let left = false;
    const leave = (): void => {
      // Whether the client broke the body off or the upstream did: both streams are ended then, so the first one tells.
      left = answer === undefined || answer.errored === null;
      if (answer === undefined) sent.destroy(new ClientLeft());
    };
    const settle = (outcome: Outcome): void => {
      silence.end();
      response.off('close', leave);
      upstreamAttempts.inc({ upstream: this.#options.name, outcome });
    };
    response.once('close', leave);

    sent.once('response', (head) => {
      answer = head;
      endHead();
      silence.broken();
      response.writeHead(head.statusCode ?? 502, onwardHeaders(head.headers));
      let sizeBytes = 0;
      head.on('data', (chunk: Buffer) => {
        silence.broken();
        sizeBytes += chunk.length;
        this.#bytes.inc(chunk.length);
      });
      // pipeline holds the upstream back while the client is slow, and ends both sides if one breaks.
      pipeline(head, response, (error) => {
        this.#sizes.observe(sizeBytes);
        settle(error == null ? 'answered' : left ? 'abandoned' : 'truncated');
      });
    });
    sent.once('error', (error) => {
      // The body's end says how the attempt ended; a late error on the same socket adds nothing.
      if (answer !== undefined) return;
      request.unpipe(sent);
      settle(error instanceof UpstreamTimeout ? 'timeout' : error instanceof ClientLeft ? 'abandoned' : 'broken');
      if (error instanceof ClientLeft) return;
      if (retries > 0 && !(error instanceof UpstreamTimeout)) {
        this.#retries.inc();
        this.#attempt(request, response, requestId, hasBody, retries - 1);
        return;
      }
      request.resume();
      answerWithout(response, error instanceof UpstreamTimeout);
    });

    if (hasBody) stream(request, sent, silence);
    else sent.end();
  }
}

/** Sends the request's body; `pipe` holds the client back while the upstream is slow. An upload that goes on is no silence. */
function stream(request: IncomingMessage, sent: ClientRequest, silence: Silence): void {
  request.on('data', () => silence.broken());
  request.pipe(sent);
}

function answerWithout(response: ServerResponse, late: boolean): void {
  const body = late ? '{"error":"the upstream did not answer in time"}\n' : '{"error":"the upstream is not reachable"}\n';
  response.writeHead(late ? 504 : 502, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) });
  response.end(body);
}

function onwardHeaders(headers: IncomingHttpHeaders): Record<string, string | string[]> {
  const named = new Set((headers.connection ?? '').toLowerCase().split(/\s*,\s*/));
  const onward: Record<string, string | string[]> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined && name !== 'expect' && !HOP_BY_HOP.has(name) && !named.has(name)) onward[name] = value;
  }
  return onward;
}

class UpstreamTimeout extends Error {}
class ClientLeft extends Error {}

/** Watches for a stretch of time without {@link Silence.broken}. */
class Silence {
  readonly #limitMs: number;
  readonly #tooLong: () => boolean;
  #timer: NodeJS.Timeout | undefined;
  #sinceMs = performance.now();
  #ended = false;

  /** `tooLong` runs when `limitMs` passed in silence; false from it: wait as long again. */
  constructor(limitMs: number, tooLong: () => boolean) {
    this.#limitMs = limitMs;
    this.#tooLong = tooLong;
    this.#watch(limitMs);
  }

  /** Something was heard. */
  broken(): void {
    this.#sinceMs = performance.now();
  }

  end(): void {
    this.#ended = true;
    clearTimeout(this.#timer);
  }

  #watch(forMs: number): void {
    // After a block of the loop all timers are late, and the answers that came meanwhile are still unread. One turn of the loop
    // reads them: only what is still silent then is the upstream's fault.
    this.#timer = setTimeout(() => setImmediate(() => this.#judge()), forMs);
  }

  #judge(): void {
    if (this.#ended) return;
    const restMs = this.#sinceMs + this.#limitMs - performance.now();
    if (restMs > 0) this.#watch(restMs);
    else if (!this.#tooLong()) this.#watch(this.#limitMs);
  }
}
