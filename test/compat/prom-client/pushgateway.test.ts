// The drop-in's Pushgateway against prom-client's: the same calls, what a server sees of them, and what comes back.
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import * as ours from '../../../src/compat/prom-client/index.js';
import { type Client, original } from './original.js';

let server: Server;
let port: number;
let seen: object[];
let answer: RequestListener;

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const body = Buffer.concat(chunks);
  return String(request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body);
}

beforeEach(async () => {
  seen = [];
  answer = (_, response) => response.writeHead(202).end('taken');
  server = createServer(async (request, response) => {
    const { method, url, headers } = request;
    const { authorization, 'content-encoding': encoding, 'x-own': own } = headers;
    seen.push({ method, url, authorization, encoding, own, body: await bodyOf(request) });
    answer(request, response);
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  port = (server.address() as AddressInfo).port;
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((closed) => server.close(closed));
  vi.restoreAllMocks();
});

/** What a call on a gateway of this client gave, and what the server saw of it. */
async function outcome(client: Client, call: (client: Client, registry: ours.Registry) => Promise<unknown>): Promise<unknown> {
  seen = [];
  const registry = new client.Registry();
  new client.Counter({ name: 'pushed_total', help: 'h', labelNames: ['a'], registers: [registry] }).inc({ a: 'b' }, 2);
  try {
    const { resp, body } = (await call(client, registry)) as { resp: IncomingMessage; body: string };
    return { status: resp.statusCode, body, seen };
  } catch (error) {
    return { error: String(error), type: (error as Error).constructor.name, seen };
  }
}

describe.runIf(original)('Pushgateway of the drop-in', () => {
  const url = (path = ''): string => `http://127.0.0.1:${port}${path}`;

  it.each<[string, (client: Client, registry: ours.Registry) => Promise<unknown>]>([
    ['push', (client, registry) => new client.Pushgateway(url(), undefined, registry).push({ jobName: 'nightly' })],
    ['pushAdd', (client, registry) => new client.Pushgateway(url('/'), null, registry).pushAdd({ jobName: 'nightly' })],
    ['delete', (client, registry) => new client.Pushgateway(url(), {}, registry).delete({ jobName: 'nightly' })],
    [
      'groupings, and names that need escapes',
      (client, registry) =>
        new client.Pushgateway(url(), {}, registry).push({ jobName: 'a b/c?', groupings: { 'k/1': 'v#1', ключ: 'значение', empty: '' } }),
    ],
    ['an address with a path', (client, registry) => new client.Pushgateway(url('/below/here'), {}, registry).push({ jobName: 'j' })],
    [
      'an address with a path and a slash',
      (client, registry) => new client.Pushgateway(url('/below/'), {}, registry).push({ jobName: 'j' }),
    ],
    ['an address with a query', (client, registry) => new client.Pushgateway(url('/x?y=z'), {}, registry).push({ jobName: 'j' })],
    [
      'credentials in the address',
      (client, registry) => new client.Pushgateway(`http://me:secret@127.0.0.1:${port}`, {}, registry).push({ jobName: 'j' }),
    ],
    [
      'options of the request',
      (client, registry) => new client.Pushgateway(url(), { headers: { 'x-own': '1' }, auth: 'you:else' }, registry).push({ jobName: 'j' }),
    ],
    [
      'gzip',
      (client, registry) => new client.Pushgateway(url(), { headers: { 'Content-Encoding': 'gzip' } }, registry).pushAdd({ jobName: 'j' }),
    ],
    [
      'gzip, which a delete has no use for',
      (client, registry) => new client.Pushgateway(url(), { headers: { 'Content-Encoding': 'gzip' } }, registry).delete({ jobName: 'j' }),
    ],
    [
      'no job name where none is required',
      (client, registry) => new client.Pushgateway(url(), { requireJobName: false }, registry).push({ groupings: { a: 'b' } }),
    ],
    [
      'no parameters where none are required',
      (client, registry) => new client.Pushgateway(url(), { requireJobName: false }, registry).push(),
    ],
    ['a missing job name', async (client, registry) => new client.Pushgateway(url(), {}, registry).push({})],
    ['a missing job name of a delete', async (client, registry) => new client.Pushgateway(url(), {}, registry).delete()],
    ['a server that is not there', (client, registry) => new client.Pushgateway('http://127.0.0.1:1', {}, registry).push({ jobName: 'j' })],
    ['an address that is none', async (client, registry) => new client.Pushgateway('nowhere', {}, registry).push({ jobName: 'j' })],
  ])('sends and gives what the original does: %s', async (_, call) => {
    expect(await outcome(ours, call)).toEqual(await outcome(original as Client, call));
  });

  it('rejects with the status and the body of a refusal, a time-out, and what collecting throws, as the original does', async () => {
    answer = (_, response) => response.writeHead(400).end('no such thing');
    const push = (client: Client, registry: ours.Registry) => new client.Pushgateway(url(), {}, registry).push({ jobName: 'j' });
    const refused = await outcome(ours, push);
    expect(refused).toEqual(await outcome(original as Client, push));
    expect(refused).toMatchObject({ error: 'Error: push failed with status 400, no such thing' });

    answer = () => undefined;
    const late = (client: Client, registry: ours.Registry) =>
      new client.Pushgateway(url(), { timeout: 20 }, registry).push({ jobName: 'j' });
    expect(await outcome(ours, late)).toMatchObject({ error: 'Error: Pushgateway request timed out' });
    expect(await outcome(original as Client, late)).toMatchObject({ error: 'Error: Pushgateway request timed out' });

    for (const client of [ours, original as Client]) {
      const registry = new client.Registry();
      const collect = (): never => {
        throw new RangeError('not now');
      };
      new client.Gauge({ name: 'g', help: 'h', registers: [registry], collect });
      await expect(push(client, registry)).rejects.toThrow(new RangeError('not now'));
    }
  });

  it('throws at once, not later, without a job name', () => {
    for (const client of [ours, original as Client]) {
      const gateway = new client.Pushgateway(url());
      for (const call of ['push', 'pushAdd', 'delete'] as const)
        expect(() => gateway[call]()).toThrow(new Error('Missing jobName parameter'));
    }
  });

  it('has the properties of the original', () => {
    for (const client of [ours, original as Client]) {
      const gateway = new client.Pushgateway('http://x', { requireJobName: false, timeout: 7 });
      expect({ ...gateway }).toEqual({
        registry: client.register,
        gatewayUrl: 'http://x',
        requireJobName: false,
        requestOptions: { timeout: 7 },
      });
    }
  });
});

describe('Pushgateway of the drop-in', () => {
  it('takes the registry in place of the options, as 0.16 does', async () => {
    const registry = new ours.Registry();
    new ours.Gauge({ name: 'alone', help: 'h', registers: [registry] }).set(4);
    await new ours.Pushgateway(`http://127.0.0.1:${port}`, registry).push({ jobName: 'j' });
    expect(seen).toEqual([
      expect.objectContaining({ method: 'PUT', url: '/metrics/job/j', body: '# HELP alone h\n# TYPE alone gauge\nalone 4\n' }),
    ]);
  });

  it('asks http and https for the request when it is made, so that both can be mocked', async () => {
    const { default: https } = await import('node:https');
    const { default: http } = await import('node:http');
    const plain = vi.spyOn(http, 'request');
    const secret = vi.spyOn(https, 'request').mockImplementation(() => {
      throw new Error('mocked');
    });
    await expect(new ours.Pushgateway('https://gateway.test/x').push({ jobName: 'j' })).rejects.toThrow('mocked');
    expect(secret.mock.calls[0]?.[0]).toMatchObject({
      method: 'PUT',
      hostname: 'gateway.test',
      path: '/x/metrics/job/j',
      protocol: 'https:',
    });
    expect(plain).not.toHaveBeenCalled();
  });
});
