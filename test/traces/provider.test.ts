// Providers: what is theirs alone, who is told of spans, what is kept, and the end.
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { trace } from '@opentelemetry/api';
import { describe, expect, it } from 'vitest';
import { TracerProvider } from '../../src/traces/provider.js';
import type { Span } from '../../src/traces/span.js';
import { SpanBuffer } from '../../src/traces/span-buffer.js';
import { spansDropped } from './own-counts.js';
import { recordedSpans } from './recorded.js';

describe('a provider', () => {
  it('belongs to whoever made it: several stand side by side, and none is the process’s [V-13]', () => {
    const [one, two] = [new TracerProvider({ serviceName: 'one' }), new TracerProvider({ serviceName: 'two' })];
    one.getTracer().startSpan('a').end();
    two.getTracer().startSpan('b').end();
    expect(recordedSpans(one).map(({ name }) => name)).toEqual(['a']);
    expect(recordedSpans(two).map(({ name }) => name)).toEqual(['b']);
    expect([one.resource['service.name'], two.resource['service.name']]).toEqual(['one', 'two']);
    expect(trace.getTracer('x').startSpan('y').isRecording()).toBe(false);
  });

  it('has a resource made plain', () => {
    const { resource } = new TracerProvider({
      serviceName: 'wins',
      resource: { 'service.name': 'loses', 'host.cpus': 4, tags: ['a', 1n], deep: { a: 1n }, f: () => 1, none: undefined },
    });
    expect(resource).toMatchObject({ 'service.name': 'wins', 'host.cpus': 4, tags: ['a', '1'], deep: '{"a":"1"}' });
    expect(resource['telemetry.sdk.name']).toBe('kymo');
    expect(['f' in resource, 'none' in resource]).toEqual([false, false]);
  });

  it('gives one tracer for the same words', () => {
    const provider = new TracerProvider();
    const tracer = provider.getTracer('lib', '1.0', { schemaUrl: 'https://x', attributes: { a: 1 } });
    expect(provider.getTracer('lib', '1.0', { schemaUrl: 'https://x', attributes: { a: 1 } })).toBe(tracer);
    expect(provider.getTracer('lib', '1.1')).not.toBe(tracer);
    expect([tracer.name, tracer.version, tracer.schemaUrl]).toEqual(['lib', '1.0', 'https://x']);
    for (let index = 0; index < 1_100; index++) provider.getTracer(`dynamic-${index}`).startSpan('x').end();
  });

  it.each([
    ['traceIdFormat', 'decimal'],
    ['spanIdFormat', 'ulid'],
    ['errorAttributes', 'all'],
    ['semanticConvention', 'none'],
    ['retainedTraces', -1],
    ['retainedBytes', 1.5],
  ])('refuses %s = %s', (name, value) => {
    expect(() => new TracerProvider({ [name]: value })).toThrow(`KYMO_CONFIG_VALUE: ${name} is ${value}`);
  });
});

describe('processors', () => {
  it('are told of start, of the ending, when the span can still be changed, and of the end, in their order', () => {
    const calls: string[] = [];
    const provider = new TracerProvider({
      processors: [
        {
          onStart: (span, parent) => void calls.push(`start ${span.name} ${parent.t0 === 0}`),
          onEnding(span) {
            calls.push(`ending ${span.hasEnded} ${span.isRecording()} ${span.getDuration() !== undefined}`);
            span.setAttribute('late', true).end();
          },
          onEnd: (span) => void calls.push(`end ${span.isRecording()} ${span.getAttribute('late')}`),
        },
        { onEnd: () => void calls.push('second') },
      ],
    });
    provider.getTracer().startSpan('x').end();
    expect(calls).toEqual(['start x true', 'ending true true true', 'end false true', 'second']);
    expect(recordedSpans(provider)[0]?.attributes).toEqual({ late: true });
  });

  it('that throw are counted and seen by nobody', async () => {
    const before = spansDropped('processor_failed');
    const fail = (): never => {
      throw new Error('mine');
    };
    const provider = new TracerProvider({
      processors: [{ onStart: fail, onEnding: fail, onEnd: fail, forceFlush: async () => fail(), shutdown: async () => fail() }],
    });
    provider.getTracer().startSpan('x').end();
    await provider.flush();
    await provider.shutdown();
    expect(spansDropped('processor_failed') - before).toBe(5);
  });

  it('come and go, and hear nothing of spans that are not recorded', () => {
    const ended: string[] = [];
    const provider = new TracerProvider();
    const remove = provider.addProcessor({ onEnd: ({ name }) => void ended.push(name) });
    const tracer = provider.getTracer();
    tracer.startSpan('heard').end();
    tracer.startSpan('dropped', { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331', traceFlags: 0 } as never).end();
    remove();
    tracer.startSpan('unheard').end();
    expect(ended).toEqual(['heard']);
  });
});

describe('a span buffer', () => {
  it('keeps the newest spans in the order in which they ended [L-170 L-173]', () => {
    const provider = new TracerProvider({ serviceName: 'lexigram-service', processors: [new SpanBuffer({ maxSpans: 3 })] });
    const tracer = provider.getTracer();
    for (const name of ['a', 'b', 'c', 'd', 'e']) tracer.startSpan(name).end();
    expect(tracer.getAllSpans().map(({ name }) => name)).toEqual(['c', 'd', 'e']);
    expect(new TracerProvider().getTracer().getAllSpans()).toEqual([]);
    expect(() => new SpanBuffer({ maxSpans: 0 })).toThrow('KYMO_CONFIG_VALUE');
  });

  it('flush hands each span to the exporter once, and an exporter that fails harms nobody [L-170 L-172]', async () => {
    const batches: string[][] = [];
    let fails = true;
    const exporter = {
      async export(spans: readonly Span[]) {
        batches.push(spans.map(({ name }) => name));
        if (fails) throw new Error('no collector');
      },
    };
    const provider = new TracerProvider({ processors: [new SpanBuffer({ exporter })] });
    const tracer = provider.getTracer();
    tracer.startSpan('a').end();
    tracer.startSpan('open');
    expect(await tracer.flush()).toBe(true);
    fails = false;
    tracer.startSpan('b').end();
    tracer.startSpan('c').end();
    await Promise.all([tracer.flush(), tracer.flush()]);
    expect(batches).toEqual([['a'], ['b', 'c']]);
    expect(tracer.getAllSpans().map(({ name }) => name)).toEqual(['a', 'b', 'c']);
  });

  it('counts what an exporter did not get in time, and shuts the exporter down', async () => {
    const before = spansDropped('queue_full');
    let ended = 0;
    const seen: string[] = [];
    const exporter = {
      export: (spans: readonly Span[]) => void seen.push(...spans.map(({ name }) => name)),
      shutdown: () => void ended++,
    };
    const provider = new TracerProvider({ processors: [new SpanBuffer({ exporter, maxSpans: 2 })] });
    for (const name of ['a', 'b', 'c']) provider.getTracer().startSpan(name).end();
    await provider.shutdown();
    expect([seen, ended, spansDropped('queue_full') - before]).toEqual([['b', 'c'], 1, 1]);
  });
});

describe('open spans', () => {
  it('are told with the line that started them, until they end', () => {
    const provider = new TracerProvider({ openSpans: true });
    const tracer = provider.getTracer();
    const leaked = tracer.startSpan('leaked');
    tracer.trace('fine', () => undefined);
    const [open, ...others] = provider.openSpans();
    expect(others).toEqual([]);
    expect(open).toMatchObject({ name: 'leaked', traceId: leaked.traceId, spanId: leaked.spanId, lost: false });
    expect(open?.site).toContain('provider.test.ts');
    expect(open?.ageMs).toBeGreaterThanOrEqual(0);
    leaked.end();
    expect(provider.openSpans()).toEqual([]);
  });

  it('are bounded, and sites can be left out', () => {
    const provider = new TracerProvider({ openSpans: { maxSpans: 10, sites: false } });
    const tracer = provider.getTracer();
    const spans = Array.from({ length: 25 }, (_, index) => tracer.startSpan(`${index}`));
    expect(provider.openSpans().map(({ name, site }) => [name, site])).toEqual(
      Array.from({ length: 10 }, (_, index) => [`${index + 15}`, undefined]),
    );
    expect(provider.open?.forgotten).toBe(15);
    for (const span of spans) span.end();
    expect(provider.openSpans()).toEqual([]);
    expect(() => new TracerProvider({ openSpans: { maxSpans: 0 } })).toThrow('KYMO_CONFIG_VALUE');
  });

  it('that the program lost are told as lost, and counted', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const before = spansDropped('never_ended');
    const provider = new TracerProvider({ openSpans: true });
    (() => void provider.getTracer().startSpan('forgotten'))();
    for (let attempt = 0; attempt < 50 && provider.openSpans()[0]?.lost !== true; attempt++) {
      collect();
      await sleep(10);
    }
    expect(provider.openSpans()).toMatchObject([{ name: 'forgotten', lost: true }]);
    expect(spansDropped('never_ended') - before).toBe(1);
  });

  it('are recorded as never ended when the provider is shut down', async () => {
    const ended: string[] = [];
    const provider = new TracerProvider({
      openSpans: true,
      processors: [{ onEnd: (span) => void ended.push(`${span.name} ${(span.bits & (1 << 23)) !== 0}`) }],
    });
    const span = provider.getTracer().startSpan('open');
    await provider.shutdown();
    expect(span.hasEnded).toBe(true);
    expect(ended).toEqual(['open true']);
  });
});

describe('flush and shutdown', () => {
  it('wait for the ways out, up to a deadline', async () => {
    const provider = new TracerProvider();
    const calls: string[] = [];
    const remove = provider.addDelivery({
      flush: async (deadlineMs) => calls.push(`flush ${deadlineMs}`) > 0,
      shutdown: async (deadlineMs) => calls.push(`shutdown ${deadlineMs}`) > 0,
    });
    expect(await provider.flush(500)).toBe(true);
    const removeStuck = provider.addDelivery({
      flush: () => new Promise(() => undefined),
      shutdown: () => Promise.reject(new Error('no')),
    });
    expect(await provider.flush(20)).toBe(false);
    remove();
    removeStuck();
    expect(await provider.flush(500)).toBe(true);
    expect(calls).toEqual(['flush 500', 'flush 20']);
  });

  it('after the shutdown, which happens once, spans are not recorded', async () => {
    let shutdowns = 0;
    const provider = new TracerProvider({ processors: [{ shutdown: async () => void shutdowns++ }] });
    const tracer = provider.getTracer();
    const open = tracer.startSpan('open');
    await Promise.all([provider.shutdown(), provider.shutdown()]);
    await provider[Symbol.asyncDispose]();
    expect(shutdowns).toBe(1);
    expect(tracer.startSpan('late').isRecording()).toBe(false);
    expect(provider.getTracer('new').startSpan('late').isRecording()).toBe(false);
    open.end();
  });
});
