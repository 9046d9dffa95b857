// Collectors that are down, slow, overloaded, hostile or talk nonsense: memory stays bounded, every span is accounted for, and the
// application does not notice.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { deadPort, httpCollector, rawServer } from '../export/collectors.js';
import { answer, DIST, memoryFolder, removeFolder } from '../recorder/processes.js';
import { accounted, type Counts, traced } from './traced-process.js';

let folder: string;
beforeEach(() => {
  folder = memoryFolder();
});
afterEach(() => removeFolder(folder));

/** Ends spans against a collector, flushes within `flushMs`, and tells what became of them. */
async function outcome(options: string, script: string, env: Record<string, string> = {}) {
  const ended = await traced(folder, options, script, { env }).ended;
  expect(ended.code, ended.stderr).toBe(0);
  return { ...answer<Counts & { rss: number; flushed: boolean; ms: number }>(ended), stderr: ended.stderr };
}

const FLUSH = `
  const start = performance.now();
  const flushed = await stack.flush(20_000);
  say({ ...counts(), flushed, ms: performance.now() - start, rss: process.memoryUsage.rss() });
  await stack.shutdown(500);`;

const to = (url: string, more = ''): string => `{ otlp: { endpoint: '${url}', ${more} } }`;

describe('a collector', () => {
  it('that is down for a while gets what came last; what was lost is counted', async () => {
    const port = await deadPort();
    const file = join(folder, 'up');
    const child = traced(
      folder,
      to(`http://127.0.0.1:${port}`, 'maxQueueSpans: 1000, maxBatchSpans: 500, scheduleDelayMs: 50'),
      `end(5_000);
       while (counts().errors.otlp !== 1) await tick(10);
       say('failed');
       while (!existsSync(${JSON.stringify(file)})) await tick(20);
       ${FLUSH}`,
    );
    await child.says('failed');
    await using collector = await httpCollector(undefined, port);
    writeFileSync(file, '');
    const ended = await child.ended;
    const told = answer<Counts & { flushed: boolean }>(ended);
    expect(told.flushed).toBe(true);
    expect(accounted(told)).toBe(5_000);
    expect(told.exported.otlp).toBeGreaterThanOrEqual(1_000);
    expect(told.dropped.queue_full).toBe(5_000 - (told.exported.otlp as number));
    expect(told.errors.otlp).toBeGreaterThanOrEqual(1);
    expect(collector.received.at(-1)?.body.includes('span 5000')).toBe(true);
    expect(ended.stderr.match(/KYMO_EXPORT_FAILED\]/g)).toHaveLength(1);
  });

  it('that is slow is asked one thing at a time, and the oldest spans make room', async () => {
    let busy = 0;
    let most = 0;
    await using collector = await httpCollector((_, response) => {
      busy += 1;
      most = Math.max(most, busy);
      setTimeout(() => {
        busy -= 1;
        response.end();
      }, 30);
    });
    const told = await outcome(
      to(collector.url, 'maxQueueSpans: 300, maxBatchSpans: 50'),
      `for (let n = 0; n < 100; n++) { end(100); await tick(5); }
       ${FLUSH}`,
    );
    expect(most).toBe(1);
    expect(told.flushed).toBe(true);
    expect(accounted(told)).toBe(10_000);
    expect(told.dropped.queue_full).toBeGreaterThan(0);
    expect(told.exported.otlp).toBeGreaterThan(0);
  });

  it.each([429, 503])('that answers %i, and says when to come again, gets everything in the end', async (status) => {
    const at: number[] = [];
    await using collector = await httpCollector((_, response, count) => {
      at.push(performance.now());
      if (count === 1) response.writeHead(status, { 'retry-after': '1' });
      response.end();
    });
    const told = await outcome(to(collector.url), `end(10); ${FLUSH}`);
    expect(told).toMatchObject({ flushed: true, exported: { otlp: 10 }, errors: { otlp: 1 }, dropped: {} });
    expect((at[1] as number) - (at[0] as number)).toBeGreaterThan(990);
    expect(collector.received[0]?.body).toEqual(collector.received[1]?.body);
  });

  it('that answers 400 is not asked again', async () => {
    await using collector = await httpCollector((_, response) =>
      response.writeHead(400, { 'content-type': 'text/plain' }).end('bad\nbatch'),
    );
    const told = await outcome(to(collector.url, 'maxBatchSpans: 10'), `end(30); ${FLUSH}`);
    expect(told).toMatchObject({ flushed: true, exported: { otlp: 0 }, errors: { otlp: 3 }, dropped: { refused: 30 } });
    expect(collector.received).toHaveLength(3);
    expect(told.stderr).toMatch(/HTTP 400: bad/);
  });

  it('that takes only a part has the rest counted, and is not asked again', async () => {
    const body = '{"partialSuccess":{"rejectedSpans":"4","errorMessage":"too old"}}';
    await using collector = await httpCollector((_, response) => response.writeHead(200, { 'content-type': 'application/json' }).end(body));
    const told = await outcome(to(collector.url), `end(10); ${FLUSH}`);
    expect(told).toMatchObject({ flushed: true, exported: { otlp: 6 }, dropped: { rejected: 4 } });
    expect(collector.received).toHaveLength(1);
  });

  it.each([
    ['garbage', (n: number) => (n % 2 ? '\x00\xff'.repeat(5_000) : 'HTTP/1.1 banana\r\n\r\n')],
    ['half an answer', () => 'HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nx'],
    ['nothing at all', () => ''],
  ])('that answers %s harms nobody', async (_, text) => {
    let n = 0;
    await using server = await rawServer((socket) => socket.on('data', () => socket.end(Buffer.from(text(n++), 'latin1'))));
    const told = await outcome(to(server.url, 'exportTimeoutMs: 1500, maxBatchSpans: 5'), `end(10); ${FLUSH}`);
    expect(told.flushed).toBe(true);
    expect(accounted(told)).toBe(10);
    expect(told.exported.otlp).toBe(0);
  });

  it('that answers with 64 MB costs no memory', async () => {
    await using collector = await httpCollector((_, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      const chunk = Buffer.alloc(2 ** 20, 0x20);
      let sent = 0;
      const more = (): void => {
        while (sent < 64 && !response.destroyed) {
          sent += 1;
          if (!response.write(chunk)) return void response.once('drain', more);
        }
        response.end();
      };
      more();
    });
    const script = `
      end(1); await stack.flush(20_000); globalThis.gc?.();
      const before = process.memoryUsage.rss();
      for (let n = 0; n < 10; n++) { end(1); await stack.flush(20_000); }
      say({ ...counts(), flushed: true, rss: process.memoryUsage.rss() - before });
      await stack.shutdown(500);`;
    const told = await outcome(to(collector.url), script);
    expect(told.dropped).toEqual({ bad_response: 11 });
    expect(told.rss).toBeLessThan(100 * 2 ** 20);
  });

  it('whose name does not resolve costs its spans, counted, and a warning', async () => {
    const told = await outcome(to('http://collector.invalid:4318', 'exportTimeoutMs: 1500'), `end(10); ${FLUSH}`);
    expect(told).toMatchObject({ flushed: true, dropped: { unreachable: 10 } });
    expect(told.stderr).toMatch(/KYMO_EXPORT_FAILED.*collector\.invalid/);
  });

  it('that never answers is given its time, and no more', async () => {
    await using silent = await rawServer(() => undefined);
    const told = await outcome(to(silent.url, 'timeoutMs: 300, exportTimeoutMs: 500'), `end(10); ${FLUSH}`);
    expect(told).toMatchObject({ flushed: true, dropped: { timeout: 10 } });
  });
});

describe('the application', () => {
  it('may block its loop: exports go on', async () => {
    const file = join(folder, 'arrived');
    let spans = 0;
    await using collector = await httpCollector((request, response) => {
      spans += request.body.toString('latin1').split('span ').length - 1;
      if (spans >= 3_000) writeFileSync(file, '');
      response.end();
    });
    const child = traced(
      folder,
      to(collector.url, 'maxBatchSpans: 500, scheduleDelayMs: 100'),
      `end(1); await stack.flush(20_000); // The thread is there.
       end(3_000);
       const arrived = blockUntil(${JSON.stringify(file)});
       say({ arrived });
       await stack.shutdown(5_000);`,
    );
    expect(answer(await child.ended)).toEqual({ arrived: true });
  });

  it('bounds what waits by bytes as well: large spans against a collector that is down', async () => {
    const told = await outcome(
      to(`http://127.0.0.1:${await deadPort()}`, 'maxQueueBytes: 4 * 2 ** 20, exportTimeoutMs: 500, scheduleDelayMs: 100'),
      `const big = 'x'.repeat(100_000);
       const before = process.memoryUsage.rss();
       for (let n = 0; n < 100; n++) { end(10, { big }); await tick(10); }
       const { queuedBytes } = stack.pipelines[0].state;
       const flushed = await stack.flush(20_000);
       say({ ...counts(), flushed, rss: process.memoryUsage.rss() - before, queuedBytes });
       await stack.shutdown(500);`,
    );
    expect((told as unknown as { queuedBytes: number }).queuedBytes).toBeLessThanOrEqual(4 * 2 ** 20);
    expect(accounted(told)).toBe(1_000);
  });

  it('does not see the clock of an exporter jump', async () => {
    await using collector = await httpCollector();
    const module = join(folder, 'jumping.mjs');
    writeFileSync(
      module,
      `let n = 0;
       export function createExporter() {
         return { async export(spans) { const jump = (n++ % 2 ? -1 : 1) * 86_400_000; const now = Date.now; Date.now = () => now() + jump; await 0; } };
       }`,
    );
    const told = await outcome(
      `{ exporters: [moduleExporter(${JSON.stringify(module)}, { name: 'jumping', scheduleDelayMs: 20 }), otlpExporter({ endpoint: '${collector.url}' })] }`,
      `const now = Date.now;
       for (let n = 0; n < 10; n++) { Date.now = () => now() + (n % 2 ? -1 : 1) * 3_600_000; end(10); await tick(20); }
       Date.now = now;
       ${FLUSH}`,
    );
    expect(told).toMatchObject({ flushed: true, exported: { jumping: 100, otlp: 100 }, dropped: {} });
  });

  it('exports on its own thread where the runtime allows no other, with a warning', async () => {
    await using collector = await httpCollector();
    const permission = Number(process.versions.node.split('.')[0]) >= 24 ? '--permission' : '--experimental-permission';
    const env = { NODE_OPTIONS: `${permission} --allow-fs-read=* --allow-fs-write=* --allow-addons` };
    const told = await outcome(to(collector.url), `end(10); ${FLUSH}`, env);
    expect(told).toMatchObject({ flushed: true, exported: { otlp: 10 } });
    expect(told.stderr).toMatch(/KYMO_EXPORT_FALLBACK/);
  });

  it('is not set up again on an exporter thread, whatever NODE_OPTIONS loads first', async () => {
    await using collector = await httpCollector();
    const setUp = join(folder, 'set-up.mjs');
    writeFileSync(
      setUp,
      `const { isMainThread } = await import('node:worker_threads');
       const { configureTracing } = await import('${DIST}index.js');
       process.stdout.write('set up on ' + (isMainThread ? 'the main thread' : 'another thread') + '\\n');
       const stack = await configureTracing({ otlp: { endpoint: '${collector.url}', name: 'first' } });
       stack.tracing.tracer.startSpan('span').end();
       await stack.flush(20_000);`,
    );
    const ended = await traced(folder, to(collector.url), `end(1); ${FLUSH}`, { env: { NODE_OPTIONS: `--import ${setUp}` } }).ended;
    expect(answer<Counts>(ended).exported).toEqual({ first: 1, otlp: 1 });
    expect(ended.stdout.match(/set up on .*/g)).toEqual(['set up on the main thread']);
  });

  it('that switched Kymo off starts no thread and exports nothing', async () => {
    await using collector = await httpCollector();
    const script = `end(10); say({ flushed: await stack.flush(), ended: await stack.shutdown(), pipelines: stack.pipelines.length });`;
    const ended = await traced(folder, `{ otlpEndpoint: '${collector.url}', ops: {} }`, script, { env: { KYMO_DISABLED: '1' } }).ended;
    expect(answer(ended)).toEqual({ flushed: true, ended: true, pipelines: 0 });
    expect([ended.code, ended.stderr, collector.received]).toEqual([0, '', []]);
  });
});
