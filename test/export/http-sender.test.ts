// OTLP over HTTP against servers that answer well, badly, late, too much and not at all.
import { createServer } from 'node:http';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { HttpSender } from '../../src/export/otlp/http-sender.js';
import type { OtlpExporterOptions } from '../../src/export/otlp/options.js';
import { batchOf, deadPort, httpCollector, partialSuccess, rawServer, targetOf } from './collectors.js';

const open = (endpoint: string, options: OtlpExporterOptions = {}) => new HttpSender(targetOf({ endpoint, ...options }), 'test/1');
const never = new AbortController().signal;
const protobuf = { 'content-type': 'application/x-protobuf' };

describe('a request [L-047]', () => {
  it('carries the body as it is, its type, and the headers of the target', async () => {
    await using collector = await httpCollector();
    const sender = open(collector.url, { headers: { 'X-Key': 'secret' } });
    expect(await sender.send(batchOf('spans'), 5_000, never)).toEqual({ kind: 'exported', rejected: 0, message: '' });
    const [request] = collector.received;
    expect(request).toMatchObject({ path: '/v1/traces', body: Buffer.from('spans') });
    expect(request?.headers).toMatchObject({
      ...protobuf,
      'content-length': '5',
      'user-agent': 'test/1',
      'x-key': 'secret',
    });
    expect(request?.headers).not.toHaveProperty('content-encoding');
    await sender.close();
  });

  it('says how its body is packed, and that it is JSON', async () => {
    await using collector = await httpCollector();
    const sender = open(collector.url, { compression: 'gzip', protocol: 'http/json' });
    await sender.send(batchOf(gzipSync('{"a":1}')), 5_000, never);
    expect(collector.received[0]?.headers).toMatchObject({ 'content-type': 'application/json', 'content-encoding': 'gzip' });
    expect(String(collector.received[0]?.body)).toBe('{"a":1}');
    await sender.close();
  });

  it('goes over one connection that is kept', async () => {
    await using collector = await httpCollector();
    const sender = open(collector.url);
    for (let round = 0; round < 3; round++) await sender.send(batchOf(), 5_000, never);
    expect(collector.received.map(({ connection }) => connection)).toEqual([0, 0, 0]);
    await sender.close();
  });

  it('is sent again at once when the kept connection was just closed by the server', async () => {
    await using collector = await httpCollector((_, response, count) => {
      response.end();
      // Closed behind the answer without a word, as servers do with idle connections.
      if (count === 1) setTimeout(() => response.socket?.resetAndDestroy(), 20);
    });
    const sender = open(collector.url);
    await sender.send(batchOf(), 5_000, never);
    await new Promise((resolve) => setTimeout(resolve, 5));
    const results = [];
    for (let round = 0; round < 10; round++) {
      results.push((await sender.send(batchOf(), 5_000, never)).kind);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    expect(new Set(results)).toEqual(new Set(['exported']));
    await sender.close();
  });

  it('larger than the specification allows is never sent', async () => {
    const sender = open('http://127.0.0.1:9');
    expect(await sender.send(batchOf('x', 1, 64 * 2 ** 20 + 1), 5_000, never)).toMatchObject({ kind: 'refused', reason: 'too_large' });
  });
});

describe('an answer', () => {
  it.each([429, 502, 503, 504])('of %i may be asked again', async (status) => {
    await using collector = await httpCollector((_, response) => response.writeHead(status).end());
    expect(await open(collector.url).send(batchOf(), 5_000, never)).toEqual({
      kind: 'failed',
      reason: 'throttled',
      message: `HTTP ${status}`,
    });
  });

  it.each([301, 400, 401, 404, 408, 413, 500, 501])('of %i is final', async (status) => {
    await using collector = await httpCollector((_, response) => response.writeHead(status, { location: '/elsewhere' }).end());
    expect(await open(collector.url).send(batchOf(), 5_000, never)).toMatchObject({ kind: 'refused', reason: 'refused' });
    expect(collector.received).toHaveLength(1);
  });

  it('says with Retry-After when to come again, in seconds or as a date', async () => {
    const headers = ['7', new Date(Date.now() + 9_000).toUTCString(), '0', 'soon', '-5', new Date(0).toUTCString()];
    await using collector = await httpCollector((_, response, count) =>
      response.writeHead(503, { 'retry-after': headers[count - 1] as string }).end(),
    );
    const sender = open(collector.url);
    const waits = [];
    for (const _ of headers) waits.push(((await sender.send(batchOf(), 5_000, never)) as { retryAfterMs?: number }).retryAfterMs);
    expect(waits[0]).toBe(7_000);
    expect(waits[1]).toBeGreaterThan(6_000);
    expect(waits[1]).toBeLessThanOrEqual(9_000);
    expect(waits.slice(2)).toEqual([0, undefined, undefined, 0]);
    await sender.close();
  });

  it('of a partial success is taken, with what was refused', async () => {
    const bodies: [string, Buffer | string][] = [
      ['application/x-protobuf', partialSuccess(2, 'too old')],
      ['application/json', '{"partialSuccess":{"rejectedSpans":"2","errorMessage":"too old"}}'],
      ['application/json; charset=utf-8', '{"partialSuccess":{"rejectedSpans":2,"errorMessage":"too old"}}'],
    ];
    await using collector = await httpCollector((_, response, count) => {
      const [type, body] = bodies[count - 1] as [string, Buffer | string];
      response.writeHead(200, { 'content-type': type }).end(body);
    });
    const sender = open(collector.url);
    for (const _ of bodies) {
      expect(await sender.send(batchOf(), 5_000, never)).toEqual({ kind: 'exported', rejected: 2, message: 'too old' });
    }
    await sender.close();
  });

  it('that makes no sense behind a 200 counts as taken, since it must not be sent twice', async () => {
    const bodies: [string, Buffer | string][] = [
      ['application/x-protobuf', Buffer.from([0xff, 0xff, 0xff])],
      ['application/json', '{"partialSuccess":'],
      ['text/html', '<html>'],
    ];
    await using collector = await httpCollector((_, response, count) => {
      const [type, body] = bodies[count - 1] as [string, Buffer | string];
      response.writeHead(200, { 'content-type': type }).end(body);
    });
    const sender = open(collector.url);
    for (const _ of bodies) {
      expect(await sender.send(batchOf(), 5_000, never)).toMatchObject({ kind: 'exported', rejected: 0, message: /no sense/ });
    }
    await sender.close();
  });

  it('never rejects more than there was, whatever it says', async () => {
    await using collector = await httpCollector((_, response) =>
      response.writeHead(200, { 'content-type': 'application/json' }).end('{"partialSuccess":{"rejectedSpans":"9223372036854775807"}}'),
    );
    expect(await open(collector.url).send(batchOf('x', 3), 5_000, never)).toMatchObject({ rejected: 3 });
  });

  it('is read to 4 MiB and no further', async () => {
    let written = 0;
    await using collector = await httpCollector((_, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      const chunk = Buffer.alloc(2 ** 20, 0x20);
      const more = (): void => {
        while (written < 64 && !response.destroyed) {
          written += 1;
          if (!response.write(chunk)) return void response.once('drain', more);
        }
        response.end();
      };
      more();
    });
    expect(await open(collector.url).send(batchOf(), 5_000, never)).toMatchObject({ kind: 'refused', reason: 'bad_response' });
    expect(written).toBeLessThan(32);
  });

  it.each([
    ['garbage', 'SSH-2.0-OpenSSH_9.6\r\n'],
    ['half a status line', 'HTTP/1.1 2'],
    ['headers without end', `HTTP/1.1 200 OK\r\n${'a: b\r\n'.repeat(20_000)}`],
    ['a body that is cut off', 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc'],
    ['nothing', ''],
  ])('of %s harms nobody', async (_, text) => {
    await using server = await rawServer((socket) => socket.on('data', () => socket.end(text)));
    const delivery = await open(server.url).send(batchOf(), 5_000, never);
    expect(['refused', 'failed']).toContain(delivery.kind);
    expect(delivery.kind === 'exported' || delivery.message !== '').toBe(true);
  });
});

describe('a collector that cannot be reached', () => {
  it('may be tried again: refused connections, unknown names, silence', async () => {
    const refused = await open(`http://127.0.0.1:${await deadPort()}`).send(batchOf(), 5_000, never);
    expect(refused).toMatchObject({ kind: 'failed', reason: 'unreachable', message: /ECONNREFUSED/ });
    const unknown = await open('http://nobody.invalid:4318').send(batchOf(), 5_000, never);
    expect(unknown).toMatchObject({ kind: 'failed', reason: 'unreachable' });
    await using silent = await rawServer(() => undefined);
    expect(await open(silent.url).send(batchOf(), 50, never)).toMatchObject({ kind: 'failed', reason: 'timeout' });
  });

  it('is left at once when the export is given up', async () => {
    await using silent = await rawServer(() => undefined);
    const giveUp = new AbortController();
    const sending = open(silent.url).send(batchOf(), 60_000, giveUp.signal);
    setTimeout(() => giveUp.abort(), 20);
    expect(await sending).toMatchObject({ kind: 'refused', reason: 'shutdown' });
  });

  it('answers before it has read everything: the answer counts', async () => {
    const server = createServer((request, response) => {
      request.on('error', () => undefined);
      response.writeHead(413, { connection: 'close' }).end();
      setTimeout(() => request.socket.destroy(), 50);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    const delivery = await open(`http://127.0.0.1:${port}`).send(batchOf(Buffer.alloc(32 * 2 ** 20)), 5_000, never);
    expect(delivery.kind === 'refused' ? delivery.reason : delivery.kind).toMatch(/refused|failed/);
    server.closeAllConnections();
    server.close();
  });
});
