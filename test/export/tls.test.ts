// OTLP over TLS: servers verified with the certificates that were named, clients that show theirs, over HTTP and gRPC.
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import http2 from 'node:http2';
import https from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GrpcSender } from '../../src/export/otlp/grpc-sender.js';
import { HttpSender } from '../../src/export/otlp/http-sender.js';
import { peer } from '../peers.js';
import { batchOf, grpcReply, targetOf } from './collectors.js';

const openssl = peer('openssl', 'apt-get install openssl');
const never = new AbortController().signal;

describe.runIf(openssl)('TLS', () => {
  let folder: string;
  const file = (name: string): string => join(folder, name);
  /** A certificate for `name`, signed by itself. */
  const certify = (name: string, subject: string): void => {
    const options = [
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:prime256v1',
      '-nodes',
      '-days',
      '2',
      '-subj',
      `/CN=${subject}`,
    ];
    const made = spawnSync(
      openssl as string,
      ['req', ...options, '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', file(`${name}.key`), '-out', file(`${name}.pem`)],
      { encoding: 'utf8' },
    );
    expect(made.status, made.stderr).toBe(0);
  };
  let clients: string[];
  let servers: { readonly http: Server; readonly grpc: Server };
  const portOf = (server: Server): number => (server.address() as AddressInfo).port;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'kymo-tls-'));
    for (const [name, subject] of [
      ['server', 'collector'],
      ['client', 'service'],
      ['other', 'stranger'],
    ] as const) {
      certify(name, subject);
    }
    clients = [];
    const tls = {
      key: readFileSync(file('server.key')),
      cert: readFileSync(file('server.pem')),
      ca: readFileSync(file('client.pem')),
      requestCert: true,
      rejectUnauthorized: true,
    };
    const seen = (socket: TLSSocket): void => void clients.push(String(socket.getPeerCertificate().subject?.CN));
    const http = https.createServer(tls, (request, response) => {
      seen(request.socket as TLSSocket);
      request.resume().on('end', () => response.end());
    });
    const grpc = http2.createSecureServer(tls);
    grpc.on('stream', (stream) => {
      seen(stream.session?.socket as TLSSocket);
      stream.resume().on('end', () => grpcReply(stream, { 'grpc-status': '0' }, Buffer.alloc(0)));
    });
    servers = { http, grpc };
    for (const server of [http, grpc]) {
      server.on('tlsClientError', () => undefined).on('sessionError', () => undefined);
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
    }
  });
  afterAll(() => {
    servers.http.close();
    servers.grpc.close();
    rmSync(folder, { recursive: true });
  });

  const sender = (protocol: 'http/protobuf' | 'grpc', client = 'client', ca = 'server') => {
    const server = protocol === 'grpc' ? servers.grpc : servers.http;
    const files = { certificate: file(`${ca}.pem`), clientKey: file(`${client}.key`), clientCertificate: file(`${client}.pem`) };
    const target = targetOf({ endpoint: `127.0.0.1:${portOf(server)}`, protocol, ...files });
    return protocol === 'grpc' ? new GrpcSender(target, 'test') : new HttpSender(target, 'test');
  };

  it.each(['http/protobuf', 'grpc'] as const)(
    'is the default without a scheme, and shows the certificate of the client (%s)',
    async (protocol) => {
      clients.length = 0;
      const one = sender(protocol);
      expect(await one.send(batchOf(), 10_000, never)).toEqual({ kind: 'exported', rejected: 0, message: '' });
      expect(clients).toEqual(['service']);
      await one.close();
    },
  );

  it.each(['http/protobuf', 'grpc'] as const)('is refused by either side that knows not the other (%s)', async (protocol) => {
    for (const one of [sender(protocol, 'client', 'other'), sender(protocol, 'other')]) {
      expect(await one.send(batchOf(), 10_000, never)).toMatchObject({ kind: 'failed', reason: 'unreachable' });
      await one.close();
    }
  });

  it('takes renewed files with the next connection, and survives files that are gone', async () => {
    writeFileSync(file('renewed.pem'), readFileSync(file('other.pem')));
    const one = sender('http/protobuf', 'client', 'renewed');
    expect((await one.send(batchOf(), 10_000, never)).kind).toBe('failed');
    writeFileSync(file('renewed.pem'), readFileSync(file('server.pem')));
    expect((await one.send(batchOf(), 10_000, never)).kind).toBe('exported');
    await one.close();
    rmSync(file('renewed.pem'));
    expect(await one.send(batchOf(), 10_000, never)).toMatchObject({ kind: 'failed', message: expect.stringContaining('ENOENT') });
  });
});
