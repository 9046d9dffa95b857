// Options of tail sampling: what they amount to, and which are refused. What the rules do is tested natively and end to end.
import { describe, expect, it } from 'vitest';
import { KymoError } from '../../src/core/errors.js';
import { type TailSamplingOptions, tailRules } from '../../src/traces/tail.js';

const ALL = { ratio: 1, minPerSecond: 0, maxPerSecond: Number.POSITIVE_INFINITY };

describe('without options', () => {
  it('keeps errors, what is slow for its route, and a tenth of the rest', () => {
    expect(tailRules({})).toEqual({
      errors: ALL,
      attributes: [],
      slow: { quantile: 0.99, factor: 1, minCount: 100, minDurationMs: 0, share: ALL },
      rest: { ...ALL, ratio: 0.1 },
      routeAttribute: 'http.route',
      decisionTimeoutMs: 30_000,
      maxTraces: 10_000,
      maxBytes: 16 << 20,
      maxDecisions: 16_384,
      maxRoutes: 512,
    });
  });
});

describe('with options', () => {
  it('takes a number for a ratio, and false for no such rule', () => {
    expect(tailRules({ errors: 0.5, rest: 0 })).toMatchObject({ errors: { ratio: 0.5 }, rest: { ratio: 0 } });
    const none = tailRules({ errors: false, slow: false });
    expect('errors' in none || 'slow' in none).toBe(false);
    expect(tailRules({ errors: true, slow: true })).toEqual(tailRules({}));
  });

  it('takes rates for every rule, and values of attributes alone or in a list', () => {
    const rules = tailRules({
      errors: { maxPerSecond: 20 },
      attributes: [
        { key: 'url.path', equals: '/health', ratio: 0 },
        { key: 'tier', equals: ['gold', 7, false] },
        { key: 'cost', atLeast: 0.5 },
        { key: 'debug' },
      ],
      slow: { quantile: 0.9, factor: 2, minCount: 10, minDurationMs: 5, ratio: 0.5 },
      rest: { ratio: 0.01, minPerSecond: 0.1, maxPerSecond: 50 },
    });
    expect(rules.errors).toEqual({ ...ALL, maxPerSecond: 20 });
    expect(rules.attributes).toEqual([
      { key: 'url.path', equals: ['/health'], share: { ...ALL, ratio: 0 } },
      { key: 'tier', equals: ['gold', 7, false], share: ALL },
      { key: 'cost', atLeast: 0.5, share: ALL },
      { key: 'debug', share: ALL },
    ]);
    expect(rules.slow).toEqual({ quantile: 0.9, factor: 2, minCount: 10, minDurationMs: 5, share: { ...ALL, ratio: 0.5 } });
    expect(rules.rest).toEqual({ ratio: 0.01, minPerSecond: 0.1, maxPerSecond: 50 });
  });

  it('is a copy of what was given', () => {
    const equals = ['a'];
    const rules = tailRules({ attributes: [{ key: 'k', equals }] });
    equals.push('b');
    expect(rules.attributes[0]?.equals).toEqual(['a']);
  });
});

describe('what cannot be used is refused by name', () => {
  it.each<[string, unknown]>([
    ['tailSampling is', null],
    ['tailSampling is', []],
    ['tailSampling.error is', { error: true }],
    ['tailSampling.errors is', { errors: 1.5 }],
    ['tailSampling.errors is', { errors: 'all' }],
    ['tailSampling.errors.rate is', { errors: { rate: 1 } }],
    ['tailSampling.rest is', { rest: Number.NaN }],
    ['tailSampling.rest.ratio is', { rest: { ratio: -0.1 } }],
    ['tailSampling.rest.minPerSecond is', { rest: { minPerSecond: 0 } }],
    ['tailSampling.rest.maxPerSecond is', { rest: { maxPerSecond: Number.POSITIVE_INFINITY } }],
    ['tailSampling.rest.minPerSecond is', { rest: { minPerSecond: 2, maxPerSecond: 1 } }],
    ['tailSampling.attributes is', { attributes: {} }],
    ['tailSampling.attributes is', { attributes: Array.from({ length: 101 }, () => ({ key: 'k' })) }],
    ['tailSampling.attributes[0] is', { attributes: [null] }],
    ['tailSampling.attributes[1].key is', { attributes: [{ key: 'k' }, { key: '' }] }],
    ['tailSampling.attributes[0].equal is', { attributes: [{ key: 'k', equal: 1 }] }],
    ['tailSampling.attributes[0].equals is', { attributes: [{ key: 'k', equals: [] }] }],
    ['tailSampling.attributes[0].equals is', { attributes: [{ key: 'k', equals: {} }] }],
    ['tailSampling.attributes[0].atLeast is', { attributes: [{ key: 'k', atLeast: '1' }] }],
    ['tailSampling.attributes[0] is', { attributes: [{ key: 'k', equals: 1, atLeast: 1 }] }],
    ['tailSampling.slow is', { slow: 100 }],
    ['tailSampling.slow.quantile is', { slow: { quantile: 1 } }],
    ['tailSampling.slow.factor is', { slow: { factor: 0 } }],
    ['tailSampling.slow.minCount is', { slow: { minCount: 0 } }],
    ['tailSampling.slow.minDurationMs is', { slow: { minDurationMs: -1 } }],
    ['tailSampling.routeAttribute is', { routeAttribute: 1 }],
    ['tailSampling.decisionTimeoutMs is', { decisionTimeoutMs: 9 }],
    ['tailSampling.maxTraces is', { maxTraces: 0 }],
    ['tailSampling.maxBytes is', { maxBytes: 1 }],
    ['tailSampling.maxDecisions is', { maxDecisions: -1 }],
    ['tailSampling.maxRoutes is', { maxRoutes: 10_001 }],
  ])('%s, %j', (problem, options) => {
    let thrown: unknown;
    try {
      tailRules(options as TailSamplingOptions);
    } catch (error) {
      thrown = error;
    }
    expect(KymoError.is(thrown) && thrown.code).toBe('KYMO_CONFIG_VALUE');
    expect((thrown as Error).message).toContain(problem);
  });

  it('takes the last values that fit', () => {
    const last: TailSamplingOptions = {
      decisionTimeoutMs: 10,
      maxTraces: 1,
      maxBytes: 65_536,
      maxDecisions: 0,
      maxRoutes: 10_000,
      slow: { quantile: 0.999_999, minCount: 10_000 },
      rest: { ratio: 1, minPerSecond: 1, maxPerSecond: 1 },
    };
    expect(tailRules(last)).toMatchObject({ decisionTimeoutMs: 10, maxTraces: 1, maxBytes: 65_536, maxDecisions: 0, maxRoutes: 10_000 });
  });
});
