// Lines of this process at the other end of sockets and descriptors.
import { once } from 'node:events';
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { native } from '../../../src/binding/load.js';
import { logRing } from '../../../src/binding/log-ring.js';
import type { LogSink, OpenedSink } from '../../../src/logs/sinks/sink.js';
import { tcpSink, unixSocketSink } from '../../../src/logs/sinks/socket.js';
import { descriptorSink } from '../../../src/logs/sinks/standard.js';
import { memoryFolder, removeFolder } from '../../recorder/processes.js';

let folder: string;
beforeAll(() => {
  folder = memoryFolder();
});
afterAll(() => removeFolder(folder));

/** A server that keeps what it is sent. */
class Receiver {
  readonly #server: Server;
  readonly #connections = new Set<Socket>();
  received = '';

  constructor() {
    this.#server = createServer((connection) => {
      this.#connections.add(connection);
      connection.setEncoding('utf8').on('data', (part: string) => {
        this.received += part;
      });
      connection.on('error', () => undefined);
    });
  }

  async listen(at: number | string): Promise<number> {
    if (typeof at === 'number') this.#server.listen(at, '127.0.0.1');
    else this.#server.listen(at);
    await once(this.#server, 'listening');
    return (this.#server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    for (const connection of this.#connections) connection.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

let routes = 0;

/** Writes lines into a sink, which stays open. */
function write(sink: LogSink, count: number): { readonly lines: string; readonly opened: OpenedSink } {
  const opened = sink.open({ format: -1, service: undefined });
  const route = native.logRoute(`sockets-${routes++}`);
  native.logRouteSet(route, [{ minLevel: 0, sink: opened.sink as number }]);
  const ring = logRing();
  const lines = Array.from({ length: count }, (_, line) => `{"line":${line}}\n`);
  for (const line of lines) {
    Object.assign(ring.call, { level: 30, route, bits: 0, logger: -1, time: Date.now() });
    ring.line(line);
  }
  return { lines: lines.join(''), opened };
}

describe('sinks into sockets', () => {
  it('bring all lines to a TCP server that is there only later', async () => {
    const free = new Receiver();
    const port = await free.listen(0);
    await free.close();
    const { lines, opened } = write(tcpSink({ port, retryMinMs: 10, retryMaxMs: 50 }), 5_000);
    await expect.poll(() => native.logSinkState(opened.sink as number).error).toMatch(/refused/);
    const server = new Receiver();
    await server.listen(port);
    expect(await native.logFlush(10_000)).toBe(true);
    await expect.poll(() => server.received.length).toBe(lines.length);
    expect(server.received).toBe(lines);
    expect(native.logSinkState(opened.sink as number)).toMatchObject({ identity: `tcp:127.0.0.1:${port}`, dropped: 0 });
    expect(native.logSinkState(opened.sink as number)).not.toHaveProperty('error');
    expect(await opened.close(1_000)).toBe(true);
    await server.close();
  });

  it('bring all lines to a Unix socket', async () => {
    const path = join(folder, 'socket');
    const server = new Receiver();
    await server.listen(path);
    const { lines, opened } = write(unixSocketSink({ path }), 5_000);
    expect(await native.logFlush(10_000)).toBe(true);
    await expect.poll(() => server.received.length).toBe(lines.length);
    expect(server.received).toBe(lines);
    expect(await opened.close(1_000)).toBe(true);
    await server.close();
  });
});

describe('a sink into a descriptor', () => {
  it('writes there, and nowhere else once the number belongs to another file', async () => {
    const [path, other] = [join(folder, 'out'), join(folder, 'other')];
    const fd = openSync(path, 'a');
    const { lines, opened } = write(descriptorSink({ fd }), 1_000);
    expect(await native.logFlush(10_000)).toBe(true);
    expect(readFileSync(path, 'utf8')).toBe(lines);

    closeSync(fd);
    writeFileSync(other, '');
    const reused = openSync(other, 'a');
    expect(reused).toBe(fd);
    const late = write({ name: 'same', key: undefined, open: () => opened }, 1);
    await expect.poll(() => native.logSinkState(late.opened.sink as number).error).toMatch(/Bad file descriptor/);
    expect(readFileSync(other, 'utf8')).toBe('');
    expect(await opened.close(0)).toBe(false);
    closeSync(reused);
  });
});
