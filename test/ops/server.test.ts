// The ops server through its public API: lifecycle, routes, who may ask.
import { spawnSync } from 'node:child_process';
import net from 'node:net';
import { gunzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import { KymoError, MetricsRegistry, metrics, OpsServer, type OpsServerOptions, type ServedRegistry } from '../../src/index.js';
import { DIST } from '../recorder/processes.js';
import { ask, Program, portOf, temporaryFolder } from './clients.js';

const TOKEN = 'a-token-of-32-characters-at-least';
const started: OpsServer[] = [];

async function serve(options: OpsServerOptions = {}): Promise<OpsServer> {
  const server = new OpsServer({ registries: [metrics], ...options });
  started.push(server);
  await server.start();
  return server;
}

afterEach(async () => {
  await Promise.all(started.splice(0).map((server) => server.stop()));
});

async function codeOf(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  return KymoError.is(error) ? error.code : `not a KymoError: ${error}`;
}

describe('lifecycle', () => {
  it('[C-73] [C-79] listens on loopback at a free port, with an address only while it serves', async () => {
    const server = new OpsServer();
    expect(server.address).toBeNull();
    await server.start();
    const { host, port } = server.address ?? { host: '', port: 0 };
    expect(host).toBe('127.0.0.1');
    expect(port).toBeGreaterThan(0);
    expect((await ask(port, '/live')).status).toBe(200);
    await server.stop();
    expect(server.address).toBeNull();
  });

  it('[C-80] a second start changes nothing, also while the first one is under way', async () => {
    const server = new OpsServer();
    started.push(server);
    await Promise.all([server.start(), server.start()]);
    const { address } = server;
    await server.start();
    expect(server.address).toEqual(address);
  });

  it('[C-80] a port in use is a coded error that says what to do, and the server can start later', async () => {
    const first = await serve();
    const second = new OpsServer({ port: portOf(first) });
    started.push(second);
    const error = await second.start().catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'KYMO_OPS_PORT_IN_USE', message: expect.stringContaining(`127.0.0.1:${portOf(first)}`) });
    expect(second.address).toBeNull();
    await first.stop();
    await second.start();
    expect((await ask(portOf(second), '/live')).status).toBe(200);
  });

  it("[C-80] with onPortInUse: 'next-free' the next free port is taken and told", async () => {
    const first = await serve();
    const second = await serve({ port: portOf(first), onPortInUse: 'next-free' });
    expect(portOf(second)).toBeGreaterThan(portOf(first));
    expect((await ask(portOf(second), '/live')).status).toBe(200);
  });

  it('[C-80] an address of another machine is a coded error', async () => {
    expect(await codeOf(new OpsServer({ host: '192.0.2.1' }).start())).toBe('KYMO_OPS_BIND');
    expect(await codeOf(new OpsServer({ host: 'no.such.host.invalid' }).start())).toBe('KYMO_OPS_BIND');
  });

  it('[C-81] stop frees the port, may come at any time, and the server starts anew', async () => {
    const server = new OpsServer();
    await server.stop();
    await server.start();
    const { port } = server.address ?? { port: 0 };
    await Promise.all([server.stop(), server.stop()]);
    await expect(ask(port, '/live')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    const again = new OpsServer({ port });
    await again.start();
    expect((await ask(port, '/live')).status).toBe(200);
    await again[Symbol.asyncDispose]();
    await server.start();
    expect(server.address).not.toBeNull();
    await server.stop();
  });

  it('[C-81] starts and stops in the order of their calls', async () => {
    const server = new OpsServer();
    await Promise.all([server.start(), server.stop(), server.start(), server.stop()]);
    expect(server.address).toBeNull();
  });

  it('[C-81] keeps no process alive', async () => {
    const program = new Program('await new OpsServer({ registries: [metrics] }).start(); console.log("started");');
    expect(await program.ended).toEqual({ code: 0, signal: null });
    expect(program.said).toContain('started');
  });

  it('keeps serving its registries when the application keeps neither', () => {
    const script = `import { MetricsRegistry, OpsServer } from '${DIST}index.js';
      const start = async () => {
        const held = new MetricsRegistry();
        held.inc('kept_total');
        const server = new OpsServer({ registries: [held] });
        await server.start();
        return server.address.port;
      };
      const port = await start();
      for (let turn = 0; turn < 5; turn += 1) { globalThis.gc(); await new Promise((done) => setTimeout(done, 10)); }
      console.log(await (await fetch('http://127.0.0.1:' + port + '/metrics')).text());
      process.exit();`;
    const { stdout, stderr } = spawnSync(process.execPath, ['--expose-gc', '--input-type=module', '-e', script], { encoding: 'utf8' });
    expect(stderr).toBe('');
    expect(stdout).toContain('kept_total 1\n');
  });

  it('ends with the worker thread that started it', async () => {
    const program = new Program(`
      import { Worker, isMainThread, parentPort } from 'node:worker_threads';
      import { fileURLToPath } from 'node:url';
      if (isMainThread) {
        const worker = new Worker(fileURLToPath(import.meta.url));
        worker.on('message', (port) => console.log('port', port));
        worker.on('exit', () => {
          console.log('worker gone');
          process.stdin.resume();
        });
      } else {
        const server = new OpsServer();
        await server.start();
        parentPort.postMessage(server.address.port);
      }
    `);
    const port = Number(await program.says(/port (\d+)/));
    await program.says(/worker gone/);
    await expect(ask(port, '/live')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    program.child.kill();
    await program.ended;
  });

  it.each([
    ['port', { port: 70_000 }],
    ['port', { port: 1.5 }],
    ['host', { host: 'http://x' }],
    ['registries', { registries: [{} as MetricsRegistry] }],
    ['token', { token: 'short' }],
    ['socketPath', { socketPath: 'x'.repeat(101) }],
    ['socketPath', { socketPath: '' }],
    ['allowedHosts', { allowedHosts: ['https://x'] }],
    ['maxConnections', { maxConnections: 0 }],
    ['maxScrapesInFlight', { maxScrapesInFlight: 0 }],
    ['maxScrapesInFlight', { maxScrapesInFlight: 4_097 }],
    ['scrapeTimeoutMs', { scrapeTimeoutMs: 9 }],
    ['headerTimeoutMs', { headerTimeoutMs: 10 }],
    ['onPortInUse', { onPortInUse: 'maybe' as 'error' }],
    ['clusterWorkers', { clusterWorkers: 'all' as 'skip' }],
  ])('refuses a bad %s by name', (option, options) => {
    expect(() => new OpsServer(options)).toThrow(
      expect.objectContaining({ code: 'KYMO_OPS_OPTION', message: expect.stringContaining(option) }),
    );
  });

  it('never shows a token in an error', () => {
    expect(() => new OpsServer({ token: 'secret but bad!!!' })).toThrow(
      expect.not.objectContaining({ message: expect.stringContaining('secret') }),
    );
  });
});

describe('routes', () => {
  it('[C-77] /metrics is the text of the registries with its content type', async () => {
    const own = new MetricsRegistry();
    own.counter({ name: 'ops_route_total', help: 'Counted here' }).inc(3);
    const server = await serve({ registries: [own] });
    const { status, headers, text } = await ask(portOf(server), '/metrics');
    expect(status).toBe(200);
    expect(headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(text).toContain('# HELP ops_route_total Counted here\n# TYPE ops_route_total counter\nops_route_total 3\n');
  });

  it('[C-77] without a registry, /metrics is 200 with an empty body', async () => {
    const server = await serve({ registries: [] });
    const { status, headers, body } = await ask(portOf(server), '/metrics');
    expect([status, headers['content-length'], body.length]).toEqual([200, '0', 0]);
  });

  it('a scraper that asks for OpenMetrics or gzip gets it', async () => {
    const own = new MetricsRegistry();
    const counter = own.counter({ name: 'many_total', help: 'Many', labelNames: ['n'] });
    for (let n = 0; n < 100; n += 1) counter.inc({ n: String(n) });
    const server = await serve({ registries: [own] });
    const plain = await ask(portOf(server), '/metrics', { headers: { accept: 'application/openmetrics-text; version=1.0.0' } });
    expect(plain.headers['content-type']).toBe('application/openmetrics-text; version=1.0.0; charset=utf-8');
    expect(plain.text).toMatch(/# EOF\n$/);
    const zipped = await ask(portOf(server), '/metrics', { headers: { 'accept-encoding': 'gzip' } });
    expect(zipped.headers['content-encoding']).toBe('gzip');
    expect(zipped.headers.vary).toBe('Accept, Accept-Encoding');
    expect(gunzipSync(zipped.body).toString()).toContain('many_total{n="99"} 1\n');
  });

  it('a scrape may ask for some metrics by name, for zstd, and for protobuf', async () => {
    const own = new MetricsRegistry();
    own.inc('wanted_total', 3);
    own.inc('other_total');
    const port = portOf(await serve({ registries: [own] }));
    const some = await ask(port, '/metrics?name[]=wanted_total&name%5B%5D=kymo_panics_total');
    expect(some.text.match(/^# TYPE .*$/gm)).toEqual(['# TYPE wanted_total counter', '# TYPE kymo_panics_total counter']);
    expect((await ask(port, '/metrics?name[]=nobody_has_it')).text).toBe('');
    expect((await ask(port, `/metrics?${'name[]=x&'.repeat(257)}`)).status).toBe(400);
    const packed = await ask(port, '/metrics', { headers: { 'accept-encoding': 'gzip, zstd' } });
    expect([packed.headers['content-encoding'], packed.body.subarray(0, 4).toString('hex')]).toEqual(['zstd', '28b52ffd']);
    const accept = 'application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited';
    const binary = await ask(port, '/metrics?name[]=wanted_total', { headers: { accept } });
    expect(binary.headers['content-type']).toMatch(/^application\/vnd\.google\.protobuf; /);
    // Its length, then field 1, the name.
    expect(binary.body.subarray(1, 3 + 'wanted_total'.length).toString('latin1')).toBe('\n\fwanted_total');
  });

  it('a registry is anything of ours with a native number, or several merged ones; a registry of prom-client is refused by name', async () => {
    const own = new MetricsRegistry();
    own.inc('numbered_total');
    const server = await serve({ registries: [{ [Symbol.for('kymo.registry')]: own.id } as unknown as ServedRegistry] });
    expect((await ask(portOf(server), '/metrics')).text).toContain('numbered_total 1\n');
    const another = new MetricsRegistry();
    another.inc('another_total');
    const merged = MetricsRegistry.merge([own, another]);
    const both = await ask(portOf(await serve({ registries: [merged] })), '/metrics');
    expect([both.text.includes('numbered_total 1\n'), both.text.includes('another_total 1\n')]).toEqual([true, true]);
    for (const foreign of [{ id: own.id }, { metrics: () => '' }, own.id, null, { [Symbol.for('kymo.registry')]: '1' }]) {
      expect(() => new OpsServer({ registries: [foreign as unknown as ServedRegistry] })).toThrow(
        expect.objectContaining({ code: 'KYMO_OPS_OPTION', message: expect.stringContaining('registries') }),
      );
    }
  });

  it('several registries appear in one scrape, and what the server counts about itself', async () => {
    const [one, two] = [new MetricsRegistry(), new MetricsRegistry()];
    one.counter({ name: 'one_total', help: 'h' }).inc();
    two.counter({ name: 'two_total', help: 'h' }).inc();
    const server = await serve({ registries: [one, two] });
    await ask(portOf(server), '/nothing-here');
    const { text } = await ask(portOf(server), '/metrics');
    expect(text).toContain('one_total 1\n');
    expect(text).toContain('two_total 1\n');
    expect(text).toMatch(/^kymo_ops_requests_total\{route="other",code="404"\} [1-9]/m);
    expect(text).toMatch(/^kymo_ops_connections_refused_total\{reason="limit"\} \d+$/m);
  });

  it('/live is precomputed JSON', async () => {
    const { status, headers, text } = await ask(portOf(await serve()), '/live');
    expect([status, text]).toEqual([200, '{"status":"ok"}']);
    expect(headers).toMatchObject({ 'content-type': 'application/json', 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' });
    expect(headers.server).toBeUndefined();
  });

  it('[C-78] unknown paths get 404, other methods 405, HEAD the headers of GET; queries do not matter', async () => {
    const port = portOf(await serve());
    const unknown = await ask(port, '/unknown');
    expect([unknown.status, unknown.text]).toEqual([404, '{"error":"not found"}']);
    const post = await ask(port, '/metrics', { method: 'POST' });
    expect([post.status, post.headers.allow]).toEqual([405, 'GET, HEAD, OPTIONS']);
    const head = await ask(port, '/live', { method: 'HEAD' });
    expect([head.status, head.headers['content-length'], head.body.length]).toEqual([200, '15', 0]);
    expect((await ask(port, '/live?verbose=1')).status).toBe(200);
    expect((await ask(port, '/metrics?name[]=x')).status).toBe(200);
    expect((await ask(port, '/live', { method: 'OPTIONS' })).status).toBe(204);
  });
});

describe('who may ask', () => {
  it('[H-51] /metrics asks for no authentication without a token', async () => {
    expect((await ask(portOf(await serve()), '/metrics')).status).toBe(200);
  });

  it('with a token, everything but /live asks for it', async () => {
    const port = portOf(await serve({ token: TOKEN }));
    const without = await ask(port, '/metrics');
    expect([without.status, without.headers['www-authenticate']]).toEqual([401, 'Bearer']);
    expect((await ask(port, '/metrics', { headers: { authorization: `Bearer ${TOKEN}x` } })).status).toBe(401);
    expect((await ask(port, '/metrics', { headers: { authorization: `Bearer ${TOKEN}` } })).status).toBe(200);
    expect((await ask(port, '/live')).status).toBe(200);
  });

  it('a name that is not ours in Host gets 421', async () => {
    const port = portOf(await serve({ allowedHosts: ['ops.example'] }));
    expect((await ask(port, '/metrics', { headers: { host: 'evil.example' } })).status).toBe(421);
    for (const host of ['ops.example:9464', '127.0.0.1', '[::1]:80', 'localhost']) {
      expect((await ask(port, '/metrics', { headers: { host } })).status, host).toBe(200);
    }
  });

  it('a unix socket serves in place of a port', async () => {
    const folder = temporaryFolder();
    const socketPath = `${folder.path}/ops.sock`;
    const server = await serve({ socketPath });
    expect(server.address).toEqual({ host: socketPath, port: 0 });
    expect((await ask(0, '/live', { socketPath })).status).toBe(200);
    expect(await codeOf(new OpsServer({ socketPath }).start())).toBe('KYMO_OPS_PORT_IN_USE');
    await server.stop();
    await expect(ask(0, '/live', { socketPath })).rejects.toMatchObject({ code: 'ENOENT' });
    folder.remove();
  });

  it('connections over the limit are closed at once', async () => {
    const port = portOf(await serve({ maxConnections: 2 }));
    const held = [net.connect(port, '127.0.0.1'), net.connect(port, '127.0.0.1')];
    for (const socket of held) await new Promise((resolve) => socket.once('connect', resolve));
    await expect(ask(port, '/live')).rejects.toMatchObject({ code: expect.stringMatching(/^(ECONNRESET|EPIPE)$/) });
    for (const socket of held) socket.destroy();
  });
});
