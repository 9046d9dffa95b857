// Processes that end with spans in their queues: by themselves, by force, by signals, by exceptions.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { deadPort, httpCollector, rawServer } from '../export/collectors.js';
import { memoryFolder, removeFolder } from '../recorder/processes.js';
import { traced } from './traced-process.js';

let folder: string;
beforeEach(() => {
  folder = memoryFolder();
});
afterEach(() => removeFolder(folder));

const to = (url: string, more = ''): string => `{ otlp: { endpoint: '${url}', scheduleDelayMs: 600_000, maxBatchSpans: 1000 }, ${more} }`;

/** Spans that a collector has. */
const spansOf = (received: readonly { body: Buffer }[]): number =>
  received.reduce((sum, { body }) => sum + body.toString('latin1').split('span ').length - 1, 0);

/** The thread is there, and has nothing to do. */
const READY = 'end(1); await stack.flush(20_000);';

describe('a process with spans in its queue', () => {
  it('sends them before it ends by itself, and is not kept alive by an exporter that has nothing to do', async () => {
    await using collector = await httpCollector();
    const ended = await traced(folder, to(collector.url), 'end(2_500);').ended;
    expect([ended.code, ended.stderr]).toEqual([0, '']);
    expect(spansOf(collector.received)).toBe(2_500);
    const idle = await traced(folder, to(collector.url), READY).ended;
    expect(idle.code).toBe(0);
  });

  it.each([
    ['process.exit()', 'end(2_500); process.exit(3);', 3],
    ['an uncaught exception', "end(2_500); setImmediate(() => { throw new Error('on purpose'); }); await tick(60_000);", 1],
  ])('sends them while %s waits for it', async (_, script, code) => {
    await using collector = await httpCollector();
    const ended = await traced(folder, to(collector.url), `${READY} ${script}`).ended;
    expect(ended.code).toBe(code);
    expect(spansOf(collector.received)).toBe(2_501);
  });

  it('sends them on SIGTERM, where the application ends with process.exit()', async () => {
    await using collector = await httpCollector();
    const child = traced(
      folder,
      to(collector.url),
      `${READY} process.on('SIGTERM', () => process.exit(0)); end(10_000); say('full'); stay();`,
    );
    await child.says('full');
    expect((await child.kill('SIGTERM')).code).toBe(0);
    expect(spansOf(collector.received)).toBe(10_001);
  });

  it('sends them on SIGTERM without a handler, where it was asked to, and ends by the signal', async () => {
    await using collector = await httpCollector();
    const options = to(collector.url, "shutdownSignals: ['SIGTERM']");
    const child = traced(folder, options, `${READY} end(10_000); say('full'); stay();`);
    await child.says('full');
    expect((await child.kill('SIGTERM')).signal).toBe('SIGTERM');
    expect(spansOf(collector.received)).toBe(10_001);
  });

  it('leaves the end to other handlers of the signal', async () => {
    await using collector = await httpCollector();
    const options = to(collector.url, "shutdownSignals: ['SIGTERM']");
    const script = `process.on('SIGTERM', () => setTimeout(() => process.exit(5), 500)); end(10); say('full'); stay();`;
    const child = traced(folder, options, script);
    await child.says('full');
    expect((await child.kill('SIGTERM')).code).toBe(5);
    expect(spansOf(collector.received)).toBe(10);
  });

  it('does not wait for a collector that is down', async () => {
    const script = `end(10); await stack.flush(300); end(2_500);
      const start = performance.now(); process.on('exit', () => say({ ms: performance.now() - start })); process.exit(0);`;
    const ended = await traced(folder, to(`http://127.0.0.1:${await deadPort()}`), script).ended;
    expect(ended.code).toBe(0);
    expect(JSON.parse(ended.stdout.trim().split('\n').at(-1) as string).ms).toBeLessThan(1_500);
  });

  it('waits no longer than it may for one that is silent', async () => {
    await using silent = await rawServer(() => undefined);
    const script = `end(10);
      stack.flush(60_000); while (stack.pipelines[0].state.inFlight === 0) await tick(10); end(2_500);
      const start = performance.now(); process.on('exit', () => say({ ms: performance.now() - start })); process.exit(0);`;
    const ended = await traced(folder, to(silent.url, 'exitTimeoutMs: 400'), script).ended;
    expect(ended.code).toBe(0);
    const { ms } = JSON.parse(ended.stdout.trim().split('\n').at(-1) as string);
    expect(ms).toBeGreaterThan(300);
    expect(ms).toBeLessThan(3_000);
  });
});

describe('a thread of the application', () => {
  it('exports by itself, and sends what it has when it ends', async () => {
    await using collector = await httpCollector();
    const body = `
      const { configureTracing } = await import(workerData.dist + 'index.js');
      const stack = await configureTracing({ otlp: { endpoint: workerData.url, scheduleDelayMs: 600_000 } });
      for (let n = 0; n < 100; n++) stack.tracing.tracer.startSpan('span ' + n).end();`;
    const script = `
      const { Worker: Thread } = await import('node:worker_threads');
      const code = "const { workerData } = await import('node:worker_threads');" + ${JSON.stringify(body)};
      const thread = new Thread(new URL('data:text/javascript,' + encodeURIComponent(code)), { workerData: { dist: new URL('dist/', 'file://' + process.cwd() + '/').href, url: '${collector.url}' } });
      await new Promise((done) => thread.on('exit', done));
      say({ pipelines: stack.pipelines.length });`;
    const ended = await traced(folder, '{}', script).ended;
    expect([ended.code, ended.stderr]).toEqual([0, '']);
    expect(spansOf(collector.received)).toBe(100);
  });
});
