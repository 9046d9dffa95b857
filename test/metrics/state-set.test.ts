// State sets: exactly one state, or some, whoever looks and whichever thread said so.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MetricsRegistry, StateSet } from '../../src/index.js';
import { memoryFolder, removeFolder } from '../recorder/processes.js';
import { dropsOf, scrape } from './scrape.js';
import { inChild } from './thread-script.js';

const STATES = ['closed', 'open', 'half_open'] as const;

function made() {
  const registry = new MetricsRegistry();
  return { registry, breaker: registry.stateSet({ name: 'breaker', help: 'Breaker', labelNames: ['peer'], states: STATES }) };
}

const shown = (closed: number, open: number, half: number) => ({
  'breaker{peer="a",breaker="closed"}': closed,
  'breaker{peer="a",breaker="open"}': open,
  'breaker{peer="a",breaker="half_open"}': half,
});

describe('a state set', () => {
  it('has exactly the state that was set last, as a gauge per state in text and as a state set in OpenMetrics', async () => {
    const { registry, breaker } = made();
    breaker.labels('a');
    expect(scrape(registry)).toEqual(shown(0, 0, 0));
    breaker.set('open', { peer: 'a' });
    expect(scrape(registry)).toEqual(shown(0, 1, 0));
    breaker.labels('a').set('half_open');
    breaker.labels({ peer: 'a' }).set('half_open');
    expect(registry.formatPrometheus()).toMatch(/^# HELP breaker Breaker\n# TYPE breaker gauge\n/);
    expect(scrape(registry)).toEqual(shown(0, 0, 1));
    expect(await registry.metrics({ format: 'openmetrics' })).toBe(
      [
        '# TYPE breaker stateset',
        '# HELP breaker Breaker',
        'breaker{peer="a",breaker="closed"} 0',
        'breaker{peer="a",breaker="open"} 0',
        'breaker{peer="a",breaker="half_open"} 1',
        '# EOF',
        '',
      ].join('\n'),
    );
  });

  it('has any number of states that were enabled, each by itself', () => {
    const { registry, breaker } = made();
    const bound = breaker.labels('a');
    bound.enable('open');
    bound.enable('open');
    breaker.enable('closed', { peer: 'a' });
    expect(scrape(registry)).toEqual(shown(1, 1, 0));
    expect(breaker.enabled({ peer: 'a' })).toEqual(['closed', 'open']);
    bound.disable('closed');
    bound.disable('closed');
    breaker.disable('half_open', { peer: 'a' });
    expect(scrape(registry)).toEqual(shown(0, 1, 0));
    expect(breaker.enabled()).toEqual(['open']);
    expect(breaker.enabled({ peer: 'b' })).toEqual([]);
  });

  it('holds 53 states at once, each by itself', () => {
    const states = Array.from({ length: 53 }, (_, n) => `s${n}`);
    const set = new StateSet({ name: 'many', states });
    for (const state of states) set.enable(state);
    expect(set.enabled()).toEqual(states);
    for (const state of states.slice(1, 52)) set.disable(state);
    expect(set.enabled()).toEqual(['s0', 's52']);
    set.set('s31');
    expect(set.enabled()).toEqual(['s31']);
  });

  it('drops and counts a state that was not declared', () => {
    const { registry, breaker } = made();
    const bound = breaker.labels('a');
    bound.set('open');
    const drops = dropsOf(() => {
      breaker.set('broken' as never, { peer: 'a' });
      bound.set(undefined as never);
      bound.enable('broken' as never);
      bound.disable('Open' as never);
    });
    expect(drops).toEqual({ unknown_state: 4 });
    expect(scrape(registry)).toEqual(shown(0, 1, 0));
  });

  it('has no state after a reset, none at first after a removal, and is written through a held handle again', () => {
    const { registry, breaker } = made();
    const bound = breaker.labels('a');
    bound.set('open');
    breaker.reset();
    expect(scrape(registry)).toEqual(shown(0, 0, 0));
    bound.enable('closed');
    expect(scrape(registry)).toEqual(shown(1, 0, 0));
    expect(breaker.remove('a')).toBe(true);
    expect(scrape(registry)).toEqual({});
    bound.enable('half_open');
    expect(scrape(registry)).toEqual(shown(0, 0, 1));
  });

  it('needs no labels', () => {
    const registry = new MetricsRegistry();
    const mode = registry.stateSet({ name: 'mode', help: 'Mode', states: ['on', 'a "quoted"\n\\state'] });
    expect(scrape(registry)['mode{mode="on"}']).toBe(0);
    mode.set('a "quoted"\n\\state');
    expect(registry.formatPrometheus()).toContain('mode{mode="a \\"quoted\\"\\n\\\\state"} 1\n');
    expect(JSON.stringify(mode.labels())).toBe('{"stateSet":"mode","labels":[]}');
  });

  it.each([
    ['no states', { states: [] }],
    ['more than 53 states', { states: Array.from({ length: 54 }, (_, n) => `s${n}`) }],
    ['states that are no array', { states: 'on' }],
    ['an empty state', { states: ['on', ''] }],
    ['a state that is no text', { states: ['on', 1] }],
    ['a lone surrogate', { states: ['\ud800'] }],
    ['a state twice', { states: ['on', 'on'] }],
    ['a label of its own name', { states: ['on'], labelNames: ['mode'] }],
  ])('refuses %s', (_, options) => {
    expect(() => new StateSet({ name: 'mode', ...options } as never)).toThrowError(
      expect.objectContaining({ code: 'KYMO_METRICS_DECLARATION' }),
    );
  });
});

let folder: string;
beforeAll(() => {
  folder = memoryFolder();
});
afterAll(() => removeFolder(folder));

describe.each(['file', 'anonymous'] as const)('threads that change one state, with memory %s', (memory) => {
  it('share it: exactly one state holds at every moment, and it stays when a thread ends', async () => {
    const seen = await inChild<{ wrong: number; after: string[] }>(
      memory,
      folder,
      `const declared = { name: 'mode', help: 'm', states: ['a', 'b', 'c'] };
       const set = metrics.stateSet(declared);
       set.set('a');
       const { ask, end } = start();
       const flood = ask("const s = metrics.stateSet(" + JSON.stringify(declared) + "); for (let n = 0; n < 300000; n++) s.set('abc'[n % 3]); s.set('c'); return 1");
       let done = false;
       flood.then(() => { done = true; });
       let wrong = 0;
       while (!done) {
         for (let n = 0; n < 200; n++) if (Object.values(samples()).reduce((sum, v) => sum + v, 0) !== 1) wrong++;
         await new Promise(setImmediate);
       }
       await end();
       say({ wrong, after: set.enabled() });`,
    );
    expect(seen).toEqual({ wrong: 0, after: ['c'] });
  });
});

describe('a thread that cannot be lent the memory of another', () => {
  it('drops and counts its changes, and nothing else is lost', async () => {
    const seen = await inChild<{ after: string[]; drops: Record<string, number> }>(
      'internal',
      folder,
      `const declared = { name: 'mode', help: 'm', states: ['a', 'b'] };
       const set = metrics.stateSet(declared);
       set.set('a');
       await start().end("metrics.stateSet(" + JSON.stringify(declared) + ").set('b'); return 1");
       say({ after: set.enabled(), drops: drops() });`,
    );
    expect(seen).toEqual({ after: ['a'], drops: { memory: 1 } });
  });
});
