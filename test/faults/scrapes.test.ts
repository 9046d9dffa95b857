// Registries that several threads record into, clear, declare anew and scrape at the same time, over real sockets: every scrape is
// whole, what nobody cleared is exact, and nothing faults. Child processes.
import { afterEach, describe, expect, it } from 'vitest';
import { ask, Program } from '../ops/clients.js';

const programs: Program[] = [];
afterEach(async () => {
  for (const program of programs.splice(0)) {
    program.child.kill('SIGKILL');
    await program.ended;
  }
});

/** Threads, and rounds of each. */
const WORKERS = 3;
const ROUNDS = 150;

const THREADS = `
  import { Worker, isMainThread, parentPort, threadId } from 'node:worker_threads';
  import { fileURLToPath } from 'node:url';
  const shaken = new MetricsRegistry({ name: 'shaken' });
  const kept = metrics.counter({ name: 'kept_total', help: 'Never cleared', labelNames: ['thread'] });
  const turn = () => new Promise(setImmediate);

  // One round of a thread: declares, records, removes and clears what the others use.
  async function round(n) {
    const counter = shaken.counter({ name: 'shaken_total', help: 'Cleared all the time', labelNames: ['n'] });
    const gauge = shaken.gauge({ name: 'shaken_depth', help: 'Cleared all the time', labelNames: ['n'] });
    const histogram = shaken.histogram({ name: 'shaken_seconds', help: 'Cleared all the time', labelNames: ['n'], buckets: [1, 2] });
    const held = counter.labels('held');
    for (let k = 0; k < 50; k += 1) {
      held.inc();
      counter.inc({ n: k });
      gauge.set({ n: k }, k);
      histogram.observe({ n: k % 5 }, k % 3);
      kept.inc({ thread: threadId });
    }
    counter.remove(n % 50);
    if (n % 4 === threadId % 4) shaken.clear();
    else if (n % 7 === 0) shaken.reset();
    else if (n % 11 === 0) shaken.unregister('shaken_seconds');
    held.inc();
    await turn();
  }
`;

/** Samples of a text or OpenMetrics body; fails on one that stands twice, or on a line that is none. */
function samplesOf(text: string): Map<string, number> {
  const samples = new Map<string, number>();
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    const found = /^([a-zA-Z_:][\w:]*(?:\{(?:[\w.]+="(?:[^"\\]|\\.)*",?)*\})?) (\S+)$/.exec(line);
    if (!found) throw new Error(`no sample: ${line}`);
    const [, name, value] = found;
    if (samples.has(name)) throw new Error(`twice: ${line}`);
    samples.set(name, Number(value));
  }
  return samples;
}

/** Fails unless counts and buckets of each histogram agree. */
function checkHistograms(samples: Map<string, number>): void {
  for (const [name, value] of samples) {
    const bucket = /^shaken_seconds_bucket\{n="(\d+)",le="\+Inf"\}$/.exec(name);
    if (bucket) expect(samples.get(`shaken_seconds_count{n="${bucket[1]}"}`)).toBe(value);
  }
}

describe('a registry that is scraped, merged, cleared and recorded into at once', () => {
  it('gives whole scrapes only, and no fault', async () => {
    const program = new Program(`${THREADS}
      if (!isMainThread) {
        for (let n = 0; n < ${ROUNDS}; n += 1) await round(n);
        parentPort.postMessage(threadId);
      } else {
        const own = new MetricsRegistry();
        own.inc('own_total', 7);
        const server = new OpsServer({ registries: [metrics, shaken, own] });
        await server.start();
        console.log('port', server.address.port);
        process.stdin.once('data', async () => {
          const workers = Array.from({ length: ${WORKERS} }, () => new Worker(fileURLToPath(import.meta.url)));
          const ends = workers.map((worker) => new Promise((done) => worker.once('exit', done)));
          let running = true;
          Promise.all(ends).then(() => { running = false; });
          const merged = MetricsRegistry.merge([shaken, own, metrics]);
          let renders = 0;
          for (let n = 0; running; n += 1) {
            await round(n);
            const text = await merged.metrics({ format: n % 2 === 0 ? 'text' : 'openmetrics' });
            if (!text.includes('own_total 7')) console.log('a scrape without what nobody cleared:', text);
            merged.snapshot();
            renders += 1;
          }
          console.log('codes', JSON.stringify(await Promise.all(ends)), 'rounds of main', renders);
        });
        process.stdin.resume();
      }
    `);
    programs.push(program);
    const port = Number(await program.says(/port (\d+)/));
    program.child.stdin?.write('go\n');
    let running = true;
    const over = program.says(/rounds of main (\d+)/).finally(() => {
      running = false;
    });
    let scrapes = 0;
    const scrapers = [{}, { accept: 'application/openmetrics-text; version=1.0.0' }, { 'accept-encoding': 'gzip' }].map(
      async (headers: Record<string, string>) => {
        while (running) {
          const { status, text } = await ask(port, '/metrics', { headers });
          expect(status).toBe(200);
          scrapes += 1;
          if ('accept-encoding' in headers) continue;
          const samples = samplesOf(text);
          expect(samples.get('own_total')).toBe(7);
          checkHistograms(samples);
          if ('accept' in headers) expect(text.endsWith('# EOF\n')).toBe(true);
        }
      },
    );
    const reports = (async () => {
      while (running) expect(JSON.parse((await ask(port, '/debug/cardinality')).text)).toHaveProperty('metrics');
    })();
    const [rounds] = await Promise.all([over.then(Number), ...scrapers, reports]);
    expect(program.said).toContain(`codes ${JSON.stringify(Array(WORKERS).fill(0))}`);
    expect(program.said).not.toContain('a scrape without');
    const samples = samplesOf((await ask(port, '/metrics')).text);
    let counted = 0;
    for (const [name, value] of samples) if (name.startsWith('kept_total{')) counted += value;
    expect(counted).toBe(50 * (WORKERS * ROUNDS + rounds));
    expect([samples.get('kymo_panics_total'), samples.get('kymo_ops_panics_total')]).toEqual([0, 0]);
    expect(scrapes).toBeGreaterThan(3);
  });

  it('and that is collected while its last scrape is under way, is served to the end', async () => {
    const program = new Program(`
      import http from 'node:http';
      const server = http.createServer((request, response) => {
        const short = new MetricsRegistry();
        const counter = short.counter({ name: 'short_total', help: 'Lives for one request', labelNames: ['n'] });
        for (let n = 0; n < 200; n += 1) counter.inc({ n });
        metricsHandler(short)(request, response);
      }).listen(0, '127.0.0.1', () => console.log('port', server.address().port));
    `);
    programs.push(program);
    const port = Number(await program.says(/port (\d+)/));
    for (let n = 0; n < 60; n += 1) {
      const answers = await Promise.all([1, 2, 3].map(() => ask(port, '/metrics')));
      for (const { text } of answers) expect(samplesOf(text).size).toBe(200);
    }
  });
});
