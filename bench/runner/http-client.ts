// Program: one keep-alive HTTP/1.1 connection that asks one path again and again and times each answer. Raw sockets, so that the
// client adds as little as it can to what it measures. Its own process, so that no blocked loop of the server can touch it.
import { connect, type Socket } from 'node:net';
import { answer } from './program.js';
import { percentile } from './statistics.js';

/** What to ask, and for how long. */
export interface Load {
  readonly port: number;
  readonly path: string;
  /** Length of the load; the last answer may come later. */
  readonly seconds: number;
  /** Pause from one request's start to the next; 0 = the next one follows the answer. */
  readonly everyMs: number;
}

/** What came back. */
export interface Latencies {
  readonly requests: number;
  /** Of the answers after the first one, which also pays for the connection, in ms. */
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
  /** Length of the last body, and its lines. */
  readonly bytes: number;
  readonly lines: number;
  /** Wall clock of the first request and the last answer, ms since 1970. */
  readonly from: number;
  readonly to: number;
}

/** One request and its whole body. @throws Error on any status but 200, or an answer without a length. */
function exchange(socket: Socket, request: string): Promise<Buffer[]> {
  return new Promise((done, fail) => {
    let head = Buffer.alloc(0);
    let left = -1;
    const body: Buffer[] = [];
    const finish = (settle: () => void): void => {
      socket.off('data', onData).off('error', fail).off('close', onClose);
      settle();
    };
    const onClose = (): void => finish(() => fail(new Error('the server closed the connection')));
    const onData = (chunk: Buffer): void => {
      let rest = chunk;
      if (left < 0) {
        head = Buffer.concat([head, chunk]);
        const end = head.indexOf('\r\n\r\n');
        if (end < 0) return;
        const text = head.toString('latin1', 0, end);
        const length = /^content-length: *(\d+)$/im.exec(text)?.[1];
        if (!text.startsWith('HTTP/1.1 200') || length === undefined) {
          finish(() => fail(new Error(`unexpected answer: ${text}`)));
          return;
        }
        left = Number(length);
        rest = head.subarray(end + 4);
      }
      body.push(rest);
      left -= rest.length;
      if (left <= 0) finish(() => done(body));
    };
    socket.on('data', onData).on('error', fail).on('close', onClose);
    socket.write(request);
  });
}

async function load({ port, path, seconds, everyMs }: Load): Promise<Latencies> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  await new Promise((done, fail) => socket.once('connect', done).once('error', fail));
  const request = `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`;
  const latencies: number[] = [];
  const from = Date.now();
  let last: Buffer[] = [];
  try {
    const start = performance.now();
    const end = start + seconds * 1000;
    for (let due = start; performance.now() < end; due += everyMs) {
      const asked = performance.now();
      last = await exchange(socket, request);
      latencies.push(performance.now() - asked);
      const pause = due + everyMs - performance.now();
      if (everyMs > 0 && pause > 0) await new Promise((done) => setTimeout(done, pause));
    }
  } finally {
    socket.destroy();
  }
  const to = Date.now();
  const timed = latencies.length > 1 ? latencies.slice(1) : latencies;
  const body = Buffer.concat(last);
  return {
    requests: latencies.length,
    p50: percentile(timed, 0.5),
    p99: percentile(timed, 0.99),
    max: percentile(timed, 1),
    bytes: body.length,
    lines: body.toString('latin1').split('\n').length - 1,
    from,
    to,
  };
}

answer({ load });
