// OTLP over gRPC against HTTP/2 servers that answer as gRPC ones do, and otherwise.
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { framePrefix, readFrame } from '../../src/export/otlp/grpc-answer.js';
import { GrpcSender } from '../../src/export/otlp/grpc-sender.js';
import type { OtlpExporterOptions } from '../../src/export/otlp/options.js';
import {
  batchOf,
  deadPort,
  frame,
  grpcCollector,
  grpcReply,
  httpCollector,
  partialSuccess,
  rawServer,
  retryInfoStatus,
  targetOf,
} from './collectors.js';

const open = (endpoint: string, options: OtlpExporterOptions = {}) =>
  new GrpcSender(targetOf({ endpoint, protocol: 'grpc', ...options }), 'test/1');
const never = new AbortController().signal;

describe('a call [V-07 L-047]', () => {
  it('is one of TraceService/Export, with the body in a frame', async () => {
    await using collector = await grpcCollector();
    const sender = open(collector.url, { headers: { 'X-Key': 'secret' } });
    expect(await sender.send(batchOf('spans'), 5_000, never)).toEqual({ kind: 'exported', rejected: 0, message: '' });
    const [call] = collector.received;
    expect(call?.path).toBe('/opentelemetry.proto.collector.trace.v1.TraceService/Export');
    expect(call?.headers).toMatchObject({ 'content-type': 'application/grpc', te: 'trailers', 'x-key': 'secret', 'user-agent': 'test/1' });
    expect(call?.headers['grpc-timeout']).toBe('5000m');
    expect(String(call?.body)).toBe('spans');
    await sender.close();
  });

  it('packs its message with gzip, and says so', async () => {
    await using collector = await grpcCollector();
    const sender = open(collector.url, { compression: 'gzip' });
    await sender.send(batchOf(gzipSync('spans')), 5_000, never);
    expect(collector.received[0]?.headers['grpc-encoding']).toBe('gzip');
    expect(String(collector.received[0]?.body)).toBe('spans');
    await sender.close();
  });

  it('goes over one connection, and a new one when the server closes it', async () => {
    await using collector = await grpcCollector((_, stream, count) => {
      grpcReply(stream, { 'grpc-status': '0' }, Buffer.alloc(0));
      if (count === 2) stream.session?.close();
    });
    const sender = open(collector.url);
    for (let round = 0; round < 4; round++) {
      expect((await sender.send(batchOf(), 5_000, never)).kind).toBe('exported');
      await new Promise((resolve) => setTimeout(resolve, 30));
    }
    expect(collector.received.map(({ connection }) => connection)).toEqual([0, 0, 1, 1]);
    await sender.close();
  });
});

describe('a status', () => {
  const withStatus = async (trailers: Record<string, string>, message?: Buffer) => {
    await using collector = await grpcCollector((_, stream) => grpcReply(stream, trailers, message));
    const sender = open(collector.url);
    const delivery = await sender.send(batchOf('x', 3), 5_000, never);
    await sender.close();
    return delivery;
  };

  it.each([1, 4, 10, 11, 14, 15])('of %i may be asked again, in trailers or in headers that are all', async (status) => {
    const trailers = { 'grpc-status': String(status), 'grpc-message': 'not%20now' };
    const expected = { kind: 'failed', reason: 'throttled', message: `gRPC status ${status}: not now` };
    expect(await withStatus(trailers)).toEqual(expected);
    expect(await withStatus(trailers, Buffer.alloc(0))).toEqual(expected);
  });

  it.each([2, 3, 5, 6, 7, 8, 9, 12, 13, 16])('of %i is final', async (status) => {
    expect(await withStatus({ 'grpc-status': String(status) })).toMatchObject({ kind: 'refused', reason: 'refused' });
  });

  it('with a RetryInfo says when to come again, also of exhausted resources', async () => {
    const details = retryInfoStatus(3, 500_000_000).toString('base64');
    for (const status of ['8', '14']) {
      expect(await withStatus({ 'grpc-status': status, 'grpc-status-details-bin': details })).toMatchObject({
        kind: 'failed',
        retryAfterMs: 3_500,
      });
    }
    for (const nonsense of ['!!', '', 'AAAA', Buffer.alloc(3_000, 0xff).toString('base64')]) {
      expect(await withStatus({ 'grpc-status': '8', 'grpc-status-details-bin': nonsense })).toMatchObject({ kind: 'refused' });
    }
  });

  it('of 0 with a partial success is taken, with what was refused', async () => {
    expect(await withStatus({ 'grpc-status': '0' }, partialSuccess(2, 'old'))).toEqual({ kind: 'exported', rejected: 2, message: 'old' });
    expect(await withStatus({ 'grpc-status': '0' }, Buffer.from([0xff]))).toMatchObject({ kind: 'exported', message: /no sense/ });
  });

  it('that is missing is judged by the status of HTTP', async () => {
    const answered = async (status: number) => {
      await using collector = await grpcCollector((_, stream) => stream.respond({ ':status': status }, { endStream: true }));
      const sender = open(collector.url);
      const delivery = await sender.send(batchOf(), 5_000, never);
      await sender.close();
      return delivery;
    };
    expect(await answered(503)).toMatchObject({ kind: 'failed' });
    expect(await answered(429)).toMatchObject({ kind: 'failed' });
    expect(await answered(404)).toMatchObject({ kind: 'refused', reason: 'refused' });
    expect(await answered(200)).toMatchObject({ kind: 'refused', reason: 'bad_response' });
  });
});

describe('a server that is none', () => {
  it('harms nobody: not HTTP/2, silent, gone, closing, endless', async () => {
    await using http1 = await httpCollector();
    expect((await open(http1.url).send(batchOf(), 2_000, never)).kind).not.toBe('exported');
    await using garbage = await rawServer((socket) => socket.end('SSH-2.0-OpenSSH_9.6\r\n'.repeat(10)));
    expect((await open(garbage.url).send(batchOf(), 2_000, never)).kind).not.toBe('exported');
    await using silent = await rawServer(() => undefined);
    expect(await open(silent.url).send(batchOf(), 50, never)).toMatchObject({ kind: 'failed', reason: 'timeout' });
    expect(await open(`http://127.0.0.1:${await deadPort()}`).send(batchOf(), 2_000, never)).toMatchObject({ reason: 'unreachable' });
    await using closing = await rawServer((socket) => socket.end());
    expect((await open(closing.url).send(batchOf(), 2_000, never)).kind).toBe('failed');
    await using reset = await grpcCollector((_, stream) => stream.close(7));
    expect((await open(reset.url).send(batchOf(), 2_000, never)).kind).not.toBe('exported');
    await using endless = await grpcCollector((_, stream) => {
      stream.respond({ ':status': 200 });
      const more = (): void => {
        while (!stream.destroyed && stream.write(Buffer.alloc(2 ** 18)));
        if (!stream.destroyed) stream.once('drain', more);
      };
      more();
    });
    expect(await open(endless.url).send(batchOf(), 10_000, never)).toMatchObject({ kind: 'refused', reason: 'bad_response' });
  });

  it('is left at once when the export is given up, and may be tried again later', async () => {
    await using collector = await grpcCollector((_, stream, count) => {
      if (count > 1) grpcReply(stream, { 'grpc-status': '0' }, Buffer.alloc(0));
    });
    const sender = open(collector.url);
    const giveUp = new AbortController();
    setTimeout(() => giveUp.abort(), 50);
    expect(await sender.send(batchOf(), 60_000, giveUp.signal)).toMatchObject({ reason: 'shutdown' });
    expect((await sender.send(batchOf(), 5_000, never)).kind).toBe('exported');
    await sender.close();
  });
});

describe('a frame', () => {
  it('has a mark and a length of four bytes in front', () => {
    expect([...framePrefix(0x01020304, true)]).toEqual([1, 1, 2, 3, 4]);
    expect(readFrame(frame(Buffer.from('abc')))?.toString()).toBe('abc');
  });

  it('may be packed with gzip, to no more than may be read', () => {
    const packed = (message: Buffer): Buffer => Buffer.concat([framePrefix(message.length, true), message]);
    expect(readFrame(packed(gzipSync('abc')), 'gzip')?.toString()).toBe('abc');
    expect(readFrame(packed(gzipSync('abc')), 'undefined')).toBeNull();
    expect(readFrame(packed(Buffer.from('abc')), 'gzip')).toBeNull();
    expect(readFrame(packed(gzipSync(Buffer.alloc(5 * 2 ** 20))), 'gzip')).toBeNull();
  });

  it('that is none, packed, cut or followed by more is no answer', () => {
    expect(readFrame(Buffer.alloc(0))).toBeUndefined();
    for (const bytes of [[0], [1, 0, 0, 0, 0], [0, 0, 0, 0, 5, 1], [0, 0, 0, 0, 0, 9], [0, 255, 255, 255, 255, 1]]) {
      expect(readFrame(Buffer.from(bytes)), String(bytes)).toBeNull();
    }
  });
});
