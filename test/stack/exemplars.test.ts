// Exemplars of metrics that point at the sampled span around an observation.
import { afterEach, expect, it } from 'vitest';
import { MetricsRegistry } from '../../src/index.js';
import { configureTracing } from '../../src/stack/tracing.js';

const stacks: { shutdown(): Promise<boolean> }[] = [];
afterEach(async () => {
  await Promise.all(stacks.splice(0).map((stack) => stack.shutdown()));
});

function histogram(): { observe(): void; text(): Promise<string> } {
  const registry = new MetricsRegistry();
  const latency = registry.histogram({ name: 'latency_seconds', help: 'Latency.', buckets: [1] });
  return {
    observe: () => latency.observe(0.5),
    text: () => registry.metrics({ format: 'openmetrics' }) as Promise<string>,
  };
}

it('an observation inside a sampled span gets an exemplar that names it', async () => {
  const stack = await configureTracing({ exemplars: true });
  stacks.push(stack);
  const { observe, text } = histogram();
  const ids = stack.provider.getTracer('test').trace('request', (span) => {
    observe();
    return { trace: span.traceId, span: span.spanId };
  });
  expect(await text()).toMatch(
    new RegExp(`latency_seconds_bucket\\{le="1\\.0"\\} 1 # \\{trace_id="${ids.trace}",span_id="${ids.span}"\\} 0\\.5`),
  );
});

it('an observation outside of a trace, or in one that is not sampled, gets none', async () => {
  const stack = await configureTracing({ exemplars: true, sampler: (await import('../../src/traces/samplers/sampler.js')).ALWAYS_OFF });
  stacks.push(stack);
  const { observe, text } = histogram();
  observe();
  stack.provider.getTracer('test').trace('request', observe);
  expect(await text()).not.toContain('trace_id');
});

it('ends with the tracing that asked for it', async () => {
  const stack = await configureTracing({ exemplars: true });
  await stack.shutdown();
  const { observe, text } = histogram();
  const other = await configureTracing();
  stacks.push(other);
  other.provider.getTracer('test').trace('request', observe);
  expect(await text()).not.toContain('trace_id');
});
