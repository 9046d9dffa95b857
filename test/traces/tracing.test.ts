// Trace objects: what they collect and sum up, how they begin, become current and end, and how they are retained.
import { setImmediate as turn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it, vi } from 'vitest';
import {
  ALWAYS_OFF,
  forkContext,
  getCurrentTraceId,
  type OpenTrace,
  parentBasedSampler,
  type RetainedTrace,
  TRACE_RING_BUFFER,
  type TraceLogger,
  TracerProvider,
  Tracing,
} from '../../src/index.js';
import { spansDropped } from './own-counts.js';

const tracing = new Tracing();
const names = (trace: { spans: readonly { name: string }[] }): string[] => trace.spans.map(({ name }) => name);
const find = (id: string, from: Tracing = tracing): RetainedTrace | undefined =>
  from.getRecent(10_000).find(({ traceId }) => traceId === id);

describe('a trace object', () => {
  it('[H-52 A-022] has an id, a capability, its start on both clocks, and no spans at first', () => {
    const before = Date.now() / 1_000;
    const trace = tracing.newTrace('chat');
    expect([trace.capability, trace.name, trace.spans, trace.rootSpan]).toEqual(['chat', 'chat', [], undefined]);
    expect(trace.traceId).toMatch(/^[0-9a-f]{32}$/);
    expect(trace.startTime).toBeGreaterThan(before - 1);
    expect(trace.startTime).toBeLessThan(Date.now() / 1_000 + 1);
    expect(trace.startedAt).toBeCloseTo(Number(process.hrtime.bigint()) / 1e9, 0);
    expect([trace.endTime, trace.endedAfterMs]).toEqual([undefined, undefined]);
    const open = trace.durationMs;
    expect(trace.durationMs).toBeGreaterThanOrEqual(open);
    tracing.detach();
    expect(trace.endTime).toBe(trace.startTime + (trace.endedAfterMs as number) / 1_000);
    expect(trace.durationMs).toBe(trace.endedAfterMs);
  });

  it('[A-022] of the preset agentos has an id of 16 digits behind a prefix', () => {
    const agentos = new Tracing({ preset: 'agentos' });
    using trace = agentos.startTrace();
    expect([trace.name, trace.traceId]).toEqual(['', expect.stringMatching(/^trace-[0-9a-f]{16}$/)]);
  });

  it('[A-023] takes as long as its root span, and nothing without one', () => {
    const trace = tracing.newTrace('sums');
    expect(trace.totalDurationMs).toBe(0);
    const root = tracing.span('root');
    tracing.span('second').end();
    root.end();
    expect(trace.rootSpan).toBe(root);
    expect(trace.totalDurationMs).toBe(root.durationMs);
    tracing.detach();
  });

  it('[A-024 A-025] sums up cost and tokens of all its spans', () => {
    const trace = tracing.newTrace('sums');
    expect([trace.totalCostUsd, trace.totalTokens]).toEqual([0, 0]);
    for (const [inputTokens, outputTokens, costUsd] of [
      [10, 5, 0.25],
      [7, 0, 0.5],
    ] as const) {
      using span = tracing.span('llm');
      Object.assign(span, { inputTokens, outputTokens, costUsd });
    }
    tracing.span('no model').end();
    expect([trace.totalCostUsd, trace.totalTokens, trace.spanCount]).toEqual([0.75, 22, 3]);
    tracing.detach();
    const retained = find(trace.traceId);
    expect([retained?.totalCostUsd, retained?.totalTokens, retained?.spanCount]).toEqual([0.75, 22, 3]);
  });

  it('[A-026] as a map has exactly these keys, and shares nothing', () => {
    const trace = tracing.newTrace('map');
    tracing.span('a', { list: [1] }).end();
    const map = trace.toDict();
    expect(Object.keys(map)).toEqual(['trace_id', 'total_duration_ms', 'total_cost_usd', 'total_tokens', 'span_count', 'spans']);
    expect(map).toMatchObject({ trace_id: trace.traceId, total_cost_usd: 0, total_tokens: 0, span_count: 1 });
    expect(map.spans).toEqual([trace.spans[0]?.toDict()]);
    (map.spans[0] as { attributes: { list: number[] } }).attributes.list.push(2);
    expect(trace.spans[0]?.attributes).toEqual({ list: [1] });
    tracing.detach();
    const retained = find(trace.traceId);
    expect(retained?.toDict()).toEqual({
      ...trace.toDict(),
      total_duration_ms: expect.closeTo(trace.totalDurationMs, 5),
      spans: [{ ...trace.spans[0]?.toDict(), duration_ms: expect.closeTo(trace.spans[0]?.durationMs ?? 0, 5) }],
    });
    expect(JSON.parse(JSON.stringify(trace))).toMatchObject({ traceId: trace.traceId, name: 'map', failed: false, spans: [{ name: 'a' }] });
  });

  it('has failed when any of its spans has', () => {
    for (const status of ['ok', 'error', 'timeout'] as const) {
      const trace = tracing.newTrace('status');
      tracing.span('fine').end();
      tracing.span('other').setStatus(status).end();
      expect(trace.failed).toBe(status !== 'ok');
      tracing.detach();
      expect(find(trace.traceId)?.failed).toBe(status !== 'ok');
    }
  });

  it('keeps 1,000 spans, counts those beyond, and still adds them up', () => {
    const trace = tracing.newTrace('many');
    for (let n = 0; n < 1_200; n++) {
      const span = tracing.tracer.startSpan('llm', { attributes: { 'llm.cost_usd': 1, 'llm.tokens_in': 2 } });
      if (n === 1_199) span.setStatus('error');
      span.end();
    }
    expect([trace.spans.length, trace.droppedSpans, trace.spanCount]).toEqual([1_000, 200, 1_200]);
    expect([trace.totalCostUsd, trace.totalTokens, trace.failed]).toEqual([1_200, 2_400, true]);
    tracing.detach();
    expect(find(trace.traceId)?.spanCount).toBe(1_200);
  });
});

describe('spans of a trace object', () => {
  it('[H-53 H-54 A-037] are listed in the order of their start while they are open, and know their parents', () => {
    const trace = tracing.newTrace('nested');
    {
      using outer = tracing.span('outer', { step: 1 });
      expect(names(trace)).toEqual(['outer']);
      {
        using inner = tracing.span('inner');
        expect([outer.parentId, inner.parentId, inner.traceId]).toEqual([undefined, outer.spanId, trace.traceId]);
        expect(outer.attributes).toEqual({ step: 1 });
      }
      using after = tracing.span('after');
      expect(after.parentId).toBe(outer.spanId);
    }
    expect(names(trace)).toEqual(['outer', 'inner', 'after']);
    expect(trace.spans.every((span) => span.hasEnded)).toBe(true);
    tracing.detach();
  });

  it('[H-53] end with their body, also with one that throws: the error is recorded and goes on', async () => {
    const trace = tracing.newTrace('bodies');
    const error = new Error('no');
    expect(tracing.span('fine', {}, () => 7)).toBe(7);
    expect(() =>
      tracing.span('throws', {}, () => {
        throw error;
      }),
    ).toThrow(error);
    await expect(tracing.span('rejects', {}, async () => Promise.reject(error))).rejects.toBe(error);
    expect(trace.spans.map(({ status, hasEnded }) => [status, hasEnded])).toEqual([
      ['unset', true],
      ['error', true],
      ['error', true],
    ]);
    tracing.detach();
  });

  it('[H-53] outside of any trace are usable, and recorded by nobody', async () => {
    const seen = vi.fn();
    const own = new Tracing({ spanQueue: { destinations: new Set(), putNowait: seen } as never });
    const { 0: span } = [own.span('alone', { a: 1 })];
    expect(getCurrentTraceId()).toBeUndefined();
    span.setAttribute('b', 2).end();
    span.end();
    expect([span.attributes, span.hasEnded, span.traceId.length]).toEqual([{ a: 1, b: 2 }, true, 32]);
    const error = new Error('no');
    let failed: { status: string } | undefined;
    await expect(
      own.span('alone', {}, async (one) => {
        failed = one;
        throw error;
      }),
    ).rejects.toBe(error);
    expect([failed?.status, own.span('alone', {}, () => 3)]).toEqual(['error', 3]);
    expect([own.getRecent(), seen.mock.calls]).toEqual([[], []]);
    own.trace('recorded', () => undefined);
    expect(seen).toHaveBeenCalledTimes(1);
  });

  it('of another trace, taken from a message, are not its own', () => {
    const trace = tracing.newTrace('mine');
    const foreign = tracing.messages.startReceiveSpan({ type: 'x', traceId: 'a'.repeat(32), spanId: 'b'.repeat(16) });
    const consumed = tracing.messages.traceConsume('c', { carrier: { traceparent: `00-${'c'.repeat(32)}-${'d'.repeat(16)}-01` } });
    consumed.end();
    foreign.end();
    expect(trace.spans).toEqual([]);
    tracing.detach();
    expect(find('a'.repeat(32))?.spans.map(({ name }) => name)).toEqual(['recv x']);
    expect(find('c'.repeat(32))?.spans.map(({ name }) => name)).toEqual(['consume c']);
  });
});

describe('the current trace', () => {
  it('[H-55 H-56] is the one that was begun, until it is detached', () => {
    expect(tracing.currentTrace()).toBeUndefined();
    const trace = tracing.newTrace('chat');
    expect(tracing.currentTrace()).toBe(trace);
    expect(getCurrentTraceId()).toBe(trace.traceId);
    tracing.detach();
    expect(tracing.currentTrace()).toBeUndefined();
    expect(getCurrentTraceId()).toBeUndefined();
  });

  it('[H-57] can be attached where a request arrives, with the id that came with it', () => {
    const hearthnet = new Tracing({ preset: 'hearthnet' });
    const id = '01ARZ3NDEKTSV4RRFFQ69G5FAV';
    const trace = hearthnet.newTrace('serve', { traceId: id });
    expect([trace.traceId, getCurrentTraceId('ulid')]).toEqual([id, id]);
    const other = hearthnet.newTrace('other');
    hearthnet.attach(trace);
    expect(hearthnet.currentTrace()).toBe(trace);
    hearthnet.detach();
    other[Symbol.dispose]();
    hearthnet.attach(trace); // It is over.
    expect(hearthnet.currentTrace()).toBeUndefined();
    expect(getCurrentTraceId()).toBeUndefined();
    expect(find(id, hearthnet)?.capability).toBe('serve');
  });

  it('begins afresh for an id that is none, and keeps that beside', () => {
    const trace = tracing.newTrace('serve', { traceId: 'request 7' });
    expect(trace.traceId).toMatch(/^[0-9a-f]{32}$/);
    expect(getCurrentTraceId()).toBe('request 7');
    tracing.detach();
  });

  it('[H-57 H-86] is each branch’s own: neither siblings nor the caller see it', async () => {
    const seen: boolean[] = [];
    const branch = async (name: string): Promise<void> => {
      const trace = tracing.newTrace(name);
      await turn();
      seen.push(tracing.currentTrace() === trace);
      using _span = tracing.span(`in ${name}`);
      await turn();
      seen.push(tracing.currentTrace() === trace, trace.spans.length === 1);
      tracing.detach();
      seen.push(tracing.currentTrace() === undefined);
    };
    await Promise.all(['a', 'b', 'c'].map((name) => forkContext(() => branch(name))));
    expect(tracing.currentTrace()).toBeUndefined();
    expect(seen).toEqual(Array(12).fill(true));
    // The same without forks: what leaks into the caller before the first `await` is nobody's current trace after its end.
    seen.length = 0;
    await Promise.all(['a', 'b', 'c'].map(branch));
    expect(tracing.currentTrace()).toBeUndefined();
    expect(seen).toEqual(Array(12).fill(true));
  });

  it('[H-57] holds for a function and what it starts, and goes on afterwards', async () => {
    const trace = tracing.newTrace('outside');
    const run = tracing.runWithTrace(trace, async () => {
      await turn();
      return tracing.currentTrace();
    });
    tracing.detach();
    expect(tracing.currentTrace()).toBeUndefined();
    expect(await run).toBeUndefined(); // It has ended meanwhile.
    const second = forkContext(() => tracing.newTrace('second'));
    expect(tracing.currentTrace()).toBeUndefined();
    expect(tracing.runWithTrace(second, () => tracing.currentTrace())).toBe(second);
    expect(second.endedAfterMs).toBeUndefined();
    second[Symbol.dispose]();
  });
});

describe('a trace that has ended', () => {
  it('is kept alive neither by code that waits in its context nor by spans of it', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    let goOn: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    const own = new Tracing();
    const waiting: Promise<string | undefined>[] = [];
    const begin = (): WeakRef<OpenTrace>[] =>
      [own.startTrace('scoped', (trace) => trace), own.newTrace('attached')].map((trace) => {
        for (let n = 0; n < 20; n++) {
          const wait = async (): Promise<string | undefined> => {
            await gate;
            return own.currentTrace()?.name;
          };
          waiting.push(
            own.runWithTrace(trace, wait),
            own.runWithTrace(trace, () => own.span('open', {}, wait)),
          );
        }
        trace[Symbol.dispose]();
        return new WeakRef(trace);
      });
    const traces = begin();
    for (let round = 0; round < 5; round++) {
      await turn();
      collect();
    }
    expect(traces.map((trace) => trace.deref()?.name)).toEqual([undefined, undefined]);
    goOn();
    expect(new Set(await Promise.all(waiting))).toEqual(new Set([undefined]));
  });
});

describe('detach', () => {
  const lines: [object, string][] = [];
  const logger: TraceLogger = { info: (fields, message) => void lines.push([fields, message]) };

  it('[H-58] ends the trace with its open spans, says `done` once, and retains it once', () => {
    const own = new Tracing({ logger });
    const trace = own.newTrace('chat');
    const outer = own.span('outer');
    const inner = own.span('inner').setStatus('error', 'late');
    own.detach();
    own.detach();
    expect([outer.hasEnded, inner.hasEnded, own.currentTrace()]).toEqual([true, true, undefined]);
    const { traceId: trace_id, durationMs: ms } = trace;
    expect(lines.splice(0)).toEqual([[{ trace_id, capability: 'chat', ms, spans: 2, status: 'error' }, 'done']]);
    expect(own.getRecent().map(({ traceId, name, spanCount }) => [traceId, name, spanCount])).toEqual([[trace_id, 'chat', 2]]);
    trace.end();
    expect([own.getRecent().length, own.traceCount, lines]).toEqual([1, 1, []]);
  });

  it('[H-58] ends it once, also when its end is what ends it', () => {
    const own = new Tracing();
    own.provider.addProcessor({ onEnd: () => own.detach() });
    own.newTrace('chat');
    own.span('a');
    own.span('b');
    own.detach();
    expect([own.traceCount, own.getRecent().map(names)]).toEqual([1, [['a', 'b']]]);
  });

  it('[H-58] without a trace does nothing, and a logger that throws is nobody’s concern', () => {
    const own = new Tracing({
      logger: {
        info() {
          throw new Error('full');
        },
      },
    });
    own.detach();
    own.newTrace('a');
    own.detach();
    expect([own.traceCount, own.getRecent().length]).toEqual([1, 1]);
  });
});

describe('retained traces', () => {
  it('[H-59] are the last ones that were completed, newest last, all of them when more are asked for', () => {
    const own = new Tracing();
    for (let n = 0; n < 120; n++) {
      own.newTrace(`t${n}`);
      own.span('work').end();
      own.detach();
    }
    const newest = (count: number): string[] => Array.from({ length: count }, (_, n) => `t${120 - count + n}`);
    const recent = (count?: number): string[] => own.getRecent(count).map(({ name }) => name);
    expect([recent(3), recent(), recent(1_000)]).toEqual([newest(3), newest(100), newest(120)]);
    expect([recent(0), recent(-1), recent(Number.NaN)]).toEqual([[], [], []]);
    expect(recent(2.9)).toEqual(newest(2));
    expect(recent(Number.POSITIVE_INFINITY)).toEqual(newest(120));
  });

  it('[H-59] have ended: one that is under way is not among them, whatever of it has', () => {
    const own = new Tracing();
    own.newTrace('running');
    own.span('first').end();
    own.span('second').end();
    expect(own.getRecent()).toEqual([]);
    own.detach();
    expect(own.getRecent().map(names)).toEqual([['first', 'second']]);
  });

  it('are those of a sampler that decides as for any other root', () => {
    const off = new Tracing({ provider: new TracerProvider({ sampler: parentBasedSampler({ root: ALWAYS_OFF }) }) });
    const trace = off.startTrace('unsampled', (one) => {
      off.trace('work', (span) => expect(span.isRecording()).toBe(false));
      return one;
    });
    expect([trace.spans, off.getRecent().map(({ name, spanCount }) => [name, spanCount])]).toEqual([[], [['unsampled', 0]]]);
    const never = new Tracing({ provider: new TracerProvider({ sampler: ALWAYS_OFF }) });
    never.startTrace('off').end();
    expect([never.getRecent(), never.traceCount]).toEqual([[], 1]);
  });

  it('are given back when the provider is shut down; nothing fails then', async () => {
    const own = new Tracing();
    const open = own.newTrace('open');
    own.startTrace('done').end();
    await own.provider.shutdown();
    expect(own.span('late').isRecording()).toBe(false);
    own.detach();
    expect([own.getRecent(), open.endTime !== undefined]).toEqual([[], true]);
  });

  it('[H-59] of spans without a trace object are named after their root', () => {
    const own = new Tracing();
    own.trace('GET /', (root) => own.trace('query', () => root.setAttribute('route', '/')));
    const [trace] = own.getRecent();
    expect([trace?.name, trace && names(trace), trace?.rootSpan?.attributes]).toEqual(['GET /', ['GET /', 'query'], { route: '/' }]);
    expect(trace?.spans[1]?.parentId).toBe(trace?.rootSpan?.spanId);
  });

  it('[H-61 A-076] are 10,000 at most, 1,000 with the preset agentos: the oldest gives way', () => {
    expect(TRACE_RING_BUFFER).toBe(10_000);
    for (const [own, most] of [
      [new Tracing(), 10_000],
      [new Tracing({ preset: 'agentos' }), 1_000],
      [new Tracing({ retainedTraces: 5 }), 5],
    ] as const) {
      for (let n = 0; n < most + 3; n++) {
        own.startTrace(`t${n}`).end();
        if (n % 2_000 === 0) own.getRecent(1); // Drains the ring, whose room is not what is tested here.
      }
      const all = own.getRecent(20_000);
      expect([all.length, all[0]?.name, all.at(-1)?.name]).toEqual([most, 't3', `t${most + 2}`]);
    }
  });

  it('tell of a span what was recorded: kinds, status, events, model', () => {
    const own = new Tracing({ preset: 'agentos' });
    own.startTrace('agent', () => {
      const span = own.startSpan('chat', 'llm', { big: 12n });
      Object.assign(span, { modelName: 'm-1', inputTokens: 3, outputTokens: 4, costUsd: 0.5 });
      span.addEvent('chunk', { n: 1 });
      span.recordException(new TypeError('bad'));
      span.end();
    });
    const span = own.getRecent()[0]?.rootSpan;
    expect(span).toMatchObject({ agentKind: 'llm', kind: 'internal', status: 'error', statusMessage: 'bad', modelName: 'm-1' });
    expect([span?.inputTokens, span?.outputTokens, span?.costUsd, span?.attributes.big]).toEqual([3, 4, 0.5, 12]);
    expect(span?.events.map(({ name, attributes }) => [name, attributes.n])).toEqual([
      ['chunk', 1],
      ['exception', undefined],
    ]);
    expect(span?.spanId).toMatch(/^span-[0-9a-f]{12}$/);
    expect(span?.toDict()).toMatchObject({ kind: 'llm', model_name: 'm-1', status: 'error', parent_id: null });
  });
});

describe('startTrace', () => {
  const agentos = new Tracing({ preset: 'agentos' });

  it('[A-029] gives a trace with a fresh id and its name, which is current for the body', async () => {
    const ids = new Set<string>();
    const result = await agentos.startTrace('answer', async (trace) => {
      ids.add(trace.traceId);
      await turn();
      expect([trace.name, agentos.currentTrace()]).toEqual(['answer', trace]);
      return 7;
    });
    expect([result, agentos.currentTrace()]).toEqual([7, undefined]);
    using again = agentos.startTrace('answer');
    expect(ids.has(again.traceId)).toBe(false);
    expect(agentos.currentTrace()).toBe(again);
  });

  it('[A-030] gives the place back to the trace before, after success and after an error', () => {
    const error = new Error('no');
    using outer = agentos.startTrace('outer');
    {
      using inner = agentos.startTrace('inner');
      expect(agentos.currentTrace()).toBe(inner);
    }
    agentos.startTrace('ended').end();
    expect(agentos.currentTrace()).toBe(outer);
    agentos.startTrace('scoped', (scoped) => {
      expect(() =>
        agentos.startTrace('fails', () => {
          throw error;
        }),
      ).toThrow(error);
      expect(agentos.currentTrace()).toBe(scoped);
    });
    expect([agentos.currentTrace(), outer.endedAfterMs]).toEqual([outer, undefined]);
  });

  it('[A-030 H-86] keeps concurrent traces apart', async () => {
    const run = (name: string): Promise<string[]> =>
      agentos.startTrace(name, async (trace) => {
        for (let n = 0; n < 3; n++) {
          using _span = agentos.startSpan(`${name}${n}`);
          await turn();
        }
        expect(agentos.currentTrace()).toBe(trace);
        return names(trace);
      });
    expect(await Promise.all([run('a'), run('b')])).toEqual([
      ['a0', 'a1', 'a2'],
      ['b0', 'b1', 'b2'],
    ]);
  });

  it('[A-031] has the span that was started first as its root, none without spans', () => {
    const traces: OpenTrace[] = [];
    agentos.startTrace('empty', (trace) => traces.push(trace));
    agentos.startTrace('two', (trace) => {
      traces.push(trace);
      agentos.startSpan('first').end();
      agentos.startSpan('second').end();
    });
    expect(traces.map(({ rootSpan }) => rootSpan?.name)).toEqual([undefined, 'first']);
  });

  it('starts spans whose parent is in the same trace', () => {
    using outside = agentos.startSpan('outside');
    using trace = agentos.startTrace('nested');
    using inside = agentos.startSpan('inside');
    expect([inside.parentId, inside.traceId, outside.traceId === trace.traceId]).toEqual([undefined, trace.traceId, false]);
  });

  it('[A-032 A-033] counts each trace, then gives it to every exporter in turn, whatever one of them does', async () => {
    const own = new Tracing({ preset: 'agentos' });
    const before = spansDropped('exporter');
    const seen: unknown[] = [];
    own.addExporter((trace) => seen.push(['first', trace.name, trace.rootSpan?.name, own.traceCount]));
    own.addExporter(() => {
      throw new Error('no');
    });
    own.addExporter(async () => Promise.reject(new Error('no')));
    const stop = own.addExporter((trace) => seen.push(['last', trace.name, trace.failed, trace.endTime !== undefined]));
    own.startTrace('one', () => own.startSpan('root').end());
    expect(() =>
      own.startTrace('two', () =>
        own.startSpan('root', {}, () => {
          throw new Error('body');
        }),
      ),
    ).toThrow('body');
    stop();
    own.startTrace('three').end();
    await turn();
    expect(seen).toEqual([
      ['first', 'one', 'root', 1],
      ['last', 'one', false, true],
      ['first', 'two', 'root', 2],
      ['last', 'two', true, true],
      ['first', 'three', undefined, 3],
    ]);
    expect([own.traceCount, spansDropped('exporter') - before]).toEqual([3, 6]);
    expect(() => own.addExporter('no' as never)).toThrow(expect.objectContaining({ code: 'KYMO_CONFIG_VALUE' }));
  });
});

describe('trace(operation)', () => {
  const converge = new Tracing({ preset: 'converge' });

  it('[C-30] gives a span of that name that is current until it is left', () => {
    {
      using span = converge.trace('load');
      expect([span.name, getCurrentTraceId('uuid')]).toEqual(['load', span.traceId]);
      expect(span.traceId).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
      using child = converge.trace('step', { n: 1 });
      expect([child.parentId, child.attributes]).toEqual([span.spanId, { n: 1 }]);
    }
    expect(getCurrentTraceId()).toBeUndefined();
    expect(converge.trace('load', (span) => span.name)).toBe('load');
    expect(converge.trace('load', { a: 1 }, (span) => span.attributes)).toEqual({ a: 1 });
  });

  it('[C-31] goes on with the current trace, also one without a span', () => {
    converge.startTrace('around', (trace) => {
      expect(converge.trace('inside', (span) => span.traceId)).toBe(trace.traceId);
    });
  });

  it('[C-32] begins a trace where there is none, which is current for the body', async () => {
    const ids = await converge.trace('begin', async (span) => {
      await turn();
      return [span.traceId, getCurrentTraceId('uuid')];
    });
    expect(ids[0]).toBe(ids[1]);
    expect(converge.trace('another', (span) => span.traceId)).not.toBe(ids[0]);
  });

  it('[C-33] leaves the trace that was current before as it was, after success and error, in concurrent branches', async () => {
    const error = new Error('no');
    expect(() =>
      converge.trace('fails', () => {
        throw error;
      }),
    ).toThrow(error);
    expect(getCurrentTraceId()).toBeUndefined();
    const branches = await Promise.all(
      ['a', 'b'].map((name) =>
        converge.trace(name, async (span) => {
          await turn();
          const first = getCurrentTraceId('uuid') === span.traceId;
          await converge.trace('inside', turn);
          return first && getCurrentTraceId('uuid') === span.traceId;
        }),
      ),
    );
    expect([branches, getCurrentTraceId()]).toEqual([[true, true], undefined]);
  });
});
