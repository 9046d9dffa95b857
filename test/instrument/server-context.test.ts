// The context of a request: there for its listeners and all they start, gone for everything else on the same socket and server.
import { AsyncLocalStorage } from 'node:async_hooks';
import { channel } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { createServer, get, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { Writable } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { activeContext, Context, ROOT_CONTEXT, runInContext } from '../../src/context/context.js';
import { HttpServerInstrumentation } from '../../src/instrument/http-server.js';
import { RecordedSpans } from './recorded-spans.js';

let tracing: RecordedSpans;
let instrumentation: HttpServerInstrumentation;
let server: Server;
let seen: string[];
const sockets: Socket[] = [];

/** Notes whose request is active: its number from 1, `-` for none, `?` for something else. */
function note(where: string): void {
  const active = activeContext();
  const index = tracing.indexOf(active);
  seen.push(`${where} ${index >= 0 ? index + 1 : active === ROOT_CONTEXT ? '-' : '?'}`);
}

async function listening(listener?: RequestListener): Promise<void> {
  server = createServer(listener as RequestListener).listen(0, '127.0.0.1');
  await once(server, 'listening');
}

function open(): Socket {
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  socket.on('error', () => undefined);
  sockets.push(socket);
  return socket;
}

/** Sends `text` in one packet and resolves when `answers` status lines have come back. */
async function exchange(socket: Socket, text: string, answers: number): Promise<string> {
  let received = '';
  const onData = (chunk: Buffer): void => {
    received += chunk.toString('latin1');
  };
  socket.on('data', onData);
  socket.write(text);
  await vi.waitFor(() => expect(received.split('HTTP/1.1 ').length - 1).toBeGreaterThanOrEqual(answers), { timeout: 5_000 });
  socket.off('data', onData);
  return received;
}

const GET = 'GET / HTTP/1.1\r\nhost: a\r\n\r\n';

beforeEach(() => {
  tracing = new RecordedSpans();
  instrumentation = new HttpServerInstrumentation(tracing, {});
  seen = [];
});

afterEach(() => {
  instrumentation.stop();
  for (const socket of sockets.splice(0)) socket.destroy();
  server.closeAllConnections();
  server.close();
});

describe('context of a request', () => {
  it('is active in every listener, and in the promises, timers and ticks they start', async () => {
    await listening((_request, response) => {
      note('first');
      setTimeout(() => note('timer'), 5);
      setImmediate(() => note('immediate'));
      process.nextTick(() => note('tick'));
      queueMicrotask(() => note('microtask'));
      void (async () => {
        await pause(20);
        note('await');
        response.end();
      })();
    });
    server.on('request', () => note('second'));
    await exchange(open(), GET, 1);
    expect(seen.sort()).toEqual(['await 1', 'first 1', 'immediate 1', 'microtask 1', 'second 1', 'tick 1', 'timer 1']);
  });

  it('is its own for each of the requests that come in one packet, whatever answers first', async () => {
    await listening((request, response) => {
      const mine = request.url as string;
      note(`begins ${mine}`);
      setTimeout(
        () => {
          note(`answers ${mine}`);
          response.end();
        },
        mine === '/1' ? 30 : 1,
      );
    });
    const texts = [1, 2, 3].map((k) => `GET /${k} HTTP/1.1\r\nhost: a\r\n\r\n`);
    await exchange(open(), texts.join(''), 3);
    expect(seen).toEqual(['begins /1 1', 'begins /2 2', 'begins /3 3', 'answers /2 2', 'answers /3 3', 'answers /1 1']);
    expect(tracing.spans.map((span) => [span.parent, span.ended])).toEqual([1, 2, 3].map(() => [ROOT_CONTEXT, 1]));
  });

  it('is no parent of the next request on a kept connection', async () => {
    await listening((_request, response) => void response.end());
    const socket = open();
    for (let k = 0; k < 3; k++) await exchange(socket, GET, 1);
    expect(tracing.spans.map((span) => span.parent)).toEqual([ROOT_CONTEXT, ROOT_CONTEXT, ROOT_CONTEXT]);
  });

  it('is over when the listeners have run: for code after them, for what the socket does next, for the server', async () => {
    await listening();
    const emit = server.emit.bind(server);
    server.emit = ((event: string, ...args: unknown[]) => {
      const handled = emit(event, ...args);
      if (event === 'request') note('after the listeners');
      return handled;
    }) as typeof server.emit;
    server.on('request', (_request: IncomingMessage, response: ServerResponse) => void response.end('x'));
    server.on('upgrade', (_request: IncomingMessage, socket: Socket) => {
      note('upgrade');
      socket.end('HTTP/1.1 101 Switching Protocols\r\n\r\n');
    });
    server.on('clientError', (_error, socket) => {
      note('clientError');
      socket.destroy();
    });
    const upgrade = 'GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n';
    const first = open();
    await exchange(first, GET, 1);
    await exchange(first, upgrade, 1);
    const second = open();
    await exchange(second, GET, 1);
    second.write('no HTTP at all\r\n\r\n');
    await once(second, 'close');
    expect(seen).toEqual(['after the listeners -', 'upgrade -', 'after the listeners -', 'clientError -']);
  });

  it('stays the last to be left when listeners are added, replaced or removed between requests', async () => {
    await listening();
    const one = (_request: IncomingMessage, response: ServerResponse): void => {
      note('one');
      response.end();
    };
    const two = (_request: IncomingMessage, response: ServerResponse): void => {
      note('two');
      response.end();
    };
    const socket = open();
    server.on('request', one);
    await exchange(socket, GET, 1);
    server.off('request', one);
    server.on('request', two);
    await exchange(socket, GET, 1);
    server.prependListener('request', () => note('before'));
    server.once('request', () => note('once'));
    await exchange(socket, GET, 1);
    await exchange(socket, GET, 1);
    for (const event of ['request', 'newListener', 'removeListener']) server.removeAllListeners(event);
    server.on('request', one);
    await exchange(open(), GET, 1);
    expect(seen).toEqual(['one 1', 'two 2', 'before 3', 'two 3', 'once 3', 'before 4', 'two 4', 'one 5']);
    expect(tracing.spans.every((span) => span.parent === ROOT_CONTEXT)).toBe(true);
  });

  it('does not reach the next request when a listener threw', async () => {
    await listening((request, response) => {
      if (request.url === '/throws') {
        setImmediate(() => response.end());
        throw new Error('a listener that throws');
      }
      note('next');
      response.end();
    });
    const caught = new Promise((resolve) => {
      const others = process.listeners('uncaughtException');
      process.removeAllListeners('uncaughtException');
      process.once('uncaughtException', (error) => {
        for (const other of others) process.on('uncaughtException', other);
        resolve(error);
      });
    });
    const socket = open();
    socket.write('GET /throws HTTP/1.1\r\nhost: a\r\n\r\n');
    expect(await caught).toMatchObject({ message: 'a listener that throws' });
    await pause(20);
    socket.write(GET);
    await exchange(open(), GET, 1);
    await vi.waitFor(() => expect(seen.length).toBeGreaterThan(0));
    expect(tracing.spans.map((span) => span.parent)).toEqual(tracing.spans.map(() => ROOT_CONTEXT));
    expect(new Set(seen).size).toBe(seen.length);
  });

  it('is there when a body has ended that came in later packets', async () => {
    await listening((request, response) => {
      request.on('data', () => undefined);
      request.on('end', () => {
        note('end');
        setTimeout(() => {
          note('after end');
          response.end();
        }, 1);
      });
    });
    const socket = open();
    for (let k = 0; k < 2; k++) {
      socket.write('POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 6\r\n\r\nabc');
      await pause(20);
      await exchange(socket, 'def', 1);
    }
    await exchange(socket, `POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n${GET}`, 2);
    expect(seen).toEqual(['end 1', 'after end 1', 'end 2', 'after end 2', 'end 3', 'end 4', 'after end 3', 'after end 4']);
  });

  it('is there in each listener of a body that comes in later packets, whatever reads it, and nowhere else', async () => {
    const readers: Record<string, (request: IncomingMessage, done: () => void) => void> = {
      '/data': (request, done) => {
        request.on('data', () => note('data'));
        request.once('end', () => note('end'));
        request.on('end', done);
        request.prependListener('end', () => note('first end'));
      },
      '/readable': (request, done) => {
        request.on('readable', () => {
          note('readable');
          while (request.read() !== null);
        });
        request.on('end', done);
      },
      '/pipe': (request, done) => {
        const sink = new Writable({
          write(_chunk, _encoding, written) {
            note('write');
            setImmediate(written);
          },
          final(finished) {
            note('final');
            done();
            finished();
          },
        });
        request.pipe(sink);
      },
      '/iterate': async (request, done) => {
        for await (const _chunk of request) note('chunk');
        done();
      },
    };
    await listening((request, response) => readers[request.url as string]?.(request, () => response.end()));
    server.on('upgrade', (_request: IncomingMessage, upgraded: Socket) => {
      note('upgrade');
      upgraded.end('HTTP/1.1 101 Switching Protocols\r\n\r\n');
    });
    const socket = open();
    for (const url of Object.keys(readers)) {
      socket.write(`POST ${url} HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\nabc`);
      await pause(20);
      socket.write('def');
      await pause(20);
      await exchange(socket, 'ghi', 1);
    }
    await exchange(socket, 'GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n', 1);
    expect(seen.at(-1)).toBe('upgrade -');
    expect(new Set(seen.slice(0, -1))).toEqual(new Set(['data 1', 'first end 1', 'end 1', 'readable 2', 'write 3', 'final 3', 'chunk 4']));
    expect(seen.filter((entry) => entry === 'data 1')).toHaveLength(3);
    expect(tracing.spans.map((span) => span.parent)).toEqual(tracing.spans.map(() => ROOT_CONTEXT));
  });

  it('leaves a body alone that is read by nobody any more, and one that another context reads', async () => {
    let held: IncomingMessage | undefined;
    await listening((request) => {
      held = request;
      const sink = new Writable({ highWaterMark: 1, write: () => undefined });
      request.pipe(sink);
      setTimeout(() => request.unpipe(sink), 10);
    });
    const socket = open();
    socket.write('POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 6\r\n\r\nabc');
    await vi.waitFor(() => expect(held?.listenerCount('data')).toBe(0));
    socket.write('def');
    await pause(30);
    expect([held?.readableFlowing, held?.readableLength]).toEqual([false, 3]);
    const other = new Context(5, 6, 7, 8, 5);
    runInContext(other, () => {
      held?.on('readable', () => undefined).on('data', () => seen.push(activeContext() === other ? 'other' : 'lost'));
      held?.read();
      seen.push(activeContext() === other ? 'still other' : 'changed');
    });
    expect(seen).toEqual(['other', 'still other']);
  });

  it('is there in checkContinue and checkExpectation, and nothing of it stays where node:http answers by itself', async () => {
    await listening((_request, response) => {
      note('request');
      response.end();
    });
    const expecting = (what: string): string => `POST / HTTP/1.1\r\nhost: a\r\nexpect: ${what}\r\ncontent-length: 0\r\n\r\n`;
    const socket = open();
    expect(await exchange(socket, expecting('100-continue'), 2)).toMatch(/^HTTP\/1.1 100 .*HTTP\/1.1 200 /s);
    expect(await exchange(open(), expecting('the impossible'), 1)).toMatch(/^HTTP\/1.1 417 /);
    expect(await exchange(open(), 'GET / HTTP/1.1\r\n\r\n', 1)).toMatch(/^HTTP\/1.1 400 /);
    server.on('checkContinue', (_request, response) => {
      note('checkContinue');
      response.end();
    });
    server.on('checkExpectation', (_request, response) => {
      note('checkExpectation');
      response.end();
    });
    // Without the continuation node:http closes the connection after the answer.
    await exchange(open(), expecting('100-continue'), 1);
    await exchange(open(), expecting('the impossible'), 1);
    await exchange(socket, GET, 1);
    server.removeAllListeners('checkContinue').removeAllListeners('checkExpectation');
    expect(await exchange(open(), expecting('100-continue'), 2)).toMatch(/^HTTP\/1.1 100 .*HTTP\/1.1 200 /s);
    expect(seen).toEqual(['request 1', 'checkContinue 4', 'checkExpectation 5', 'request 6', 'request 7']);
    expect(tracing.spans.map((span) => span.parent)).toEqual(tracing.spans.map(() => ROOT_CONTEXT));
  });

  it('is left behind by requests that are dropped', async () => {
    await listening((_request, response) => {
      note('request');
      response.end();
    });
    server.maxRequestsPerSocket = 1;
    server.on('dropRequest', () => note('dropped'));
    await exchange(open(), GET + GET, 2);
    expect(seen).toEqual(['request 1', 'dropped 2']);
    expect(tracing.spans.map((span) => span.parent)).toEqual([ROOT_CONTEXT, ROOT_CONTEXT]);
  });

  it('comes on top of what was active around the server, which is back afterwards', async () => {
    const outer = new Context(5, 6, 7, 8, 5);
    const own = new AsyncLocalStorage<string>();
    await own.run('mine', () =>
      runInContext(outer, async () => {
        await listening((_request, response) => {
          note(`listener ${own.getStore()}`);
          response.end();
        });
      }),
    );
    const socket = open();
    await exchange(socket, GET + GET, 2);
    expect(tracing.spans.map((span) => span.parent)).toEqual([outer, outer]);
    expect(seen).toEqual(['listener mine 1', 'listener mine 2']);
  });

  it('does not reach timers, sockets and servers that were there before', async () => {
    const early = setInterval(() => note('early timer'), 3);
    await listening((_request, response) => setTimeout(() => response.end(), 10) && undefined);
    server.on('connection', (socket: Socket) => socket.on('drain', () => note('drain')).on('end', () => note('end of socket')));
    const socket = open();
    await exchange(socket, GET, 1);
    clearInterval(early);
    socket.end();
    await once(socket, 'close');
    expect(new Set(seen)).toEqual(new Set(['early timer -', 'end of socket -']));
  });

  it('survives a client that leaves, and ends with it', async () => {
    await listening((_request, response) => void response.on('close', () => seen.push('closed')));
    const socket = open();
    socket.write(GET + GET);
    await vi.waitFor(() => expect(tracing.spans.length).toBe(2));
    socket.destroy();
    await vi.waitFor(() => expect(tracing.spans.map((span) => span.ended)).toEqual([1, 1]));
    expect(tracing.spans.map((span) => span.attributes['error.type'])).toEqual(['aborted', 'aborted']);
    expect(tracing.spans.map((span) => [span.status, span.attributes['http.response.status_code']])).toEqual([
      ['unset', undefined],
      ['unset', undefined],
    ]);
  });

  it('is put in place for servers that were made before, and no more after stop()', async () => {
    instrumentation.stop();
    await listening((_request, response) => {
      note('request');
      response.end();
    });
    const socket = open();
    await exchange(socket, GET, 1);
    const before = server.listenerCount('request');
    instrumentation = new HttpServerInstrumentation(tracing, {});
    await exchange(socket, GET, 1);
    instrumentation.stop();
    await exchange(socket, GET, 1);
    expect(seen).toEqual(['request -', 'request 1', 'request -']);
    expect([server.listenerCount('request'), server.listenerCount('newListener'), server.listenerCount('dropRequest')]).toEqual([
      before,
      0,
      0,
    ]);
  });

  it('is that of the new instrumentation on a connection that an earlier one has seen, which still ends what it began', async () => {
    let answer = (): void => undefined;
    await listening((request, response) => {
      note(`request ${request.url}`);
      if (request.url === '/late') answer = () => response.end();
      else response.end();
    });
    const emit = server.emit.bind(server);
    server.emit = ((event: string, ...args: unknown[]) => {
      const handled = emit(event, ...args);
      if (event === 'request') note('after');
      return handled;
    }) as typeof server.emit;
    const socket = open();
    await exchange(socket, GET, 1);
    socket.write('GET /late HTTP/1.1\r\nhost: a\r\n\r\n');
    await vi.waitFor(() => expect(tracing.spans).toHaveLength(2));
    instrumentation.stop();
    const later = new HttpServerInstrumentation(tracing, {});
    answer();
    await vi.waitFor(() => expect(tracing.spans[1]?.ended).toBe(1));
    await exchange(socket, GET, 1);
    socket.write('GET /late HTTP/1.1\r\nhost: a\r\n\r\n');
    await vi.waitFor(() => expect(tracing.spans).toHaveLength(4));
    socket.destroy();
    await vi.waitFor(() => expect(tracing.spans.map((span) => span.ended)).toEqual([1, 1, 1, 1]));
    later.stop();
    expect(seen).toEqual(['request / 1', 'after -', 'request /late 2', 'after -', 'request / 3', 'after -', 'request /late 4', 'after -']);
    expect(
      ['start', 'finish'].map((part) => channel(`http.server.${part === 'start' ? 'request' : 'response'}.${part}`).hasSubscribers),
    ).toEqual([false, false]);
  });

  it('ends nothing of the application when what is published is not what it should be', async () => {
    await listening((_request, response) => void response.end());
    channel('http.server.request.start').publish({});
    channel('http.server.response.finish').publish(undefined);
    await exchange(open(), GET, 1);
    expect(tracing.spans).toHaveLength(1);
  });

  it('goes with each of many concurrent requests', async () => {
    await listening(async (_request, response) => {
      const mine = activeContext();
      for (let k = 0; k < 5; k++) {
        await pause(Math.random() * 4);
        if (activeContext() !== mine) seen.push('mixed up');
      }
      response.end();
    });
    const port = (server.address() as AddressInfo).port;
    await Promise.all(
      Array.from(
        { length: 100 },
        () => new Promise((resolve) => get({ port, host: '127.0.0.1' }, (answer) => answer.resume().on('end', resolve))),
      ),
    );
    expect([seen, tracing.spans.length, new Set(tracing.spans.map((span) => span.context)).size]).toEqual([[], 100, 100]);
    await vi.waitFor(() => expect(tracing.spans.every((span) => span.ended === 1)).toBe(true));
  });
});
