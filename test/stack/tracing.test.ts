// Tracing wired up in one call: what options, presets and variables make of it.
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, type MockInstance, vi } from 'vitest';
import type { ExportedSpan } from '../../src/export/exported-span.js';
import { moduleExporter } from '../../src/export/module-exporter.js';
import { otlpExporter } from '../../src/export/otlp/exporter.js';
import { MetricsRegistry } from '../../src/metrics/registry.js';
import { configureTracing, type TracingStackOptions } from '../../src/stack/tracing.js';
import { httpCollector } from '../export/collectors.js';

/** What the tests set, and what the machine may have. */
const VARIABLES = Object.keys(process.env).filter((name) => name.startsWith('OTEL_'));
const set = (env: Record<string, string>): void => {
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
};

let out: MockInstance<typeof process.stdout.write>;
let warnings: MockInstance<typeof process.emitWarning>;
beforeEach(() => {
  for (const name of VARIABLES) vi.stubEnv(name, undefined);
  out = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  warnings = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
});
afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

const printed = (): string[] => out.mock.calls.map(([text]) => String(text)).filter((text) => text.startsWith('[') || text.startsWith(' '));
const codes = (): string[] => warnings.mock.calls.map(([, options]) => (options as unknown as { code: string }).code);

/** Configures, runs, and gives the spans that an exporter of this thread got. */
async function exported(
  options: TracingStackOptions,
  run: (stack: Awaited<ReturnType<typeof configureTracing>>) => void,
): Promise<ExportedSpan[]> {
  const spans: ExportedSpan[] = [];
  const stack = await configureTracing({ ...options, exporters: [{ export: (batch) => void spans.push(...batch) }] });
  run(stack);
  expect(await stack.shutdown()).toBe(true);
  return spans;
}

describe('without an endpoint', () => {
  it('spans stay in the ring, nothing is exported and nothing printed', async () => {
    const stack = await configureTracing();
    stack.tracing.tracer.startSpan('kept').end();
    expect(stack.pipelines).toEqual([]);
    expect(await stack.flush()).toBe(true);
    expect(stack.tracing.getRecent(1).map(({ name }) => name)).toEqual(['kept']);
    await stack.shutdown();
    expect(printed()).toEqual([]);
    expect(warnings).not.toHaveBeenCalled();
  });

  it.each(['', ' '])('an empty one is none [V-12]', async (endpoint) => {
    set({ OTEL_EXPORTER_OTLP_ENDPOINT: endpoint });
    await using stack = await configureTracing({ otlpEndpoint: '' });
    expect(stack.pipelines).toEqual([]);
  });

  it('preset `civitas` prints each span as it ends [V-09]', async () => {
    await using stack = await configureTracing({ preset: 'civitas' });
    const span = stack.tracing.tracer.startSpan('one');
    expect(printed()).toEqual([]);
    span.end();
    expect(printed()).toEqual([expect.stringMatching(/^\[span\] one {2}\d+\.\dms\n$/)]);
  });

  it('`OTEL_TRACES_EXPORTER=console` prints as well, and `none` nothing, whatever the preset', async () => {
    set({ OTEL_TRACES_EXPORTER: 'console' });
    await using stack = await configureTracing();
    stack.tracing.tracer.startSpan('one').end();
    expect(printed()).toHaveLength(1);
    set({ OTEL_TRACES_EXPORTER: 'none' });
    await using silent = await configureTracing({ preset: 'civitas' });
    silent.tracing.tracer.startSpan('two').end();
    expect(printed()).toHaveLength(1);
  });

  it('`log` writes lines at level debug and warns once; the tracer is fully usable [V-10 V-11 V-22 V-26 V-29 V-30]', async () => {
    const lines: [string, string][] = [];
    const at = (level: string) => (line: string) => void lines.push([level, line]);
    const exporterLogger = { debug: at('debug'), info: at('info'), warn: at('warn') };
    await using stack = await configureTracing({ preset: 'civitas', exporters: ['log'], exporterLogger });
    const { messages, tracer } = stack.tracing;
    messages.startSendSpan({ type: 'job', traceId: '', spanId: '', sender: 'a', recipient: 'b', id: '1' }).end();
    const llm = tracer.startSpan('llm.chat gpt');
    llm.setAttribute('llm.model', 'gpt');
    llm.end();
    tracer.startActiveSpan('tool.execute grep', (span) => span.end());
    tracer.startSpan('quiet').end();
    expect(lines).toEqual([
      ['warn', expect.stringMatching(/^\[Tracer\]/)],
      ['debug', expect.stringMatching(/^\[\d\d:\d\d:\d\d\.\d{3}\] a -> b: job$/)],
      ['debug', expect.stringMatching(/^ {2}\[llm\] gpt: 0in\/0out \$0\.0000 \d+ms$/)],
      ['debug', expect.stringMatching(/^ {2}\[tool\] \?: ok \d+ms$/)],
    ]);
  });
});

describe('an endpoint', () => {
  it('of the environment gets OTLP, in batches from a thread of their own [V-06 V-07 V-12 H-62]', async () => {
    await using collector = await httpCollector();
    set({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_EXPORTER_OTLP_HEADERS: 'x-key=1', OTEL_BSP_SCHEDULE_DELAY: '60000' });
    const stack = await configureTracing({ preset: 'civitas' });
    stack.tracing.tracer.startSpan('one').end();
    expect(await stack.flush(20_000)).toBe(true);
    expect(collector.received.map(({ path, headers }) => [path, headers['x-key']])).toEqual([['/v1/traces', '1']]);
    expect(printed()).toEqual([]);
    await stack.shutdown();
  });

  it.each([
    ['otlpEndpoint', (url: string) => ({ otlpEndpoint: url })],
    ['otlp', (url: string) => ({ otlp: { endpoint: url, compression: 'gzip' as const, maxBatchSpans: 1 } })],
    ['exporters', (url: string) => ({ exporters: [otlpExporter({ endpoint: url })] })],
  ])('may be given as `%s`, which goes before the environment [H-62]', async (_, options) => {
    await using collector = await httpCollector();
    set({ OTEL_TRACES_EXPORTER: 'none' });
    await using stack = await configureTracing(options(collector.url));
    stack.tracing.tracer.startSpan('one').end();
    expect(await stack.flush(20_000)).toBe(true);
    expect(collector.received).toHaveLength(1);
  });

  it('that is none costs the exporter and a warning in the environment, and is an error in code', async () => {
    set({ OTEL_EXPORTER_OTLP_ENDPOINT: 'ftp://x' });
    await using stack = await configureTracing();
    expect(stack.pipelines).toEqual([]);
    expect(codes()).toEqual(['KYMO_EXPORT_OPTION']);
    await expect(configureTracing({ otlpEndpoint: 'ftp://x' })).rejects.toMatchObject({ code: 'KYMO_EXPORT_OPTION' });
  });

  it('is asked for by `OTEL_TRACES_EXPORTER=otlp` alone: then it is this machine', async () => {
    set({ OTEL_TRACES_EXPORTER: 'otlp' });
    const stack = await configureTracing();
    expect(stack.pipelines.map(({ label }) => label)).toEqual(['otlp']);
    await stack.shutdown(500);
  });
});

it('an exporter whose module is missing is replaced by the console, with a warning [V-08]', async () => {
  await using stack = await configureTracing({ exporters: [moduleExporter(join(import.meta.dirname, 'missing.mjs'))] });
  stack.tracing.tracer.startSpan('one').end();
  expect(printed()).toHaveLength(1);
  expect(codes()).toEqual(['KYMO_EXPORT_FALLBACK']);
});

describe('a resource', () => {
  it('has service, process, host and SDK', async () => {
    const [span] = await exported(
      { serviceName: 'shop', resource: { 'deployment.environment.name': 'test', zones: ['a', 'b'] } },
      (stack) => stack.tracing.tracer.startSpan('one').end(),
    );
    expect(span?.resource.attributes).toMatchObject({
      'service.name': 'shop',
      'service.instance.id': expect.stringMatching(/^[0-9a-f-]{36}$/),
      'telemetry.sdk.name': 'kymo',
      'telemetry.sdk.language': 'nodejs',
      'process.pid': process.pid,
      'process.runtime.version': process.versions.node,
      'host.name': expect.any(String),
      'os.type': process.platform,
      'deployment.environment.name': 'test',
      zones: ['a', 'b'],
    });
    expect(span?.resource.attributes).not.toHaveProperty('process.command_args');
  });

  it('takes its name from the code, then OTEL_SERVICE_NAME, then OTEL_RESOURCE_ATTRIBUTES, then the preset', async () => {
    const nameOf = async (options: TracingStackOptions): Promise<unknown> => {
      await using stack = await configureTracing(options);
      return stack.provider.resource['service.name'];
    };
    expect(await nameOf({ preset: 'agentos' })).toBe('agentos');
    set({ OTEL_RESOURCE_ATTRIBUTES: 'service.name=of-attributes,team=a%20b' });
    expect(await nameOf({ preset: 'agentos' })).toBe('of-attributes');
    set({ OTEL_SERVICE_NAME: 'of-variable' });
    expect(await nameOf({ preset: 'agentos' })).toBe('of-variable');
    expect(await nameOf({ resource: { 'service.name': 'of-resource' } })).toBe('of-resource');
    expect(await nameOf({ serviceName: 'of-code', resource: { 'service.name': 'x' } })).toBe('of-code');
    await using stack = await configureTracing();
    expect(stack.provider.resource.team).toBe('a b');
  });
});

describe('the environment', () => {
  it('switches recording off with OTEL_SDK_DISABLED', async () => {
    set({ OTEL_SDK_DISABLED: 'true', OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9' });
    await using stack = await configureTracing();
    expect(stack.pipelines).toEqual([]);
    expect(stack.tracing.tracer.startSpan('one').isRecording()).toBe(false);
  });

  it('names the sampler and the limits, below the options', async () => {
    set({ OTEL_TRACES_SAMPLER: 'always_off', OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT: '1', OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT: '2' });
    await using off = await configureTracing();
    expect(off.tracing.tracer.startSpan('one').isRecording()).toBe(false);
    expect(off.provider.limits).toMatchObject({ maxAttributes: 1, maxAttributeLength: 2, maxEvents: 128 });
    await using own = await configureTracing({ limits: { maxAttributes: 5 } });
    expect(own.provider.limits).toMatchObject({ maxAttributes: 5, maxAttributeLength: 2 });
  });

  it('is warned about, variable by variable, and never an error', async () => {
    set({
      OTEL_TRACES_SAMPLER: 'sometimes',
      OTEL_PROPAGATORS: 'tracecontext,telepathy',
      OTEL_BSP_MAX_QUEUE_SIZE: 'many',
      OTEL_TRACES_EXPORTER: 'zipkin',
    });
    await using stack = await configureTracing();
    expect(stack.tracing.tracer.startSpan('one').isRecording()).toBe(true);
    const texts = warnings.mock.calls.map(([text]) => String(text));
    for (const variable of ['OTEL_TRACES_SAMPLER', 'OTEL_PROPAGATORS', 'OTEL_BSP_MAX_QUEUE_SIZE', 'OTEL_TRACES_EXPORTER']) {
      expect(
        texts.filter((text) => text.includes(variable)),
        variable,
      ).toHaveLength(1);
    }
    expect(new Set(codes())).toEqual(new Set(['KYMO_CONFIG_IGNORED']));
  });
});

describe('a stack', () => {
  it('belongs to itself: several export side by side, and nothing global is set [V-13]', async () => {
    const before = Reflect.ownKeys(globalThis);
    const names: string[][] = [[], []];
    const stacks = await Promise.all(
      names.map((got) => configureTracing({ exporters: [{ export: (spans) => void got.push(...spans.map(({ name }) => name)) }] })),
    );
    for (const [n, stack] of stacks.entries()) stack.tracing.tracer.startSpan(`of ${n}`).end();
    await Promise.all(stacks.map((stack) => stack.shutdown()));
    expect(names).toEqual([['of 0'], ['of 1']]);
    expect(Reflect.ownKeys(globalThis)).toEqual(before);
  });

  it('gives scope and ids of its preset [V-14]', async () => {
    const [civitas] = await exported({ preset: 'civitas' }, (stack) => stack.tracing.tracer.startSpan('one').end());
    expect(civitas?.scope).toMatchObject({ name: 'civitas', version: '0.1.0' });
    const [agentos] = await exported({ preset: 'agentos' }, (stack) => stack.tracing.tracer.startSpan('one').end());
    expect([agentos?.traceId, agentos?.spanId]).toEqual([
      expect.stringMatching(/^trace-[0-9a-f]{16}$/),
      expect.stringMatching(/^span-[0-9a-f]{12}$/),
    ]);
  });

  it('flushes what is pending in its own provider, and nothing without one [V-33]', async () => {
    const names: string[] = [];
    await using stack = await configureTracing({ exporters: [{ export: (spans) => void names.push(...spans.map(({ name }) => name)) }] });
    stack.tracing.tracer.startSpan('one').end();
    expect(names).toEqual([]);
    expect(await stack.flush()).toBe(true);
    expect(names).toEqual(['one']);
    await using none = await configureTracing();
    expect(await none.flush()).toBe(true);
  });

  it('serves /trace and /metrics, also what exporting cost', async () => {
    const registry = new MetricsRegistry();
    const stack = await configureTracing({
      serviceName: 'shop',
      ops: { registries: [registry] },
      exporters: [{ name: 'mine', export: () => Promise.reject(new Error('no')) }],
    });
    stack.tracing.tracer.startSpan('shown').end();
    await stack.flush();
    const at = `http://127.0.0.1:${stack.ops?.address?.port}`;
    expect(await (await fetch(`${at}/trace`)).text()).toContain('shown');
    const text = await (await fetch(`${at}/metrics`)).text();
    expect(text).toMatch(/^kymo_exporter_errors_total\{exporter="mine"\} 1$/m);
    expect(text).toMatch(/^kymo_spans_dropped_total\{reason="exporter"\} \d+$/m);
    await stack.shutdown();
    expect(stack.ops?.address).toBeNull();
  });

  it('refuses options that cannot be used, and leaves nothing behind', async () => {
    for (const options of [{ exitTimeoutMs: -1 }, { flushTimeoutMs: Number.NaN }, { preset: 'x' as never }]) {
      await expect(configureTracing(options)).rejects.toMatchObject({ code: 'KYMO_CONFIG_VALUE' });
    }
    await expect(configureTracing({ exporters: ['smoke' as never] })).rejects.toMatchObject({ code: 'KYMO_EXPORT_OPTION' });
    const listeners = process.listenerCount('exit');
    await expect(configureTracing({ otlpEndpoint: 'http://127.0.0.1:9', ops: { host: 'no.such.host.invalid' } })).rejects.toThrow(
      /KYMO_OPS/,
    );
    expect(process.listenerCount('exit')).toBe(listeners);
  });
});
