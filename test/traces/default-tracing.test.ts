// The module functions and the object behind them.
import { afterEach, describe, expect, it } from 'vitest';
import {
  attach,
  configureTracing,
  currentTrace,
  defaultTracing,
  detach,
  getRecent,
  newTrace,
  runWithTrace,
  setDefaultTracing,
  span,
  startTrace,
  Tracing,
  trace,
  traceConsume,
  tracePublish,
} from '../../src/index.js';

afterEach(() => setDefaultTracing(undefined));

describe('module functions', () => {
  it('act on one object, made when it is first needed', () => {
    expect(defaultTracing()).toBe(defaultTracing());
    const chat = newTrace('chat');
    expect([currentTrace(), defaultTracing().currentTrace()]).toEqual([chat, chat]);
    using _outer = span('outer');
    const carrier: Record<string, string> = {};
    const published = tracePublish('mail', { carrier }, (one) => one);
    expect(traceConsume('mail', { carrier }, (one) => one.parentSpanId)).toBe(published.spanId);
    expect(span('inner', {}, (one) => one.parentId)).toBe(_outer.spanId);
    expect(trace('operation', (one) => one.parentId)).toBe(_outer.spanId);
    detach();
    expect(getRecent(1).map(({ name, spanCount }) => [name, spanCount])).toEqual([['chat', 5]]);
    expect(startTrace('job', (job) => currentTrace() === job)).toBe(true);
    const later = startTrace('later');
    attach(later);
    expect(runWithTrace(later, () => currentTrace())).toBe(later);
    detach();
    expect([currentTrace(), getRecent().map(({ name }) => name)]).toEqual([undefined, ['chat', 'job', 'later']]);
  });

  it('act on another object when one is set; a trace under way stays with its own', () => {
    const first = newTrace('first');
    const own = new Tracing({ preset: 'agentos' });
    const before = defaultTracing();
    setDefaultTracing(own);
    using inner = startTrace('second');
    expect(inner.traceId).toMatch(/^trace-/);
    inner.end();
    first[Symbol.dispose]();
    expect([getRecent().map(({ name }) => name), before.getRecent(1).map(({ name }) => name)]).toEqual([['second'], ['first']]);
  });

  it('act on what was configured last, until that is shut down', async () => {
    const first = await configureTracing({ preset: 'hearthnet' });
    const second = await configureTracing({ preset: 'agentos' });
    const preset = (): string => defaultTracing().preset;
    expect(defaultTracing()).toBe(second.tracing);
    await first.shutdown();
    expect(preset()).toBe('agentos');
    startTrace('job').end();
    expect(second.tracing.getRecent().map(({ name }) => name)).toEqual(['job']);
    await second.shutdown();
    expect(preset()).toBe('default');
  });
});
