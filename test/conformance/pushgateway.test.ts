// The drop-in's pushes, taken by a real Pushgateway and scraped from it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Counter, Histogram, Pushgateway, Registry, Summary } from '../../src/compat/prom-client/index.js';
import { peer } from '../peers.js';

const program = peer('prometheus-pushgateway', 'apt-get install prometheus-pushgateway');

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

describe.runIf(program)('a real Pushgateway', () => {
  let child: ReturnType<typeof spawn>;
  let url: string;
  const scrape = async (): Promise<string> => (await fetch(`${url}/metrics`)).text();

  beforeAll(async () => {
    url = `http://127.0.0.1:${await freePort()}`;
    child = spawn(program as string, [`--web.listen-address=${url.replace('http://', '')}`], { stdio: 'ignore' });
    for (let tries = 0; tries < 200; tries++) {
      if (
        await fetch(`${url}/-/ready`).then(
          ({ ok }) => ok,
          () => false,
        )
      )
        return;
      await sleep(50);
    }
    throw new Error('the Pushgateway does not answer');
  });
  afterAll(async () => {
    child.kill();
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  });

  it('takes every kind of metric, keeps groups apart, adds to them, and forgets them', async () => {
    const registry = new Registry();
    registry.setDefaultLabels({ zone: 'a "zone"\n' });
    const sold = new Counter({ name: 'sold_total', help: 'Things sold', labelNames: ['what'], registers: [registry] });
    sold.inc({ what: 'Gürtel' }, 3);
    const seconds = new Histogram({ name: 'run_seconds', help: 'Runs', buckets: [1, 10], registers: [registry] });
    seconds.observe(2.5);
    new Summary({ name: 'lines', help: 'Lines', percentiles: [0.5], registers: [registry] }).observe(7);
    const gateway = new Pushgateway(url, { headers: { 'Content-Encoding': 'gzip' } }, registry);
    const { resp } = await gateway.push({ jobName: 'nightly', groupings: { host: 'box 1' } });
    expect(resp.statusCode).toBe(200);
    let text = await scrape();
    expect(text).toContain('sold_total{host="box 1",instance="",job="nightly",what="Gürtel",zone="a \\"zone\\"\\n"} 3\n');
    expect(text).toMatch(/^run_seconds_bucket\{host="box 1",instance="",job="nightly",zone=".*",le="10"\} 1$/m);
    expect(text).toMatch(/^lines\{host="box 1",instance="",job="nightly",zone=".*",quantile="0.5"\} 7$/m);

    sold.inc({ what: 'Gürtel' });
    const other = new Registry();
    new Counter({ name: 'sold_total', help: 'Things sold', registers: [other] }).inc(9);
    await new Pushgateway(url, {}, other).pushAdd({ jobName: 'nightly', groupings: { host: 'box 1' } });
    text = await scrape();
    expect(text).toContain('sold_total{host="box 1",instance="",job="nightly"} 9\n');
    expect(text).toContain('run_seconds_count{');

    await gateway.delete({ jobName: 'nightly', groupings: { host: 'box 1' } });
    expect(await scrape()).not.toContain('box 1');
  });

  it('refuses what is wrong, with its words in the error', async () => {
    const registry = new Registry();
    const broken = { name: 'broken', help: 'h', type: 'gauge', get: () => ({ name: 'broken', help: 'h', type: 'nothing', values: [] }) };
    registry.registerMetric(broken);
    await expect(new Pushgateway(url, {}, registry).push({ jobName: 'j' })).rejects.toThrow(/^push failed with status 400, .*nothing/);
  });
});
