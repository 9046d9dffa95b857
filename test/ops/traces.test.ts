// `/trace` over real HTTP: traces of this process's own tracers, in every format, also while its event loop is blocked.
import { spawnSync } from 'node:child_process';
import { afterEach, describe, expect, it } from 'vitest';
import { OpsServer, type OpsServerOptions } from '../../src/index.js';
import { TracerProvider, type TracerProviderOptions } from '../../src/traces/provider.js';
import { type Answer, ask, DIST, Program, portOf } from './clients.js';

interface ShownSpan {
  readonly spanId: string;
  readonly parentSpanId: string | null;
  readonly name: string;
  readonly kind: string;
  readonly status: string;
  readonly durationMs: number;
  readonly attributes: Record<string, unknown>;
  readonly events: { readonly name: string; readonly attributes: Record<string, unknown> }[];
  readonly links: { readonly traceId: string; readonly spanId: string }[];
}

interface ShownTrace {
  readonly traceId: string;
  readonly name: string;
  readonly service: string;
  readonly startTime: number;
  readonly durationMs: number;
  readonly spanCount: number;
  readonly errorCount: number;
  readonly failed: boolean;
  readonly complete: boolean;
  readonly spans: ShownSpan[];
}

const servers: OpsServer[] = [];
const providers: TracerProvider[] = [];

async function serve(options: OpsServerOptions = {}): Promise<number> {
  const server = new OpsServer(options);
  servers.push(server);
  await server.start();
  return portOf(server);
}

function provide(options: TracerProviderOptions = {}): TracerProvider {
  const provider = new TracerProvider({ serviceName: 'shop', ...options });
  providers.push(provider);
  return provider;
}

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.stop()));
  await Promise.all(providers.splice(0).map((provider) => provider.shutdown()));
});

/** Asks until the collector, which takes spans every few milliseconds, has brought in what is waited for. */
async function until(port: number, path: string, ready: (answer: Answer) => boolean): Promise<Answer> {
  for (;;) {
    const answer = await ask(port, path);
    if (ready(answer)) return answer;
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

async function recent(port: number, query: string, count: number): Promise<ShownTrace[]> {
  const answer = await until(port, `/trace${query}`, ({ text }) => (JSON.parse(text) as unknown[]).length >= count);
  return JSON.parse(answer.text) as ShownTrace[];
}

describe('/trace', () => {
  it('[H-60] shows completed traces newest last, with spans, attributes, events, links and errors, and no running one', async () => {
    const tracer = provide().getTracer('http');
    const port = await serve();
    const running = tracer.startSpan('running', { root: true });
    for (const name of ['first', 'second']) {
      tracer.trace(name, { kind: 'server', attributes: { 'http.route': '/users/:id', list: [1, 'a'], é: 0.5 } }, (root) => {
        root.addEvent('cache miss', { key: 'u"1' });
        const child = tracer.startSpan('SELECT', { kind: 'client', links: [{ context: running.spanContext() }] });
        child.setStatus('error', 'no such table');
        child.end();
      });
    }
    const traces = await recent(port, '', 2);
    expect(traces.map(({ name }) => name)).toEqual(['first', 'second']);
    const [first] = traces;
    expect(first).toMatchObject({ service: 'shop', spanCount: 2, errorCount: 1, failed: true, complete: true });
    expect(Math.abs((first?.startTime ?? 0) - Date.now() / 1000)).toBeLessThan(60);
    const [root, child] = first?.spans ?? [];
    expect(root).toMatchObject({
      parentSpanId: null,
      name: 'first',
      kind: 'server',
      status: 'unset',
      attributes: { 'http.route': '/users/:id', list: [1, 'a'], é: 0.5 },
      events: [{ name: 'cache miss', attributes: { key: 'u"1' } }],
    });
    expect(child).toMatchObject({
      parentSpanId: root?.spanId,
      name: 'SELECT',
      kind: 'client',
      status: 'error',
      statusMessage: 'no such table',
    });
    expect(child?.links).toMatchObject([{ traceId: running.spanContext().traceId, spanId: running.spanContext().spanId }]);
    expect(first?.durationMs).toBe(root?.durationMs);
    expect((child?.durationMs ?? 0) <= (root?.durationMs ?? 0)).toBe(true);
    running.end();
    expect((await recent(port, '', 3)).map(({ name }) => name)).toEqual(['first', 'second', 'running']);
  });

  it('[H-59] [H-60] takes n as the number of traces, all below 1 as none, and refuses what is no number', async () => {
    const tracer = provide().getTracer('t');
    const port = await serve();
    for (let n = 0; n < 130; n += 1) tracer.startSpan(`span ${n}`).end();
    const names = (await recent(port, '?n=1000', 130)).map(({ name }) => name);
    expect(names).toEqual(Array.from({ length: 130 }, (_, n) => `span ${n}`));
    expect(await recent(port, '', 100)).toHaveLength(100);
    expect((await recent(port, '?n=3', 3)).map(({ name }) => name)).toEqual(['span 127', 'span 128', 'span 129']);
    expect(await recent(port, '?n=0', 0)).toEqual([]);
    expect(await recent(port, '?n=-5', 0)).toEqual([]);
    expect((await ask(port, '/trace/recent?n=2')).text).toBe((await ask(port, '/trace?n=2')).text);
    for (const bad of ['n=many', 'n=', 'n=1.5', 'format=xml', 'id=1']) expect((await ask(port, `/trace?${bad}`)).status).toBe(400);
  });

  it('[H-61] retains 10,000 traces, and the oldest gives way', async () => {
    const tracer = provide().getTracer('t');
    const port = await serve();
    for (let n = 0; n < 10_003; n += 1) tracer.startSpan(`span ${n}`).end();
    const names = async () => (JSON.parse((await ask(port, '/trace?n=20000&spans=false')).text) as ShownTrace[]).map(({ name }) => name);
    let shown = await names();
    while (shown.at(-1) !== 'span 10002') shown = await names();
    expect(shown.length).toBe(10_000);
    expect(shown[0]).toBe('span 3');
  });

  it('retains as many traces as it is told to, and the oldest gives way', async () => {
    const tracer = provide({ retainedTraces: 5 }).getTracer('t');
    const port = await serve();
    for (let n = 0; n < 20; n += 1) tracer.startSpan(`span ${n}`).end();
    await until(port, '/trace', ({ text }) => text.includes('span 19'));
    expect((await recent(port, '?n=100', 5)).map(({ name }) => name)).toEqual([15, 16, 17, 18, 19].map((n) => `span ${n}`));
  });

  it('finds one trace by its id in any text form, until it is gone', async () => {
    const tracer = provide().getTracer('t');
    const port = await serve();
    const span = tracer.startSpan('looked for');
    span.end();
    tracer.startSpan('another').end();
    await recent(port, '', 2);
    const { traceId } = span.spanContext();
    const uuid = traceId.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
    for (const id of [traceId, traceId.toUpperCase(), uuid]) {
      expect(JSON.parse((await ask(port, `/trace?id=${id}`)).text)).toMatchObject({ traceId, name: 'looked for', spanCount: 1 });
    }
    expect((await ask(port, '/trace?id=ffffffffffffffffffffffffffffffff')).status).toBe(404);
  });

  it('gives the same traces to Perfetto, to speedscope and to OpenTelemetry', async () => {
    const tracer = provide().getTracer('t', '1.2.3');
    const port = await serve();
    tracer.trace('outer', {}, () => tracer.startSpan('inner').end());
    await recent(port, '', 1);
    const chrome = JSON.parse((await ask(port, '/trace?format=chrome')).text);
    expect(chrome.traceEvents.filter(({ ph }: { ph: string }) => ph === 'X').map(({ name }: { name: string }) => name)).toEqual([
      'outer',
      'inner',
    ]);
    const speedscope = JSON.parse((await ask(port, '/trace?format=speedscope')).text);
    expect(speedscope.shared.frames.map(({ name }: { name: string }) => name)).toEqual(expect.arrayContaining(['outer', 'inner']));
    const otlp = JSON.parse((await ask(port, '/trace?format=otlp')).text);
    const [{ scope, spans }] = otlp.resourceSpans[0].scopeSpans;
    expect(scope).toMatchObject({ name: 't', version: '1.2.3' });
    expect(spans.map(({ name }: { name: string }) => name).sort()).toEqual(['inner', 'outer']);
  });

  it('shows a trace whose spans two threads recorded as one, also when one of them has ended', async () => {
    const program = new Program(`
      import { Worker } from 'node:worker_threads';
      import { TracerProvider } from ${JSON.stringify(DIST)};
      const ops = new OpsServer();
      await ops.start();
      const root = new TracerProvider({ serviceName: 'shop' }).getTracer('main').startSpan('in the main thread');
      const { traceId, spanId } = root.spanContext();
      const code = \`(async () => {
        const { TracerProvider } = await import(${JSON.stringify(DIST)});
        const tracer = new TracerProvider({ serviceName: 'shop' }).getTracer('worker');
        tracer.startSpan('in a worker', { traceId: '\${traceId}', parentSpanId: '\${spanId}' }).end();
      })()\`;
      await new Promise((resolve) => new Worker(code, { eval: true }).once('exit', resolve));
      root.end();
      console.log('port ' + ops.address.port + ' trace ' + traceId);
      setInterval(() => {}, 1_000);
    `);
    try {
      const [port, traceId] = (await program.says(/port (\d+ trace \w+)/)).split(' trace ');
      const path = `/trace?id=${traceId}`;
      const answer = await until(Number(port), path, ({ text }) => text.includes('in a worker') && text.includes('in the main thread'));
      expect(JSON.parse(answer.text)).toMatchObject({ name: 'in the main thread', service: 'shop', spanCount: 2, complete: true });
      expect(JSON.parse((await ask(Number(port), '/trace')).text)).toHaveLength(1);
    } finally {
      program.child.kill('SIGKILL');
      await program.ended;
    }
  });

  it('is shut by the token and by the option, and empty where nothing is traced', async () => {
    const token = 'a-token-of-32-characters-at-least';
    const port = await serve({ token });
    expect((await ask(port, '/trace')).status).toBe(401);
    expect((await ask(port, '/trace', { headers: { authorization: `Bearer ${token}` } })).text).toBe('[]');
    expect((await ask(port, '/trace', { headers: { host: 'evil.example', authorization: `Bearer ${token}` } })).status).toBe(421);
    const closed = await serve({ traces: false });
    expect((await ask(closed, '/trace')).status).toBe(404);
    expect(() => new OpsServer({ traces: 'no' as never })).toThrow('KYMO_OPS_OPTION');
  });
});

describe('while the event loop is blocked', () => {
  it('[H-60] answers with spans that ended in the very turn that blocks it', async () => {
    const tracer = provide().getTracer('t');
    const port = await serve();
    let turned = false;
    setImmediate(() => {
      turned = true;
    });
    const asked: string[] = [];
    for (const name of ['before', 'meanwhile']) {
      tracer.startSpan(name).end();
      // The child asks until the trace is there; this thread waits for the child, so that its loop cannot turn.
      const script = `(async () => {
        for (;;) {
          const answer = await fetch('http://127.0.0.1:${port}/trace', { headers: { connection: 'close' } });
          const text = await answer.text();
          if (text.includes('"${name}"')) return void process.stdout.write(text);
        }
      })();`;
      const child = spawnSync(process.execPath, ['-e', script], { encoding: 'utf8', timeout: 60_000 });
      expect(child.stderr).toBe('');
      asked.push(child.stdout);
    }
    expect(turned).toBe(false);
    expect(asked.map((text) => (JSON.parse(text) as ShownTrace[]).map(({ name }) => name))).toEqual([['before'], ['before', 'meanwhile']]);
  });
});
