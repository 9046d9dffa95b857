// Trace objects with everything switched off: used as before, and nothing is kept. The environment is set before anything is loaded.
import { expect, it } from 'vitest';

it('trace objects work without the addon, and leave nothing behind', async () => {
  process.env.KYMO_DISABLED = '1';
  const { detach, getRecent, InMemoryTraceProvider, newTrace, span, SpanQueue, Tracing, traceConsume } = await import('../../src/index.js');
  const tracing = new Tracing({ preset: 'agentos', spanQueue: new SpanQueue({ maxSize: 1 }) });
  const names = tracing.startTrace('a', (trace) => {
    for (const name of ['b', 'c']) tracing.startSpan(name).end();
    return trace.spans.map((one) => one.name);
  });
  newTrace('d');
  expect(span('e', {}, (one) => one.isRecording())).toBe(true);
  detach();
  expect(traceConsume('channel', { carrier: { traceparent: 'no' } }, () => 7)).toBe(7);
  expect([names, getRecent(), tracing.getRecent()]).toEqual([['b', 'c'], [], []]);
  const memory = new InMemoryTraceProvider();
  memory.createSpan('f').end();
  await memory.shutdown();
  expect(memory.getAllSpans().map(({ name }) => name)).toEqual(['f']);
});
