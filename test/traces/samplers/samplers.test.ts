// Samplers: what they keep, for whom they are asked, what they write into tracestate, and how they are named.
import { describe, expect, it, vi } from 'vitest';
import { Context, type Extra, FLAG_SAMPLED } from '../../../src/context/context.js';
import { newTraceWords } from '../../../src/context/ids.js';
import { remoteContext } from '../../../src/context/traceparent.js';
import { samplerFromEnvironment, samplerOf } from '../../../src/traces/samplers/named.js';
import { parentBasedSampler } from '../../../src/traces/samplers/parent-based.js';
import { rateLimitingSampler } from '../../../src/traces/samplers/rate-limiting.js';
import { consistentSampler, ratioSampler, validateSampleRate } from '../../../src/traces/samplers/ratio.js';
import { rulesSampler } from '../../../src/traces/samplers/rules.js';
import { ALWAYS_OFF, ALWAYS_ON, DROP, RECORD, SAMPLE, type Sampler, type SamplingResult } from '../../../src/traces/samplers/sampler.js';

const TRACE = { t0: 1, t1: 2, t2: 3, t3: 4 };

/** A trace id with these low 56 bits. */
function traceOf(digits: string): typeof TRACE {
  const padded = digits.padEnd(14, '0');
  return { t0: 1, t1: 1, t2: Number.parseInt(padded.slice(0, 6), 16), t3: Number.parseInt(padded.slice(6), 16) | 0 };
}

function remote(flags: number, traceState = '', trace = TRACE): Context {
  const context = remoteContext(trace.t0, trace.t1, trace.t2, trace.t3, 5, 6, flags);
  (context.state as Extra).traceState = traceState;
  return context;
}

function local(flags: number): Context {
  return new Context(1, 2, 3, 4, (7 << 2) | flags);
}

function ask(sampler: Sampler, parent?: Context, trace = TRACE, name = 'span', attributes?: Record<string, unknown>): SamplingResult {
  return sampler.shouldSample(parent, trace, name, 'internal', attributes, undefined);
}

describe('the samplers always on and always off', () => {
  it('say the same of every span, whatever its parent was', () => {
    for (const parent of [undefined, local(0), local(1), remote(0), remote(1)]) {
      expect(ask(ALWAYS_ON, parent)).toBe(SAMPLE);
      expect(ask(ALWAYS_OFF, parent)).toBe(DROP);
    }
    expect([String(ALWAYS_ON), String(ALWAYS_OFF)]).toEqual(['AlwaysOn', 'AlwaysOff']);
  });
});

describe('the parent-based sampler', () => {
  it('asks another sampler in each of five positions [L-199]', () => {
    const results = Array.from({ length: 5 }, () => ({ ...RECORD }));
    const [root, remoteParentSampled, remoteParentNotSampled, localParentSampled, localParentNotSampled] = results.map(
      (result): Sampler => ({ shouldSample: () => result, toString: () => 'S' }),
    ) as [Sampler, Sampler, Sampler, Sampler, Sampler];
    const sampler = parentBasedSampler({
      root,
      remoteParentSampled,
      remoteParentNotSampled,
      localParentSampled,
      localParentNotSampled,
    });
    expect([undefined, remote(1), remote(0), local(1), local(0)].map((parent) => results.indexOf(ask(sampler, parent) as never))).toEqual([
      0, 1, 2, 3, 4,
    ]);
  });

  it('follows the parent where nothing else is said, and treats one without a valid span as none [L-199]', () => {
    const sampler = parentBasedSampler({ root: ALWAYS_OFF });
    expect([undefined, remote(1), remote(0), local(1), local(0)].map((parent) => ask(sampler, parent).decision)).toEqual([
      'drop',
      'sample',
      'drop',
      'sample',
      'drop',
    ]);
    const bareTrace = new Context(1, 2, 3, 4, 0);
    expect(ask(parentBasedSampler({ root: ALWAYS_ON, localParentNotSampled: ALWAYS_OFF }), bareTrace)).toBe(SAMPLE);
  });

  it('tells unknown flags from sampled bit by bit', () => {
    const sampler = parentBasedSampler({ root: ALWAYS_OFF });
    expect([0b10, 0b11].map((flags) => ask(sampler, remote(flags)).decision)).toEqual(['drop', 'sample']);
  });

  it('passes a threshold on, and erases one that the flag contradicts', () => {
    const sampler = parentBasedSampler({ root: ALWAYS_ON });
    const high = traceOf('ffffffffffffff');
    const low = traceOf('0');
    expect(ask(sampler, remote(FLAG_SAMPLED, 'ot=th:8,a=1', high), high)).toBe(SAMPLE);
    expect(ask(sampler, remote(FLAG_SAMPLED, 'a=1', high), high)).toBe(SAMPLE);
    expect(ask(sampler, remote(FLAG_SAMPLED, 'b=2,ot=th:8;k:v,a=1', low), low)).toEqual({ ...SAMPLE, traceState: 'ot=k:v,b=2,a=1' });
    expect(ask(sampler, remote(FLAG_SAMPLED, 'ot=th:8', low), low)).toEqual({ ...SAMPLE, traceState: '' });
    expect(ask(sampler, remote(0, 'ot=th:8', high), high)).toEqual({ ...DROP, traceState: '' });
    expect(ask(sampler, remote(0, 'ot=th:8', low), low)).toBe(DROP);
    expect(ask(sampler, remote(FLAG_SAMPLED, 'ot=th:8;rv:ffffffffffffff', low), low)).toBe(SAMPLE);
  });

  it('names all its parts', () => {
    expect(String(parentBasedSampler({ root: ratioSampler(0.5) }))).toBe(
      'ParentBased{root=TraceIdRatioBased{0.5},remoteParentSampled=AlwaysOn,remoteParentNotSampled=AlwaysOff,localParentSampled=AlwaysOn,localParentNotSampled=AlwaysOff}',
    );
  });
});

describe('the ratio sampler', () => {
  it('keeps the share it is given, by the low 56 bits of the trace id [L-200]', () => {
    const half = ratioSampler(0.5);
    expect(ask(half, undefined, traceOf('7fffffffffffff'))).toBe(DROP);
    expect(ask(half, undefined, traceOf('80000000000000'))).toBe(SAMPLE);
    expect(ask(half, undefined, { ...traceOf('80000000000000'), t0: -1, t1: 99 })).toBe(SAMPLE);
    const words = { t0: 0, t1: 0, t2: 0, t3: 0 };
    for (const ratio of [0.1, 0.5, 0.9]) {
      const sampler = ratioSampler(ratio);
      let kept = 0;
      for (let trial = 0; trial < 20_000; trial++) {
        newTraceWords(words);
        if (ask(sampler, undefined, words) === SAMPLE) kept++;
      }
      expect(Math.abs(kept / 20_000 - ratio)).toBeLessThan(0.02);
    }
  });

  it('keeps with a higher ratio all that it keeps with a lower one, and what the consistent one keeps', () => {
    const words = { t0: 0, t1: 0, t2: 0, t3: 0 };
    for (let trial = 0; trial < 5_000; trial++) {
      newTraceWords(words);
      const kept = [0.05, 0.2, 0.21, 0.7].map((ratio) => ask(ratioSampler(ratio), undefined, words) === SAMPLE);
      expect([...kept].sort()).toEqual(kept);
      expect(ask(consistentSampler(0.2), undefined, words).decision === 'sample').toBe(kept[1]);
    }
  });

  it('keeps all at 1 and none at 0, and refuses what lies outside [L-201]', () => {
    expect(ask(ratioSampler(1), undefined, traceOf('0'))).toBe(SAMPLE);
    expect(ask(ratioSampler(0), undefined, traceOf('ffffffffffffff'))).toBe(DROP);
    expect([0, 0.3, 1].map((rate) => validateSampleRate(rate))).toEqual([0, 0.3, 1]);
    for (const rate of [-0.01, 1.01, Number.NaN, Number.POSITIVE_INFINITY, '0.5' as never, undefined as never]) {
      expect(() => validateSampleRate(rate)).toThrow(expect.objectContaining({ code: 'KYMO_CONFIG_VALUE' }));
      expect(() => ratioSampler(rate)).toThrow('KYMO_CONFIG_VALUE');
    }
  });
});

describe('the consistent probability sampler', () => {
  it('writes its threshold into the tracestate of what it keeps, beside what is there', () => {
    const sampler = consistentSampler(0.25);
    expect(ask(sampler, undefined, traceOf('c'))).toEqual({ decision: 'sample', traceState: 'ot=th:c' });
    expect(ask(sampler, undefined, traceOf('bfffffffffffff'))).toBe(DROP);
    const parent = remote(0, 'a=1,ot=th:8;k:v', traceOf('c'));
    expect(ask(sampler, parent, traceOf('c'))).toEqual({ decision: 'sample', traceState: 'ot=th:c;k:v,a=1' });
    expect(ask(sampler, parent, traceOf('0'))).toEqual({ decision: 'drop', traceState: 'ot=k:v,a=1' });
    expect(ask(sampler, remote(0, 'a=1'), traceOf('0'))).toBe(DROP);
    expect(ask(consistentSampler(1), undefined, traceOf('0'))).toEqual({ decision: 'sample', traceState: 'ot=th:0' });
    expect(ask(consistentSampler(0), undefined, traceOf('ffffffffffffff'))).toBe(DROP);
  });

  it('goes by the randomness that came in tracestate, and never changes it', () => {
    const sampler = consistentSampler(0.5);
    expect(ask(sampler, remote(0, 'ot=rv:80000000000000'), traceOf('0'))).toEqual({
      decision: 'sample',
      traceState: 'ot=th:8;rv:80000000000000',
    });
    expect(ask(sampler, remote(0, 'ot=rv:7fffffffffffff'), traceOf('ffffffffffffff'))).toBe(DROP);
    // An invalid one counts as none and is not sent on.
    expect(ask(sampler, remote(0, 'ot=rv:8'), traceOf('f'))).toEqual({ decision: 'sample', traceState: 'ot=th:8' });
  });

  it('takes a precision of 1 to 12 digits', () => {
    expect(ask(consistentSampler(0.1, { precision: 3 }), undefined, traceOf('f')).traceState).toBe('ot=th:e66');
    expect(ask(consistentSampler(0.1), undefined, traceOf('f')).traceState).toBe('ot=th:e666');
    for (const precision of [0, 13, 1.5]) expect(() => consistentSampler(0.1, { precision })).toThrow('KYMO_CONFIG_VALUE');
  });
});

describe('the rate limiting sampler', () => {
  it('keeps so many traces per second, and a second of them after a pause [L-202]', () => {
    let ms = 1_000;
    const sampler = rateLimitingSampler(10, () => ms);
    const keptOf = (asked: number): number =>
      Array.from({ length: asked }, () => ask(sampler)).filter((result) => result === SAMPLE).length;
    expect(keptOf(100)).toBe(10);
    ms += 100;
    expect(keptOf(100)).toBe(1);
    ms += 60_000;
    expect(keptOf(100)).toBe(10);
    ms -= 5_000; // A clock that goes back gives nothing.
    expect(keptOf(100)).toBe(0);
    let total = 0;
    for (let step = 0; step < 1_000; step++) {
      ms += 10;
      total += keptOf(3);
    }
    expect(total).toBe(100);
  });

  it('takes fractions, which are one trace in several seconds, and refuses other rates [L-202]', () => {
    let ms = 0;
    const sampler = rateLimitingSampler(0.5, () => ms);
    expect([ask(sampler), ask(sampler)]).toEqual([SAMPLE, DROP]);
    ms = 1_999;
    expect(ask(sampler)).toBe(DROP);
    ms = 2_001;
    expect(ask(sampler)).toBe(SAMPLE);
    for (const rate of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) expect(() => rateLimitingSampler(rate)).toThrow('KYMO_CONFIG_VALUE');
  });
});

describe('the rules sampler', () => {
  it('asks the sampler of the first rule that holds', () => {
    const sampler = rulesSampler(
      [
        { name: 'GET /health*', sampler: ALWAYS_OFF },
        { name: /^cron\./g, attributes: { tenant: 'a', urgent: true }, sampler: ALWAYS_OFF },
        { attributes: { route: /^\/slow/ }, sampler: { shouldSample: () => RECORD, toString: () => 'Record' } },
        { kind: 'server', sampler: ALWAYS_OFF },
      ],
      ALWAYS_ON,
    );
    const of = (name: string, attributes?: Record<string, unknown>): string => ask(sampler, undefined, TRACE, name, attributes).decision;
    expect(of('GET /healthz')).toBe('drop');
    expect(of('GET /health')).toBe('drop');
    expect(of('xGET /health')).toBe('sample');
    for (let time = 0; time < 3; time++) expect(of('cron.a', { tenant: 'a', urgent: true })).toBe('drop');
    expect(of('cron.a', { tenant: 'a', urgent: 1 })).toBe('sample');
    expect(of('x', { route: '/slow/1' })).toBe('record');
    expect(of('x', { route: 7 })).toBe('sample');
    expect(sampler.shouldSample(undefined, TRACE, 'x', 'server', undefined, undefined)).toBe(DROP);
    expect(String(sampler)).toBe('Rules{AlwaysOff,AlwaysOff,Record,AlwaysOff,AlwaysOn}');
  });

  it('takes characters of expressions in a text as they are, and refuses a rule without a sampler', () => {
    const sampler = rulesSampler([{ name: 'a.b(*)[1]', sampler: ALWAYS_OFF }]);
    expect(ask(sampler, undefined, TRACE, 'a.b(x\ny)[1]')).toBe(DROP);
    expect(ask(sampler, undefined, TRACE, 'aXb(x)[1]')).toBe(SAMPLE);
    expect(() => rulesSampler([{ name: 'x' } as never])).toThrow('KYMO_CONFIG_VALUE');
  });

  it('hands all it was asked to the sampler it chose', () => {
    const shouldSample = vi.fn(() => SAMPLE);
    const links = [{}];
    const attributes = { a: 1 };
    const parent = local(1);
    rulesSampler([{ sampler: { shouldSample, toString: () => '' } }]).shouldSample(parent, TRACE, 'n', 'client', attributes, links);
    expect(shouldSample).toHaveBeenCalledWith(parent, TRACE, 'n', 'client', attributes, links);
  });
});

describe('a sampler by its name', () => {
  it('is one of the types, with rate and limit of the options, and follows the parent [L-198 L-199 L-200 L-202]', () => {
    expect(samplerOf({ samplerType: 'always_on' })).toBe(ALWAYS_ON);
    expect(samplerOf({ samplerType: 'always_off' })).toBe(ALWAYS_OFF);
    expect(String(samplerOf({ samplerType: 'probability', sampleRate: 0.3 }))).toMatch(/^ParentBased\{root=TraceIdRatioBased\{0\.3\}/);
    expect(String(samplerOf({ samplerType: 'rate_limiting', maxTracesPerSecond: 7 }))).toMatch(/^ParentBased\{root=RateLimiting\{7\}/);
    expect(String(samplerOf({ samplerType: 'rate_limiting' }))).toMatch(/RateLimiting\{100\}/);
    expect(ask(samplerOf())).toBe(SAMPLE);
    expect(ask(samplerOf(), remote(0))).toBe(DROP);
    for (const bad of [
      { sampleRate: 2 },
      { samplerType: 'x' as never },
      { samplerType: 'rate_limiting', maxTracesPerSecond: 0 },
    ] as const) {
      expect(() => samplerOf(bad)).toThrow('KYMO_CONFIG_VALUE');
    }
  });

  it.each([
    [undefined, undefined, /^ParentBased\{root=AlwaysOn,/],
    ['', '', /^ParentBased\{root=AlwaysOn,/],
    ['always_on', undefined, /^AlwaysOn$/],
    ['always_off', 'x', /^AlwaysOff$/],
    ['traceidratio', '0.25', /^TraceIdRatioBased\{0\.25\}$/],
    ['traceidratio', undefined, /^TraceIdRatioBased\{1\}$/],
    ['parentbased_always_on', undefined, /^ParentBased\{root=AlwaysOn,/],
    ['parentbased_always_off', undefined, /^ParentBased\{root=AlwaysOff,/],
    ['parentbased_traceidratio', ' 0.5 ', /^ParentBased\{root=TraceIdRatioBased\{0\.5\},/],
    ['consistent_probability', '0.5', /^ConsistentProbability\{0\.5\}$/],
    ['parentbased_rate_limiting', '5', /^ParentBased\{root=RateLimiting\{5\},/],
  ])('of OTEL_TRACES_SAMPLER=%s with argument %s is %s', (name, argument, expected) => {
    const { sampler, problem } = samplerFromEnvironment(name, argument);
    expect(String(sampler)).toMatch(expected);
    expect(problem).toBeUndefined();
  });

  it.each([
    ['jaeger_remote', undefined, /^ParentBased\{root=AlwaysOn,/, 'OTEL_TRACES_SAMPLER="jaeger_remote"'],
    ['toString', undefined, /^ParentBased\{root=AlwaysOn,/, 'OTEL_TRACES_SAMPLER="toString"'],
    ['traceidratio', '1.5', /^TraceIdRatioBased\{1\}$/, 'OTEL_TRACES_SAMPLER_ARG="1.5"'],
    ['parentbased_traceidratio', 'many', /^ParentBased\{root=TraceIdRatioBased\{1\},/, 'OTEL_TRACES_SAMPLER_ARG="many"'],
  ])('of OTEL_TRACES_SAMPLER=%s with argument %s is the default, and says what is wrong', (name, argument, expected, problem) => {
    const found = samplerFromEnvironment(name, argument);
    expect(String(found.sampler)).toMatch(expected);
    expect(found.problem).toContain(problem);
  });
});
