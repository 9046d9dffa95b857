// The package as a user gets it: packed, unpacked elsewhere, imported and type-checked there.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ROOT } from './tree.js';

let project: string;
let unpacked: string;

function run(command: string, args: readonly string[], cwd: string) {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, encoding: 'utf8', env: { ...process.env, NODE_OPTIONS: '' } });
  return { status, text: stdout + stderr };
}

beforeAll(() => {
  project = mkdtempSync(join(tmpdir(), 'kymo-published-'));
  unpacked = join(project, 'node_modules', 'kymo');
  mkdirSync(unpacked, { recursive: true });
  const packed = run('npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', project], ROOT);
  expect(packed.status, packed.text).toBe(0);
  const tarball = readdirSync(project).find((name) => name.endsWith('.tgz')) as string;
  expect(run('tar', ['-xzf', join(project, tarball), '-C', unpacked, '--strip-components=1'], project).status).toBe(0);
}, 60_000);
afterAll(() => rmSync(project, { recursive: true, force: true }));

describe('the published package', () => {
  it('holds the build, the addon and the licences, and neither sources nor the demo', () => {
    for (const name of ['dist/index.js', 'dist/index.d.ts', 'LICENSE', 'THIRD-PARTY.md', 'README.md', 'CHANGELOG.md']) {
      expect(existsSync(join(unpacked, name)), name).toBe(true);
    }
    expect(readdirSync(join(unpacked, 'native/binding')).filter((name) => !/^kymo\..+\.node$/.test(name))).toEqual([]);
    for (const name of ['src', 'test', 'bench', 'dist/demo', 'native/core', '.ci'])
      expect(existsSync(join(unpacked, name)), name).toBe(false);
  });

  it('counts and renders when imported by name', () => {
    writeFileSync(
      join(project, 'main.mjs'),
      `import { metrics } from 'kymo';
      metrics.counter({ name: 'published_total', help: 'h' }).inc(3);
      process.stdout.write(metrics.formatPrometheus());`,
    );
    const { status, text } = run(process.execPath, ['main.mjs'], project);
    expect(text).toContain('\npublished_total 3\n');
    expect(status).toBe(0);
  });

  it('gives a CommonJS program the drop-in of prom-client', () => {
    mkdirSync(join(project, 'node_modules', 'tdigest'), { recursive: true });
    for (const name of ['tdigest', 'bintrees']) {
      cpSync(join(ROOT, 'node_modules', name), join(project, 'node_modules', name), { recursive: true });
    }
    writeFileSync(
      join(project, 'drop-in.cjs'),
      `const { Summary, register } = require('kymo/prom-client');
      new Summary({ name: 'packed_seconds', help: 'h', percentiles: [0.5] }).observe(3);
      register.metrics().then((text) => process.stdout.write(text));`,
    );
    const { status, text } = run(process.execPath, ['drop-in.cjs'], project);
    expect(text).toContain('\npacked_seconds{quantile="0.5"} 3\n');
    expect(status).toBe(0);
  });

  it('compiles in a strict project', () => {
    writeFileSync(
      join(project, 'main.ts'),
      `import { metrics, type KymoError } from 'kymo';
      const seen: number = 1;
      metrics.counter({ name: 'typed_total', help: 'h', labelNames: ['a'] }).inc({ a: 'b' }, seen);
      // @ts-expect-error a label that was not declared
      metrics.counter({ name: 'typed_total', help: 'h', labelNames: ['a'] }).inc({ b: 'c' });
      export type Code = KymoError['code'];`,
    );
    writeFileSync(
      join(project, 'drop-in.ts'),
      `import client, { Counter, register, type CounterConfiguration, type MetricObjectWithValues, type MetricValue } from 'kymo/prom-client';
      import { OpsServer } from 'kymo';
      const configuration: CounterConfiguration<'path'> = { name: 'typed_total', help: 'h', labelNames: ['path'], collect() { this.inc(0); } };
      const counter = new Counter(configuration);
      counter.labels({ path: '/' }).inc();
      counter.inc({ path: 2 }, 3);
      // @ts-expect-error a label that was not declared
      counter.inc({ paths: '/' });
      export const own: Counter.Internal = counter.labels('/');
      export const all: Promise<MetricObjectWithValues<MetricValue<string>>[]> = register.getMetricsAsJSON();
      export const server = new OpsServer({ registries: [register, new client.Registry()] });
      export const timer: (labels?: client.LabelValues<'a'>) => number = new client.Histogram<'a'>({ name: 'h', help: 'h' }).startTimer();`,
    );
    writeFileSync(
      join(project, 'drop-in-commonjs.cts'),
      `import client = require('kymo/prom-client');
      client.collectDefaultMetrics({ prefix: 'p_', labels: { a: 'b' } });
      const gateway = new client.Pushgateway('http://127.0.0.1:9091', { timeout: 1000 });
      const pushed: Promise<{ resp?: unknown; body?: unknown }> = gateway.push({ jobName: 'j' });
      export = { pushed, list: client.collectDefaultMetrics.metricsList, gauge: new client.Gauge({ name: 'g', help: 'h' }) };`,
    );
    mkdirSync(join(project, 'node_modules', '@opentelemetry'), { recursive: true });
    cpSync(join(ROOT, 'node_modules', '@opentelemetry', 'api'), join(project, 'node_modules', '@opentelemetry', 'api'), {
      recursive: true,
    });
    writeFileSync(
      join(project, 'opentelemetry.ts'),
      `import { metrics, trace, type SpanOptions } from '@opentelemetry/api';
      import { TracerProvider } from 'kymo';
      import { KymoMeterProvider, KymoTracerProvider, register, type SpanProcessor, type SpanView } from 'kymo/opentelemetry';
      const processor: SpanProcessor = {
        onStart: () => undefined,
        onEnd: (span: SpanView) => void span.attributes,
        forceFlush: async () => undefined,
        shutdown: async () => undefined,
      };
      const registration = register({ provider: new TracerProvider(), spanProcessors: [processor], propagators: ['b3'] });
      const options: SpanOptions = { kind: 1 };
      export const span = registration.tracerProvider.getTracer('t').startSpan('a', options);
      trace.setGlobalTracerProvider(new KymoTracerProvider());
      metrics.setGlobalMeterProvider(new KymoMeterProvider());
      // @ts-expect-error a format that there is not
      register({ propagators: ['b4'] });`,
    );
    const compilerOptions = {
      strict: true,
      module: 'NodeNext',
      target: 'ES2022',
      noEmit: true,
      skipLibCheck: false,
      types: ['node'],
      typeRoots: [join(ROOT, 'node_modules/@types')],
    };
    writeFileSync(
      join(project, 'tsconfig.json'),
      JSON.stringify({ compilerOptions, include: ['main.ts', 'drop-in.ts', 'drop-in-commonjs.cts', 'opentelemetry.ts'] }),
    );
    const { status, text } = run(process.execPath, [join(ROOT, 'node_modules/.bin/tsc'), '-p', project], project);
    expect(text).toBe('');
    expect(status).toBe(0);
  });
});
