// Span rings of whole processes: several threads, a main loop that is blocked, memory of other kinds, and none at all.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Child, DIST, type Ended, memoryFolder, removeFolder } from '../recorder/processes.js';

let folder: string;
beforeAll(() => {
  folder = memoryFolder();
});
afterAll(() => removeFolder(folder));

/** `span(n)` makes a span, `open()` a pipeline of JSON; `take(pipeline)` gives the numbers of the spans in its next batch. */
const HELPERS = `
const { native } = await import('${DIST}binding/load.js');
const { spanRing } = await import('${DIST}binding/span-ring.js');
const { now } = await import('${DIST}binding/span-clock.js');
const rest = undefined;
globalThis.open = (host, maxBatchItems = 1000) => native.tracesPipeline(host, { label: 'test', format: 'json', compression: 'none',
  maxQueueItems: 10000, maxQueueBytes: 2 ** 30, maxBatchItems, maxBatchBytes: 2 ** 26 });
globalThis.span = (scope, n) => { const at = now(); return { t0: 1, t1: 0, t2: 0, t3: n, p0: 0, p1: 0, bits: 1, scope, clock: spanRing().clock, name: 'n',
  startedAt: at, endedAt: at + 1, pairs: ['n', n], rest }; };
globalThis.take = (pipeline) => { const batch = native.pipelineTake(pipeline); if (batch === null) return [];
  const spans = JSON.parse(Buffer.from(batch.body)).resourceSpans[0].scopeSpans.flatMap(({ spans }) => spans);
  native.pipelineDone(pipeline, batch.batch, 'exported', 0, ''); return spans.map(({ attributes }) => Number(attributes[0].value.intValue)); };
`;

async function run(script: string, env: Record<string, string> = {}): Promise<Ended> {
  const ended = await new Child(`${HELPERS}\n${script}`, { folder, env, bare: true }).ended;
  expect(ended).toMatchObject({ code: 0, stderr: '' });
  return ended;
}

const HOST = "const host = native.tracesHost({ resource: [], schemaUrl: '', retainedTraces: 10, retainedBytes: 1 << 20 });";

describe('spans of several threads', () => {
  it('come together in one pipeline, those of ended threads included', async () => {
    const { stdout } = await run(`
      import { Worker } from 'node:worker_threads';
      ${HOST}
      const scope = native.tracesScope(host, 's', '', '', []);
      const pipeline = open(host, 5000);
      const work = (from) => new Promise((done) => new Worker(${JSON.stringify(HELPERS)} + \`
        for (let n = \${from}; n < \${from} + 1000; n++) spanRing().write(span(\${scope}, n), 0, n + 1);\`, { eval: true, type: 'module' }).once('exit', done));
      await Promise.all([work(0), work(1000)]);
      await work(2000);
      for (let n = 3000; n < 4000; n++) spanRing().write(span(scope, n), 0, n + 1);
      const flushed = native.pipelineFlush(pipeline, 10000);
      await native.pipelineReady(pipeline);
      const found = take(pipeline).sort((a, b) => a - b);
      console.log(found.length, found.every((n, index) => n === index), await flushed);`);
    expect(stdout).toBe('4000 true true\n');
  });

  it('leave the process while its main loop is blocked', async () => {
    const { stdout } = await run(`
      import { Worker } from 'node:worker_threads';
      ${HOST}
      const scope = native.tracesScope(host, 's', '', '', []);
      const pipeline = open(host, 100);
      const seen = new Int32Array(new SharedArrayBuffer(4));
      const worker = new Worker(${JSON.stringify(HELPERS)} + \`
        import { workerData } from 'node:worker_threads';
        setInterval(() => {}, 1000);
        for (;;) { await native.pipelineReady(\${pipeline}); Atomics.add(workerData, 0, take(\${pipeline}).length); Atomics.notify(workerData, 0); }\`,
        { eval: true, type: 'module', workerData: seen });
      await new Promise((done) => worker.once('online', done));
      for (let n = 0; n < 1000; n++) spanRing().write(span(scope, n), 0, n + 1);
      while (Atomics.load(seen, 0) < 1000) Atomics.wait(seen, 0, Atomics.load(seen, 0), 10000);
      console.log(Atomics.load(seen, 0), native.pipelineState(pipeline).exported);
      process.exit(0);`);
    expect(stdout).toMatch(/^1000 \d+\n$/);
  });
});

describe('a flood of spans', () => {
  it('loses what the collector cannot take, counts it, and costs no more for it', async () => {
    const { stdout } = await run(`
      ${HOST}
      const scope = native.tracesScope(host, 's', '', '', []);
      const pipeline = open(host, 1000);
      let kept = 0;
      const total = 400000;
      const one = { ...span(scope, 1), pairs: ['text', 'x'.repeat(100)] };
      for (let n = 0; n < total; n++) if (spanRing().write(one, 0, n + 1)) kept++;
      native.ringFlush(20000);
      const own = native.renderSync([native.openRegistry('kymo')], 0, false);
      const sum = (name) => [...own.matchAll(new RegExp('^' + name + '.* (\\\\d+)$', 'gm'))].reduce((sum, match) => sum + Number(match[1]), 0);
      console.log(kept + sum('kymo_ring_dropped_total') === total, sum('kymo_spans_total') === kept,
        native.pipelineState(pipeline).queued + sum('kymo_spans_dropped_total') === kept);`);
    expect(stdout).toBe('true true true\n');
  });
});

describe('a process', () => {
  it('ends by itself while an exporter waits', async () => {
    await run(`${HOST} native.pipelineReady(open(host)); spanRing().write(span(native.tracesScope(host, 's', '', '', []), 1), 0, 1);`);
  });

  it('ends by process.exit with spans in its ring and an exporter in a worker', async () => {
    await run(`
      import { Worker } from 'node:worker_threads';
      ${HOST}
      const pipeline = open(host);
      const worker = new Worker(${JSON.stringify(HELPERS)} + \`await native.pipelineReady(\${pipeline});\`, { eval: true, type: 'module' });
      await new Promise((done) => worker.once('online', done));
      for (let n = 0; n < 1000; n++) spanRing().write(span(native.tracesScope(host, 's', '', '', []), n), 0, n + 1);
      process.exit(0);`);
  });

  it.each(['anonymous', 'internal'])('with KYMO_MEMORY=%s loses none', async (memory) => {
    const script = `
      ${HOST}
      const scope = native.tracesScope(host, 's', '', '', []);
      const pipeline = open(host, 500);
      for (let n = 0; n < 500; n++) spanRing().write(span(scope, n), 0, n + 1);
      native.ringFlush(10000);
      const found = take(pipeline);
      console.log(found.length, found.every((n, index) => n === index));`;
    expect((await run(script, { KYMO_MEMORY: memory })).stdout).toBe('500 true\n');
  });

  it('that is switched off takes spans and keeps none', async () => {
    const { stdout } = await run(`console.log(spanRing().write(span(0, 1), 0, 1), await native.pipelineFlush(0, 1000));`, {
      KYMO_DISABLED: '1',
    });
    expect(stdout).toBe('false true\n');
  });

  it('that gets no memory for a ring counts its spans as lost', async () => {
    const { stdout } = await run(`
      native.spanRingOpen = () => { throw new Error('no memory'); };
      console.log(spanRing().write(span(0, 1), 0, 1));
      console.log(native.renderSync([native.openRegistry('kymo')], 0, false).match(/kymo_spans_dropped_total\\{.*/)[0]);`);
    expect(stdout).toBe('false\nkymo_spans_dropped_total{reason="no_memory"} 1\n');
  });
});
