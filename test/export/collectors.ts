// Local collectors that answer as a test says: OTLP over HTTP and over gRPC, and sockets that speak nonsense.
import { once } from 'node:events';
import http from 'node:http';
import http2 from 'node:http2';
import net, { type AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import type { ExportBatch } from '../../src/binding/native-export.js';
import { checkOtlpOptions, type OtlpExporterOptions, type OtlpTarget } from '../../src/export/otlp/options.js';

/** A request as a collector got it; packed bodies are unpacked. */
export interface Received {
  readonly path: string;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: Buffer;
  /** Number of the connection that it came on, from 0. */
  readonly connection: number;
}

export type HttpAnswer = (request: Received, response: http.ServerResponse, count: number) => void;

/** A server that keeps what it got. */
export interface Collector {
  readonly url: string;
  readonly port: number;
  readonly received: Received[];
  [Symbol.asyncDispose](): Promise<void>;
}

async function listen(server: net.Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

function closer(server: net.Server): { close(): Promise<void> } {
  const sockets = new Set<net.Socket>();
  server.on('connection', (socket: net.Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket)).on('error', () => undefined);
  });
  return {
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

/** Answers 200 without a body unless told otherwise. */
export async function httpCollector(answer: HttpAnswer = (_, response) => response.end(), port = 0): Promise<Collector> {
  const received: Received[] = [];
  const connections: net.Socket[] = [];
  const server = http.createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks);
      if (!connections.includes(request.socket)) connections.push(request.socket);
      const one = {
        path: request.url ?? '',
        headers: request.headers,
        body: request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body,
        connection: connections.indexOf(request.socket),
      };
      received.push(one);
      answer(one, response, received.length);
    });
  });
  const { close } = closer(server);
  if (port !== 0) {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
  } else await listen(server);
  const at = (server.address() as AddressInfo).port;
  return { url: `http://127.0.0.1:${at}`, port: at, received, [Symbol.asyncDispose]: close };
}

export type GrpcAnswerer = (request: Received, stream: http2.ServerHttp2Stream, count: number) => void;

/** A message of gRPC in its frame. */
export function frame(message: Buffer = Buffer.alloc(0)): Buffer {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}

/** Answers with a message and trailers, or, without a message, with headers that are all. */
export function grpcReply(stream: http2.ServerHttp2Stream, trailers: http2.OutgoingHttpHeaders, message?: Buffer): void {
  const headers = { ':status': 200, 'content-type': 'application/grpc' };
  if (message === undefined) return stream.respond({ ...headers, ...trailers }, { endStream: true });
  stream.respond(headers, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers(trailers));
  stream.end(frame(message));
}

/** Accepts everything unless told otherwise. */
export async function grpcCollector(
  answer: GrpcAnswerer = (_, stream) => grpcReply(stream, { 'grpc-status': '0' }, Buffer.alloc(0)),
): Promise<Collector> {
  const received: Received[] = [];
  const sessions: unknown[] = [];
  const server = http2.createServer();
  server.on('sessionError', () => undefined);
  server.on('stream', (stream, headers) => {
    stream.on('error', () => undefined);
    const chunks: Buffer[] = [];
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('end', () => {
      const framed = Buffer.concat(chunks);
      const body = framed.subarray(5);
      if (!sessions.includes(stream.session)) sessions.push(stream.session);
      const one = {
        path: String(headers[':path']),
        headers: headers as http.IncomingHttpHeaders,
        body: framed[0] === 1 ? gunzipSync(body) : body,
        connection: sessions.indexOf(stream.session),
      };
      received.push(one);
      answer(one, stream, received.length);
    });
  });
  const { close } = closer(server as unknown as net.Server);
  const port = await listen(server as unknown as net.Server);
  return { url: `http://127.0.0.1:${port}`, port, received, [Symbol.asyncDispose]: close };
}

/** A socket that answers each connection as `answer` does; what it gets is thrown away. */
export async function rawServer(answer: (socket: net.Socket) => void): Promise<Collector> {
  const server = net.createServer((socket) => {
    socket.on('data', () => undefined).on('error', () => undefined);
    answer(socket);
  });
  const { close } = closer(server);
  const port = await listen(server);
  return { url: `http://127.0.0.1:${port}`, port, received: [], [Symbol.asyncDispose]: close };
}

/** A port of this machine on which nobody listens. */
export async function deadPort(): Promise<number> {
  const server = net.createServer();
  const port = await listen(server);
  await new Promise((resolve) => server.close(resolve));
  return port;
}

export function targetOf(options: OtlpExporterOptions): OtlpTarget {
  return checkOtlpOptions(options, {}).target;
}

export function batchOf(body: Uint8Array | string = 'spans', items = 3, plainBytes?: number): ExportBatch {
  const bytes = typeof body === 'string' ? Buffer.from(body) : body;
  return { batch: 1, items, body: bytes, plainBytes: plainBytes ?? bytes.byteLength };
}

/** `ExportTraceServiceResponse` with a partial success. */
export function partialSuccess(rejected: number, message: string): Buffer {
  const text = Buffer.from(message);
  const inner = Buffer.concat([Buffer.from([0x08, rejected]), Buffer.from([0x12, text.length]), text]);
  return Buffer.concat([Buffer.from([0x0a, inner.length]), inner]);
}

/** `google.rpc.Status` with a RetryInfo among its details. */
export function retryInfoStatus(seconds: number, nanos = 0): Buffer {
  const field = (tag: number, bytes: Buffer): Buffer => Buffer.concat([Buffer.from([tag, bytes.length]), bytes]);
  const varint = (value: number): number[] => (value < 128 ? [value] : [(value & 127) | 128, ...varint(Math.floor(value / 128))]);
  const duration = Buffer.from([0x08, ...varint(seconds), 0x10, ...varint(nanos)]);
  const any = Buffer.concat([field(0x0a, Buffer.from('type.googleapis.com/google.rpc.RetryInfo')), field(0x12, field(0x0a, duration))]);
  return Buffer.concat([Buffer.from([0x08, 14]), field(0x1a, any)]);
}
