// The report on the metrics and labels that explode, as an operator asks for it.
import { gunzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import { MetricsRegistry, OpsServer, type OpsServerOptions } from '../../src/index.js';
import { ask, portOf } from './clients.js';

interface Report {
  readonly metrics: readonly {
    readonly name: string;
    readonly series: number;
    readonly maxSeries: number;
    readonly overflowed: number;
    readonly bytes: number;
    readonly labels: readonly { readonly name: string; readonly values: number; readonly top: readonly (readonly [string, number])[] }[];
  }[];
}

const TOKEN = 'a-token-of-32-characters-at-least';
const started: OpsServer[] = [];
afterEach(async () => {
  await Promise.all(started.splice(0).map((server) => server.stop()));
});

async function serve(options: OpsServerOptions): Promise<number> {
  const server = new OpsServer(options);
  await server.start();
  started.push(server);
  return portOf(server);
}

describe('/debug/cardinality', () => {
  it('names the metric with most series first, and in it the label that makes them, with its commonest values', async () => {
    const own = new MetricsRegistry();
    own.inc('calm_total');
    const loud = own.counter({ name: 'loud_total', help: 'h', labelNames: ['method', 'user'] });
    for (let n = 0; n < 300; n += 1) loud.inc({ method: n % 3 === 0 ? 'GET' : 'PUT', user: `user "${n}"` });
    const other = new MetricsRegistry();
    other.counter({ name: 'other_total', help: 'h', labelNames: ['n'] }).inc({ n: 1 });
    const port = await serve({ registries: [own, other] });
    const { status, headers, text } = await ask(port, '/debug/cardinality');
    expect([status, headers['content-type'], headers['cache-control']]).toEqual([200, 'application/json', 'no-store']);
    const { metrics } = JSON.parse(text) as Report;
    const ours = metrics.filter(({ name }) => !name.startsWith('kymo_'));
    expect(ours.map(({ name, series }) => [name, series])).toEqual([
      ['loud_total', 300],
      ['calm_total', 1],
      ['other_total', 1],
    ]);
    const [first] = metrics;
    expect(first).toMatchObject({ maxSeries: 10_000, overflowed: 0 });
    expect(first.bytes).toBeGreaterThan(300 * 20);
    expect(first.labels.map(({ name, values }) => [name, values])).toEqual([
      ['user', 300],
      ['method', 2],
    ]);
    expect(first.labels[1].top).toEqual([
      ['PUT', 200],
      ['GET', 100],
    ]);
    expect(first.labels[0].top[0][0]).toMatch(/^user "\d+"$/);
  });

  it('is compressed for who asks, and answers HEAD', async () => {
    const own = new MetricsRegistry();
    for (let n = 0; n < 100; n += 1) own.inc(`metric_${n}_total`);
    const port = await serve({ registries: [own] });
    const { headers, body } = await ask(port, '/debug/cardinality', { headers: { 'accept-encoding': 'gzip' } });
    expect([headers['content-encoding'], headers.vary]).toEqual(['gzip', 'Accept-Encoding']);
    const { metrics } = JSON.parse(gunzipSync(body).toString()) as Report;
    expect(metrics.filter(({ name }) => name.startsWith('metric_'))).toHaveLength(100);
    const head = await ask(port, '/debug/cardinality', { method: 'HEAD' });
    expect([head.status, head.body.length, Number(head.headers['content-length']) > 1000]).toEqual([200, 0, true]);
  });

  it('asks for the token, and is empty without registries', async () => {
    const guarded = await serve({ registries: [new MetricsRegistry()], token: TOKEN });
    expect((await ask(guarded, '/debug/cardinality')).status).toBe(401);
    expect((await ask(guarded, '/debug/cardinality', { headers: { authorization: `Bearer ${TOKEN}` } })).status).toBe(200);
    expect((await ask(await serve({}), '/debug/cardinality')).text).toBe('{"metrics":[]}');
  });
});
