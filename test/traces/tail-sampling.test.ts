// Tail sampling end to end: spans of real tracers, the native decision, and what an exporter then gets.
import { afterEach, describe, expect, it } from 'vitest';
import { native } from '../../src/binding/load.js';
import { TracerProvider, type TracerProviderOptions } from '../../src/traces/provider.js';
import { consistentSampler } from '../../src/traces/samplers/ratio.js';
import type { Span } from '../../src/traces/span.js';
import type { TailSamplingOptions } from '../../src/traces/tail.js';
import type { Tracer } from '../../src/traces/tracer.js';

interface ExportedSpan {
  readonly traceId: string;
  readonly name: string;
  readonly traceState?: string;
}

const providers: TracerProvider[] = [];

afterEach(async () => {
  await Promise.all(providers.splice(0).map((provider) => provider.shutdown()));
});

/** A provider whose exported spans are taken as an exporter takes them. */
function sampled(tailSampling: TailSamplingOptions, options: TracerProviderOptions = {}) {
  const provider = new TracerProvider({ ...options, tailSampling });
  providers.push(provider);
  const pipeline = native.tracesPipeline(provider.host, {
    label: 'test',
    format: 'json',
    compression: 'none',
    maxQueueItems: 100_000,
    maxQueueBytes: 64 << 20,
    maxBatchItems: 1_000,
    maxBatchBytes: 16 << 20,
  });
  const exported = async (): Promise<ExportedSpan[]> => {
    const spans: ExportedSpan[] = [];
    let flushed = false;
    const flush = native.pipelineFlush(pipeline, 30_000).then(() => {
      flushed = true;
    });
    for (;;) {
      const batch = native.pipelineTake(pipeline);
      if (batch !== null) {
        const request = JSON.parse(Buffer.from(batch.body).toString());
        for (const { scopeSpans } of request.resourceSpans) for (const scope of scopeSpans) spans.push(...scope.spans);
        native.pipelineDone(pipeline, batch.batch, 'exported', 0, '');
      } else if (flushed) {
        return spans;
      } else {
        await Promise.race([flush, new Promise((resolve) => setTimeout(resolve, 2))]);
      }
    }
  };
  return { provider, tracer: provider.getTracer('t'), exported };
}

const names = (spans: readonly ExportedSpan[]): string[] => spans.map(({ name }) => name).sort();

/** 1 / probability, as `th` in the tracestate tells it. */
function weight({ traceState = '' }: ExportedSpan): number {
  const digits = /(?:^|,)ot=(?:[^,]*;)?th:([0-9a-f]{1,14})/.exec(traceState)?.[1];
  if (digits === undefined) throw new TypeError(`no threshold in ${JSON.stringify(traceState)}`);
  return 2 ** 56 / (2 ** 56 - Number.parseInt(digits.padEnd(14, '0'), 16));
}

const START = Date.now() - 1_000_000;

/** A trace that took so long, by times of its own. */
function request(tracer: Tracer, name: string, ms: number, attributes: Record<string, string> = {}): void {
  tracer.startSpan(name, { root: true, startTime: START, attributes }).end(START + ms);
}

describe('whole traces are exported when their local root has ended', () => {
  it('keeps a trace with an error in any span, with all its spans, and late ones', async () => {
    const { tracer, exported } = sampled({ slow: false, rest: 0 });
    const late: Span[] = [];
    tracer.trace('fine', {}, () => tracer.startSpan('fine child').end());
    tracer.trace('failed', {}, () => {
      tracer.startSpan('child').end();
      const broken = tracer.startSpan('broken');
      broken.setStatus('error');
      broken.end();
      late.push(tracer.startSpan('late'));
    });
    expect(names(await exported())).toEqual(['broken', 'child', 'failed']);
    for (const one of late) one.end();
    const [span, ...others] = await exported();
    expect([span?.name, others]).toEqual(['late', []]);
    expect(span?.traceState).toBe('ot=th:0');
  });

  it('exports nothing of a trace before that, unless it is asked to decide', async () => {
    const { provider, tracer, exported } = sampled({ slow: false, rest: 1 });
    const root = tracer.startSpan('root', { root: true });
    tracer.startSpan('child', {}, root.context).end();
    expect(await exported()).toEqual([]);
    native.tracesDecide(provider.host);
    expect(names(await exported())).toEqual(['child']);
    root.end();
    expect(names(await exported())).toEqual(['root']);
  });

  it('leaves retained traces alone', async () => {
    const { provider, tracer, exported } = sampled({ slow: false, rest: 0 });
    tracer.startSpan('dropped').end();
    expect(await exported()).toEqual([]);
    expect(JSON.parse(native.tracesRecent(provider.host, 1))).toMatchObject([{ name: 'dropped' }]);
  });
});

describe('rules', () => {
  it('keeps what is slow for its own route', async () => {
    const { tracer, exported } = sampled({ slow: { minCount: 50, factor: 1.2 }, rest: 0 });
    for (let n = 0; n < 200; n += 1) {
      request(tracer, 'GET', 5, { 'http.route': '/fast' });
      request(tracer, 'GET', 500, { 'http.route': '/slow' });
    }
    expect(await exported()).toEqual([]);
    request(tracer, 'GET', 520, { 'http.route': '/slow' });
    request(tracer, 'GET', 50, { 'http.route': '/fast' });
    request(tracer, 'GET', 900, { 'http.route': '/slow' });
    request(tracer, 'GET', 9_000, { 'http.route': '/new' });
    expect(await exported()).toHaveLength(2);
  });

  it('keeps by attribute and drops by attribute, but never an error', async () => {
    const { tracer, exported } = sampled({
      slow: false,
      attributes: [
        { key: 'url.path', equals: ['/live', '/ready'], ratio: 0 },
        { key: 'cost', atLeast: 0.5 },
        { key: 'tier', equals: 'gold' },
      ],
      rest: 1,
    });
    const run = (name: string, attributes: Record<string, string | number>, failed = false): void => {
      const span = tracer.startSpan(name, { root: true, attributes });
      if (failed) span.setStatus('error');
      span.end();
    };
    run('probe', { 'url.path': '/live' });
    run('failed probe', { 'url.path': '/live' }, true);
    run('dear', { cost: 0.75 });
    run('gold', { tier: 'gold' });
    run('plain', {});
    expect(names(await exported())).toEqual(['dear', 'failed probe', 'gold', 'plain']);
  });

  it('refuses options by name when the provider is made', () => {
    expect(() => sampled({ rest: 2 })).toThrow(/KYMO_CONFIG_VALUE: tailSampling\.rest is 2/);
  });
});

describe('weights', () => {
  it('add up to all traces, though few are exported', async () => {
    const { tracer, exported } = sampled({ slow: false, rest: 0.1 });
    const all = 20_000;
    for (let n = 0; n < all; n += 1) {
      const span = tracer.startSpan('request', { root: true });
      if (n % 100 === 0) span.setStatus('error');
      span.end();
      if (n % 5_000 === 4_999) await new Promise((resolve) => setTimeout(resolve, 20));
    }
    const spans = await exported();
    const weights = spans.map(weight);
    const [sum, variance] = [weights.reduce((a, w) => a + w, 0), weights.reduce((a, w) => a + w * (w - 1), 0)];
    expect(weights.filter((w) => w === 1)).toHaveLength(200);
    expect(spans.length).toBeLessThan(0.2 * all);
    // Five standard deviations: fails by chance once in two million runs.
    expect(Math.abs(sum - all)).toBeLessThan(5 * Math.sqrt(variance));
  });

  it('multiply those of the head sampler', async () => {
    const { tracer, exported } = sampled({ slow: false, rest: 0.5 }, { sampler: consistentSampler(0.5) });
    for (let n = 0; n < 200; n += 1) {
      const span = tracer.startSpan(n % 2 === 0 ? 'plain' : 'failed', { root: true });
      if (n % 2 === 1) span.setStatus('error');
      span.end();
    }
    const spans = await exported();
    const thresholds = (name: string): unknown => [
      ...new Set(spans.filter((span) => span.name === name).map(({ traceState }) => traceState)),
    ];
    expect(thresholds('plain')).toEqual(['ot=th:c']);
    expect(thresholds('failed')).toEqual(['ot=th:8']);
  });
});
