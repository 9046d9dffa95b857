// Registering Kymo with the OpenTelemetry API of the process, from options and the environment.
import { context, DiagLogLevel, diag, metrics, propagation, type Span, trace } from '@opentelemetry/api';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { type RegisterOptions, type Registration, register } from '../../../src/compat/opentelemetry/register.js';
import { MetricsRegistry } from '../../../src/metrics/registry.js';
import { TracerProvider } from '../../../src/traces/provider.js';

let registered: Registration | undefined;

function start(options?: RegisterOptions): Registration {
  registered = register(options);
  return registered;
}

afterEach(async () => {
  await registered?.shutdown();
  registered = undefined;
  vi.unstubAllEnvs();
  diag.disable();
});

describe('register()', () => {
  it('puts tracers, contexts, propagation and metrics in place, and takes them out again', async () => {
    const registry = new MetricsRegistry();
    const proxied = trace.getTracer('made before');
    const { tracerProvider } = start({ registry });
    const seen = proxied.startActiveSpan('a', (span) => {
      metrics.getMeter('m').createCounter('c').add(1);
      const carrier: Record<string, string> = {};
      propagation.inject(context.active(), carrier);
      const active = trace.getActiveSpan() as Span;
      span.end();
      return [active === span, carrier.traceparent?.includes(span.spanContext().traceId), span.isRecording()];
    });
    expect(seen).toEqual([true, true, false]);
    expect(await registry.metrics()).toContain('\nc 1\n');
    expect(tracerProvider.provider).toBeInstanceOf(TracerProvider);
    await registered?.forceFlush();
    await registered?.shutdown();
    expect(trace.getTracer('later').startSpan('b').isRecording()).toBe(false);
    expect(propagation.fields()).toEqual([]);
    expect(trace.setGlobalTracerProvider(tracerProvider)).toBe(true);
    trace.disable();
  });

  it('uses a provider of Kymo that is given, and leaves the options of others to it', () => {
    const provider = new TracerProvider({ serviceName: 'shared' });
    expect(start({ provider }).tracerProvider.provider).toBe(provider);
  });

  it('reads OTEL_* variables: service, limits, sampler, propagators', () => {
    vi.stubEnv('OTEL_SERVICE_NAME', 'from the environment');
    vi.stubEnv('OTEL_RESOURCE_ATTRIBUTES', 'deployment.environment.name=test');
    vi.stubEnv('OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT', '1');
    vi.stubEnv('OTEL_TRACES_SAMPLER', 'always_off');
    const { provider } = start().tracerProvider;
    expect(provider.resource).toMatchObject({ 'service.name': 'from the environment', 'deployment.environment.name': 'test' });
    expect(provider.limits.maxAttributes).toBe(1);
    expect(trace.getTracer('t').startSpan('a').isRecording()).toBe(false);
  });

  it('takes options before the environment, and a sampler of the SDK before both', () => {
    vi.stubEnv('OTEL_TRACES_SAMPLER', 'always_off');
    const { provider } = start({
      tracing: { serviceName: 'given', limits: { maxEvents: 3 } },
      sampler: { shouldSample: () => ({ decision: 2 }) },
      propagators: ['b3'],
    }).tracerProvider;
    expect([provider.resource['service.name'], provider.limits.maxEvents]).toEqual(['given', 3]);
    expect(trace.getTracer('t').startSpan('a').isRecording()).toBe(true);
    expect(propagation.fields()).toEqual(['b3']);
  });

  it('records nothing when the SDK is switched off, and still carries contexts on', () => {
    vi.stubEnv('OTEL_SDK_DISABLED', 'true');
    start();
    const carrier = { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' };
    const sent: Record<string, string> = {};
    context.with(propagation.extract(context.active(), carrier), () => {
      expect(trace.getTracer('t').startSpan('a').isRecording()).toBe(false);
      propagation.inject(context.active(), sent);
    });
    expect(sent).toEqual(carrier);
    expect(metrics.getMeter('m').createCounter('c').constructor.name).toMatch(/^Noop/);
  });

  it('leaves what somebody registered before, and says so', async () => {
    const said = vi.fn();
    const logger = { error: said, warn: said, info: said, debug: said, verbose: said };
    diag.setLogger(logger, { logLevel: DiagLogLevel.ERROR, suppressOverrideMessage: true });
    const first = start();
    const second = register();
    expect(said.mock.calls.filter(([text]) => /duplicate registration/.test(text))).toHaveLength(4);
    await second.shutdown();
    expect(trace.getTracer('t').startSpan('a').isRecording()).toBe(true);
    await first.shutdown();
    registered = undefined;
  });
});
