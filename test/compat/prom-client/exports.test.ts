// What `kymo/prom-client` exports, as the build has it: one module for require and import, prom-client's names, files by their paths.
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { CONSUMERS, consumersInstalled } from '../../consumers.js';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const require = createRequire(join(ROOT, 'package.json'));
const requireInstalled = createRequire(join(CONSUMERS, 'package.json'));
const client = require('kymo/prom-client') as Record<string, unknown>;
const ADDED = ['ClusterRegistry', 'WorkerRegistry'];

/** What a program prints as JSON, run beside the package. */
function printed(code: string, ...options: string[]): unknown {
  return JSON.parse(execFileSync(process.execPath, [...options, '-e', code], { cwd: ROOT, encoding: 'utf8' }));
}

describe('kymo/prom-client', () => {
  it('is one module for require and import', () => {
    const code = `
      import * as all from 'kymo/prom-client';
      import client, { Counter, register } from 'kymo/prom-client';
      import { createRequire } from 'node:module';
      const required = createRequire(import.meta.url)('kymo/prom-client');
      new required.Counter({ name: 'shared_total', help: 'h' }).inc();
      const counter = register.getSingleMetric('shared_total');
      console.log(JSON.stringify([client === required, counter instanceof Counter, register === required.register, Object.keys(all)]));`;
    const [same, instance, register, names] = printed(code, '--input-type=module') as [boolean, boolean, boolean, string[]];
    expect([same, instance, register]).toEqual([true, true, true]);
    // Node reads no name of an accessor, in prom-client's module neither, and later versions add one of their own.
    const expected = [...Object.keys(client).filter((name) => name !== 'contentType'), 'default'].sort();
    expect(names.filter((name) => name !== 'module.exports')).toEqual(expected);
  });

  it('has plain properties that a test can replace, and the content type of the registry', () => {
    for (const [name, property] of Object.entries(Object.getOwnPropertyDescriptors(client))) {
      if (name !== 'contentType') expect(property, name).toMatchObject({ writable: true, enumerable: true, configurable: true });
    }
    const { register } = client as { register: { contentType: string } };
    client.contentType = client.openMetricsContentType;
    expect(register.contentType).toBe(client.openMetricsContentType);
    client.contentType = client.prometheusContentType;
    expect(client.contentType).toBe(register.contentType);
    expect(() => {
      client.contentType = 'text/html';
    }).toThrow(new Error('Content type text/html is unsupported'));
  });

  it.runIf(consumersInstalled)('has the names of the original, each of the same type, and those of 0.16', () => {
    const theirs = requireInstalled('original') as Record<string, unknown>;
    expect(Object.keys(client).sort()).toEqual([...Object.keys(theirs), ...ADDED].sort());
    for (const [name, value] of Object.entries(theirs)) expect(typeof client[name], name).toBe(typeof value);
    expect(Object.getOwnPropertyDescriptor(client, 'contentType')).toMatchObject({ enumerable: true, configurable: false });
  });

  it.runIf(consumersInstalled)('has the files that people import by their path, with and without extension', () => {
    const folder = join(CONSUMERS, 'node_modules', 'original', 'lib');
    const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.js'));
    expect(files.length).toBeGreaterThan(30);
    for (const file of files) {
      const theirs = requireInstalled(`original/lib/${file}`);
      const ours = require(`kymo/prom-client/lib/${file}`);
      expect(require(`kymo/prom-client/lib/${file.replace('.js', '')}`), file).toBe(ours);
      expect(typeof ours, file).toBe(typeof theirs);
      expect(Object.keys(ours).sort(), file).toEqual(Object.keys(theirs).sort());
      expect(ours.metricNames, file).toEqual(theirs.metricNames);
    }
  });

  it('leads from files to the values that it exports', () => {
    const paths = {
      counter: 'Counter',
      gauge: 'Gauge',
      histogram: 'Histogram',
      summary: 'Summary',
      registry: 'Registry',
      pushgateway: 'Pushgateway',
    };
    for (const [path, name] of Object.entries({
      ...paths,
      cluster: 'AggregatorRegistry',
      worker: 'WorkerRegistry',
      defaultMetrics: 'collectDefaultMetrics',
    })) {
      expect(require(`kymo/prom-client/lib/${path}`), path).toBe(client[name]);
    }
    expect(require('kymo/prom-client/lib/registry').globalRegistry).toBe(client.register);
    expect(require('kymo/prom-client/lib/metricAggregators').aggregators).toBe(client.aggregators);
    expect(require('kymo/prom-client/lib/bucketGenerators').linearBuckets).toBe(client.linearBuckets);
    expect(require('kymo/prom-client/lib/validation').validateMetricName).toBe(client.validateMetricName);
    expect(Object.getPrototypeOf(client.Counter)).toBe(require('kymo/prom-client/lib/metric').Metric);
  });

  it('can be loaded anew any number of times: registers of their own, nothing left behind', () => {
    const code = `
      const { createRequire } = require('node:module');
      const load = () => {
        for (const file of Object.keys(require.cache)) if (/dist.cjs/.test(file)) delete require.cache[file];
        // A new one each time: it holds what it loaded.
        return createRequire(process.cwd() + '/package.json')('kymo/prom-client');
      };
      const heard = () => process.eventNames().reduce((sum, name) => sum + process.listenerCount(name), require('cluster').listenerCount('message'));
      (async () => {
        const texts = new Set(), numbers = new Set(), listeners = new Set();
        for (let turn = 0; turn < 60; turn++) {
          const { Counter, register, AggregatorRegistry, ClusterRegistry, WorkerRegistry } = load();
          new Counter({ name: 'again_total', help: 'h', labelNames: ['a'] }).inc({ a: 'b' });
          new AggregatorRegistry();
          new ClusterRegistry();
          new WorkerRegistry();
          texts.add(await register.metrics());
          numbers.add(register[Symbol.for('kymo.registry')]);
          listeners.add(heard());
          if (turn % 5 === 4) {
            gc();
            await new Promise((resolve) => setTimeout(resolve, 20));
          }
        }
        console.log(JSON.stringify({ texts: [...texts], registries: numbers.size, listeners: listeners.size }));
        process.exit();
      })();`;
    const { texts, registries, listeners } = printed(code, '--expose-gc') as { texts: string[]; registries: number; listeners: number };
    expect(texts).toEqual(['# HELP again_total h\n# TYPE again_total counter\nagain_total{a="b"} 1\n']);
    // Those of copies that are gone are used again.
    expect(registries).toBeLessThan(40);
    expect(listeners).toBe(1);
  });

  it('shows its registry through the ops server of kymo, while the event loop is blocked', () => {
    const code = `
      import { execFileSync } from 'node:child_process';
      import { OpsServer } from 'kymo';
      import { Counter, register } from 'kymo/prom-client';
      const sold = new Counter({ name: 'sold_total', help: 'h', labelNames: ['what'] });
      const ops = new OpsServer({ registries: [register] });
      await ops.start();
      sold.inc({ what: 'a hat' }, 2);
      const client = 'fetch("http://127.0.0.1:' + ops.address.port + '/metrics").then((r) => r.text()).then((t) => process.stdout.write(t))';
      const text = execFileSync(process.execPath, ['-e', client], { encoding: 'utf8' });
      await ops.stop();
      console.log(JSON.stringify(text));`;
    expect(printed(code, '--input-type=module')).toContain('\nsold_total{what="a hat"} 2\n');
  });
});
