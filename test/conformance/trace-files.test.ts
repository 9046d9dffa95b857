// Files of retained traces, read by speedscope's importers of both formats, and by the rules that Perfetto's importer goes by.
import { describe, expect, it } from 'vitest';
import { native } from '../../src/binding/load.js';
import type { WritableLink, WritableSpan } from '../../src/binding/writable-span.js';
import { aSpan, Bodies } from './otlp/bodies.js';
import { hostileSpan, SEED } from './otlp/hostile-spans.js';
import { importFile, speedscope } from './speedscope.js';

const START = 1_700_000_000;

interface ChromeEvent {
  readonly ph: string;
  readonly pid: number;
  readonly tid: number;
  readonly name: string;
  readonly ts: number;
  readonly dur: number;
  readonly id: number;
  readonly cat?: string;
  readonly bp?: string;
  readonly s?: string;
  readonly args?: Record<string, unknown>;
}

/** The traces of `spans` as a file. */
function file(host: number, format: 'chrome' | 'speedscope' | 'otlp'): string {
  return new TextDecoder('utf-8', { fatal: true }).decode(native.tracesFile(host, format, 1000));
}

function chromeEvents(host: number): ChromeEvent[] {
  const { traceEvents } = JSON.parse(file(host, 'chrome')) as { traceEvents: ChromeEvent[] };
  // The importer sorts by time and keeps the order of the file at the same time.
  return traceEvents.sort((a, b) => (a.ts ?? 0) - (b.ts ?? 0));
}

/** Nanoseconds: times in the file have three decimals. */
const ns = (microseconds: number): number => Math.round(microseconds * 1000);

/** Goes through the events as Perfetto does, and fails where it would count an error. Gives the arrows: from and to which slice. */
function checkAsPerfetto(events: readonly ChromeEvent[]): [from: string, to: string][] {
  const stacks = new Map<number, { name: string; end: number }[]>();
  const flows = new Map<number, string>();
  const arrows: [string, string][] = [];
  for (const event of events) {
    expect(event.pid).toBe(77);
    expect(typeof event.name).toBe('string');
    if (event.ph === 'M') continue;
    const stack = stacks.get(event.tid) ?? [];
    stacks.set(event.tid, stack);
    while ((stack.at(-1)?.end ?? Number.POSITIVE_INFINITY) < ns(event.ts) || (event.ph === 'X' && stack.at(-1)?.end === ns(event.ts)))
      stack.pop();
    const top = stack.at(-1);
    switch (event.ph) {
      case 'X':
        expect(ns(event.ts + event.dur), `${event.name} lies inside ${top?.name}`).toBeLessThanOrEqual(
          top?.end ?? Number.POSITIVE_INFINITY,
        );
        stack.push({ name: event.args?.spanId as string, end: ns(event.ts) + ns(event.dur) });
        break;
      case 's':
        expect(flows.has(event.id), `flow ${event.id} begins once`).toBe(false);
        flows.set(event.id, top?.name as string);
        break;
      case 'f':
        expect(event.bp, 'ends at the slice around it').toBe('e');
        arrows.push([flows.get(event.id) as string, top?.name as string]);
        flows.delete(event.id);
        break;
      default:
        expect([event.ph, event.s]).toEqual(['i', 't']);
    }
  }
  expect([...flows.keys()], 'flows without an end').toEqual([]);
  return arrows;
}

const id = (n: number): string => n.toString(16).padStart(16, '0');

/** A span of a trace, its times in microseconds. */
function span(
  scope: number,
  trace: number,
  parent: number,
  [from, to]: readonly [number, number],
  name: string,
  links?: WritableLink[],
): WritableSpan {
  const time = (us: number): [number, number] => [START, us * 1000];
  return aSpan(scope, {
    t3: trace,
    p1: parent,
    name,
    startedAt: time(from),
    endedAt: time(to),
    ...(links && { rest: { linkList: links } }),
  });
}

/** Spans of a call with two parallel queries, one of which has a child that outlives everything, and a job that links to the other. */
function someTraces(): Bodies {
  const bodies = new Bodies({ resource: ['service.name', 'shop "1"', 'process.pid', 77] }, []);
  const scope = bodies.scope('files');
  const link = { t0: 0, t1: 0, t2: 0, t3: 1, s0: 0, s1: 2, flags: 1, traceStateText: '', pairs: undefined, dropped: 0 };
  bodies.of([
    span(scope, 1, 4, [10, 50], 'query "1"'),
    span(scope, 1, 4, [20, 60], 'query\n2'),
    span(scope, 1, 2, [25, 500], 'late'),
    span(scope, 1, 0, [0, 100], 'GET /'),
    span(scope, 2, 0, [200, 300], 'job', [link]),
  ]);
  return bodies;
}

/** Traces of spans of any content and any times, whose parents are there, are not, or are themselves. */
function hostileTraces(): Bodies {
  const bodies = new Bodies({ resource: ['service.name', 'fuzz \ud800"', 'process.pid', 77] }, []);
  const scope = bodies.scope('hostile');
  const spans = Array.from({ length: 300 }, (_, index) => {
    const one = hostileSpan(scope);
    const ids = { t0: 0, t1: 0, t2: 0, t3: (index % 7) + 1, p0: 0, p1: index % 11 === 0 ? 0 : (one.p1 >>> 0) % 310 };
    const from = (one.t1 >>> 0) % 900_000;
    const linkList = one.rest?.linkList?.map((link) => ({
      ...link,
      t0: 0,
      t1: 0,
      t2: 0,
      t3: (link.t3 & 7) + 1,
      s0: 0,
      s1: (link.s1 >>> 0) % 310,
    }));
    return aSpan(scope, {
      ...one,
      ...ids,
      bits: one.bits & ~(1 << 14),
      startedAt: [START, from],
      endedAt: [START, from + ((one.t2 >>> 0) % 100_000)],
      rest: { ...one.rest, linkList },
    });
  });
  bodies.of(spans);
  return bodies;
}

describe('the file for Perfetto and Chrome', () => {
  it('has a slice for each span, and arrows to what is not drawn inside its parent', () => {
    const events = chromeEvents(someTraces().host);
    const arrows = checkAsPerfetto(events);
    expect(arrows.sort()).toEqual([
      [id(2), id(3)],
      [id(2), id(5)],
      [id(4), id(2)],
    ]);
    const slices = events.filter(({ ph }) => ph === 'X');
    expect(slices.map(({ name, tid, ts, dur }) => [name, tid, ts, dur])).toEqual([
      ['GET /', 1, 0, 100],
      ['query "1"', 1, 10, 40],
      ['query\n2', 2, 20, 40],
      ['late', 3, 25, 475],
      ['job', 4, 200, 100],
    ]);
    expect(events.find(({ name }) => name === 'process_name')?.args).toEqual({ name: 'shop "1"' });
  });

  it('keeps the rules for spans of any content and any times', () => {
    const events = chromeEvents(hostileTraces().host);
    checkAsPerfetto(events);
    expect(events.filter(({ ph }) => ph === 'X').length, `seed ${SEED}`).toBe(300);
  });
});

describe.runIf(speedscope)("speedscope's importers", () => {
  it('read its own format: a profile per trace, and one for what lies beside', async () => {
    const { name, profiles } = await importFile(file(someTraces().host, 'speedscope'));
    expect(name).toBe('shop "1"');
    expect(profiles.map(({ name, unit }) => [name, unit])).toEqual([
      ['GET / 00000000', 'nanoseconds'],
      ['GET / 00000000 beside it: 1', 'nanoseconds'],
      ['GET / 00000000 beside it: 2', 'nanoseconds'],
      ['job 00000000', 'nanoseconds'],
    ]);
    expect(profiles.map(({ calls }) => calls)).toEqual([
      [
        { name: 'GET /', depth: 0, from: 0, to: 100_000 },
        { name: 'query "1"', depth: 1, from: 10_000, to: 50_000 },
      ],
      [{ name: 'query\n2', depth: 0, from: 20_000, to: 60_000 }],
      [{ name: 'late', depth: 0, from: 25_000, to: 500_000 }],
      [{ name: 'job', depth: 0, from: 0, to: 100_000 }],
    ]);
  });

  it('read the file for Perfetto: the same slices', async () => {
    const { profiles } = await importFile(file(someTraces().host, 'chrome'));
    // It shows the arguments behind the name.
    expect(profiles.map(({ calls }) => calls.map(({ name, depth }) => [name.replace(/ \{.*\}$/, ''), depth]))).toEqual([
      [
        ['GET /', 0],
        ['query "1"', 1],
      ],
      [['query\n2', 0]],
      [['late', 0]],
      [['job', 0]],
    ]);
  });

  it('read spans of any content and any times', async () => {
    const { host } = hostileTraces();
    for (const format of ['speedscope', 'chrome'] as const) {
      const { profiles } = await importFile(file(host, format));
      const calls = profiles.reduce((sum, profile) => sum + profile.calls.length, 0);
      expect(calls, `seed ${SEED}, ${format}`).toBeGreaterThan(format === 'chrome' ? 250 : 299);
    }
  });
});

describe('the OTLP file', () => {
  it('has every retained span', () => {
    const { resourceSpans } = JSON.parse(file(someTraces().host, 'otlp'));
    const names = resourceSpans[0].scopeSpans[0].spans.map(({ name }: { name: string }) => name);
    expect(names.sort()).toEqual(['GET /', 'job', 'late', 'query\n2', 'query "1"']);
  });
});
