// Jaeger as the judge of what is exported: it gets traces over each protocol, and shows them as they were made. Runs with
// `npm run test:peers` only, since Jaeger has to be built first.
import { type ChildProcess, spawn } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { native } from '../../src/binding/load.js';
import { configureTracing, type OtlpExporterOptions } from '../../src/index.js';
import { deadPort } from '../export/collectors.js';
import { until } from '../export/native-spans.js';
import { peer } from '../peers.js';

const INSTALL = `mkdir jaeger && cd jaeger && dir=$(go mod download -json github.com/jaegertracing/jaeger@v1.76.0 | node -p 'JSON.parse(fs.readFileSync(0)).Dir') &&
    cp -r $dir src && chmod -R u+w src && (cd src && go build -o ../jaeger-all-in-one ./cmd/all-in-one), then put it on PATH or into KYMO_JAEGER`;

const program = process.env.KYMO_JAEGER ?? peer('jaeger-all-in-one', INSTALL);

interface Tag {
  readonly key: string;
  readonly value: unknown;
}

interface JaegerSpan {
  readonly spanID: string;
  readonly operationName: string;
  readonly references: readonly { readonly refType: string; readonly traceID: string; readonly spanID: string }[];
  readonly startTime: number;
  readonly duration: number;
  readonly tags: readonly Tag[];
  readonly logs: readonly { readonly fields: readonly Tag[] }[];
  readonly processID: string;
}

interface JaegerTrace {
  readonly traceID: string;
  readonly spans: readonly JaegerSpan[];
  readonly processes: Readonly<Record<string, { readonly serviceName: string; readonly tags: readonly Tag[] }>>;
}

const tagsOf = (tags: readonly Tag[]): Record<string, unknown> => Object.fromEntries(tags.map(({ key, value }) => [key, value]));

let jaeger: ChildProcess;
const ports = { http: 0, grpc: 0, query: 0 };

describe.runIf(program)('Jaeger', () => {
  beforeAll(async () => {
    ports.http = await deadPort();
    ports.grpc = await deadPort();
    ports.query = await deadPort();
    const others = ['collector.grpc-server', 'collector.http-server', 'query.grpc-server', 'admin.http'];
    const flags = [
      `--collector.otlp.http.host-port=127.0.0.1:${ports.http}`,
      `--collector.otlp.grpc.host-port=127.0.0.1:${ports.grpc}`,
      `--query.http-server.host-port=127.0.0.1:${ports.query}`,
      ...(await Promise.all(others.map(async (name) => `--${name}.host-port=127.0.0.1:${await deadPort()}`))),
    ];
    jaeger = spawn(program as string, flags, { stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    jaeger.stderr?.on('data', (text) => {
      said += text;
    });
    await until(() => said.includes('Query server started') || jaeger.exitCode !== null, 'Jaeger starts', 30_000);
    expect(jaeger.exitCode, said).toBeNull();
  }, 40_000);
  afterAll(() => {
    jaeger?.kill('SIGKILL');
  });

  /** A trace as Jaeger has it, once all its spans are there. */
  async function shown(traceId: string, spans: number): Promise<JaegerTrace> {
    for (let attempt = 0; attempt < 100; attempt++) {
      const response = await fetch(`http://127.0.0.1:${ports.query}/api/traces/${traceId}`);
      const { data } = (await response.json()) as { data: JaegerTrace[] | null };
      if (data?.[0]?.spans.length === spans) return data[0];
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    throw new Error(`Jaeger does not show ${spans} spans of ${traceId}`);
  }

  it.each<[string, () => OtlpExporterOptions]>([
    ['HTTP with protobuf', () => ({ endpoint: `http://127.0.0.1:${ports.http}` })],
    ['HTTP with protobuf, packed', () => ({ endpoint: `http://127.0.0.1:${ports.http}`, compression: 'gzip' })],
    ['HTTP with JSON', () => ({ endpoint: `http://127.0.0.1:${ports.http}`, protocol: 'http/json' })],
    ['gRPC', () => ({ endpoint: `http://127.0.0.1:${ports.grpc}`, protocol: 'grpc' })],
    ['gRPC, packed', () => ({ endpoint: `http://127.0.0.1:${ports.grpc}`, protocol: 'grpc', compression: 'gzip' })],
  ])('shows a whole trace that came over %s', async (how, otlp) => {
    const stack = await configureTracing({ serviceName: `shop over ${how}`, otlp: otlp() });
    const { tracer } = stack.tracing;
    const ids = { traceId: '', root: '', child: '' };
    tracer.startActiveSpan('checkout', { kind: 'server', attributes: { route: '/buy', count: 3, ratio: 0.5, paid: true } }, (root) => {
      const child = tracer.startSpan('charge', { kind: 'client' });
      child.addEvent('retry', { attempt: 2 });
      child.recordException(new TypeError('no money'));
      child.setStatus('error', 'declined');
      child.end();
      Object.assign(ids, { traceId: root.traceId, root: root.spanId, child: child.spanId });
      root.end();
    });
    expect(await stack.flush(20_000)).toBe(true);
    expect(stack.pipelines[0]?.state).toMatchObject({ exported: 2, dropped: {} });
    const trace = await shown(ids.traceId, 2);
    const [root, child] = ['checkout', 'charge'].map((name) => trace.spans.find(({ operationName }) => operationName === name));
    expect(tagsOf(root?.tags ?? [])).toMatchObject({ 'span.kind': 'server', route: '/buy', count: 3, ratio: 0.5, paid: true });
    expect(tagsOf(root?.tags ?? [])).toMatchObject({ 'otel.scope.name': 'kymo' });
    expect(child?.references).toMatchObject([{ refType: 'CHILD_OF', traceID: ids.traceId, spanID: ids.root }]);
    expect(tagsOf(child?.tags ?? [])).toMatchObject({ 'span.kind': 'client', error: true, 'otel.status_description': 'declined' });
    const logs = child?.logs.map(({ fields }) => tagsOf(fields)) ?? [];
    expect(logs).toContainEqual({ event: 'retry', attempt: 2 });
    expect(logs.find(({ event }) => event === 'exception')).toMatchObject({
      'exception.type': 'TypeError',
      'exception.message': 'no money',
    });
    expect(Math.abs((root?.startTime ?? 0) / 1_000 - Date.now())).toBeLessThan(60_000);
    expect((child?.startTime ?? 0) >= (root?.startTime ?? 0)).toBe(true);
    const { serviceName, tags } = trace.processes[root?.processID ?? ''] ?? { serviceName: '', tags: [] };
    expect(serviceName).toBe(`shop over ${how}`);
    expect(tagsOf(tags)).toMatchObject({ 'telemetry.sdk.name': 'kymo', 'process.pid': process.pid });
    await stack.shutdown(5_000);
    expect(native.renderSync([native.openRegistry('kymo')], 0, false)).toMatch(/^kymo_exporter_errors_total\{exporter="otlp"\} 0$/m);
  });
});
