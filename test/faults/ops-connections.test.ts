// Crowds and sudden ends: thousands of connections, and processes that die in the middle of a scrape.
import { execFileSync } from 'node:child_process';
import net from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { MetricsRegistry, metrics, OpsServer } from '../../src/index.js';
import { ask, Program, portOf } from '../ops/clients.js';

const WANTED = 10_000;
/** Descriptors that a child may open, less those that Node needs for itself. */
const CONNECTIONS = Math.min(WANTED, Number(execFileSync('sh', ['-c', 'ulimit -n']).toString().replace('unlimited', '1000000')) - 100);

const programs: Program[] = [];
afterEach(async () => {
  for (const program of programs.splice(0)) {
    program.child.kill('SIGKILL');
    await program.ended;
  }
});

function run(script: string): Program {
  const program = new Program(script);
  programs.push(program);
  return program;
}

describe('a crowd', () => {
  it(`${CONNECTIONS} connections from another process are closed beyond the limit, counted, and leave the server as it was`, async () => {
    const ops = new OpsServer({ registries: [metrics] });
    await ops.start();
    const port = portOf(ops);
    const scraped = async (): Promise<{ refused: number; accepted: number; open: number }> => {
      const { text } = await ask(port, '/metrics');
      const value = (name: string): number =>
        Number(
          text
            .split('\n')
            .find((line) => line.startsWith(`${name} `))
            ?.split(' ')[1],
        );
      return {
        refused: value('kymo_ops_connections_refused_total{reason="limit"}'),
        accepted: value('kymo_ops_connections_total'),
        open: value('kymo_ops_connections'),
      };
    };
    const before = await scraped();
    const rss = process.memoryUsage.rss();
    const crowd = run(`
      import net from 'node:net';
      let open = 0;
      let closed = 0;
      const done = () => {
        if (closed + 64 >= ${CONNECTIONS}) console.log('all but', open, 'were closed');
      };
      for (let n = 0; n < ${CONNECTIONS}; n += 1) {
        if (n % 500 === 499) await new Promise(setImmediate);
        const socket = net.connect(${port}, '127.0.0.1', () => { open += 1; socket.on('close', () => { open -= 1; }); });
        socket.on('error', () => undefined);
        socket.on('close', () => { closed += 1; done(); });
      }
      process.stdin.resume();
    `);
    await crowd.says(/all but \d+ were closed/);
    crowd.child.kill('SIGKILL');
    await crowd.ended;
    // Its last connections end with it; from then on everybody is served again.
    for (;;) {
      const answer = await ask(port, '/live').catch(() => undefined);
      if (answer?.status === 200) break;
    }
    const after = await scraped();
    expect(after.refused - before.refused + after.accepted - before.accepted).toBeGreaterThanOrEqual(CONNECTIONS);
    expect(after.refused - before.refused).toBeGreaterThan(CONNECTIONS / 2);
    expect(after.open).toBeLessThanOrEqual(64);
    expect(process.memoryUsage.rss() - rss).toBeLessThan(100 << 20);
    await ops.stop();
  });

  it('clients that never read do not keep others from an answer', async () => {
    const big = new MetricsRegistry();
    const long = 'a-rather-long-label-value-to-make-the-body-large-'.repeat(2);
    const counter = big.counter({ name: 'big_total', help: 'h', labelNames: ['n'] });
    for (let n = 0; n < 10_000; n += 1) counter.inc({ n: `${long}${n}` });
    const ops = new OpsServer({ registries: [big] });
    await ops.start();
    const port = portOf(ops);
    const silent = Array.from({ length: 30 }, () => {
      const socket = net.connect(port, '127.0.0.1');
      socket.on('error', () => undefined);
      socket.pause();
      socket.write('GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n');
      return socket;
    });
    for (let n = 0; n < 20; n += 1) expect((await ask(port, '/live')).status).toBe(200);
    const scrape = await ask(port, '/metrics');
    expect(scrape.text.match(/^big_total\{/gm)).toHaveLength(10_000);
    for (const socket of silent) socket.destroy();
    await ops.stop();
  });
});

/** A server with a large registry, and scrapers that never pause. */
const UNDER_LOAD = `
  const counter = metrics.counter({ name: 'load_total', help: 'h', labelNames: ['n'] });
  for (let n = 0; n < 10000; n += 1) counter.inc({ n: String(n) });
  const ops = new OpsServer({ registries: [metrics], port: Number(process.env.OPS_PORT ?? 0) });
  await ops.start();
  console.log('port', ops.address.port);
`;

/** Scrapes without a pause until the server is gone; the number of whole answers. */
async function scrapeToTheEnd(port: number): Promise<number> {
  for (let whole = 0; ; whole += 1) {
    const answer = await ask(port, '/metrics').catch(() => undefined);
    if (!answer) return whole;
    expect(answer.text.match(/^load_total\{/gm)).toHaveLength(10_000);
  }
}

describe('a sudden end', () => {
  it('SIGKILL during a scrape cuts the scrape, and the next process takes the port at once', async () => {
    const first = run(`${UNDER_LOAD} setInterval(() => undefined, 1000);`);
    const port = Number(await first.says(/port (\d+)/));
    const scrapers = [scrapeToTheEnd(port), scrapeToTheEnd(port)];
    for (let n = 0; n < 5; n += 1) await ask(port, '/metrics');
    first.child.kill('SIGKILL');
    await Promise.all(scrapers);
    expect(await first.ended).toEqual({ code: null, signal: 'SIGKILL' });
    const second = new Program(`${UNDER_LOAD} setInterval(() => undefined, 1000);`, { OPS_PORT: String(port) });
    programs.push(second);
    expect(Number(await second.says(/port (\d+)/))).toBe(port);
    expect((await ask(port, '/live')).status).toBe(200);
  });

  it.each([
    ['process.exit', 'process.exit(7)', 7],
    ['an uncaught exception', "throw new Error('on purpose')", 1],
    ['a natural end', 'clearInterval(alive)', 0],
  ])('%s during scrapes ends the process with its own exit code', async (_, end, code) => {
    const program = run(
      `${UNDER_LOAD} const alive = setInterval(() => undefined, 1000); process.stdin.once('data', () => { process.stdin.destroy(); ${end}; });`,
    );
    const port = Number(await program.says(/port (\d+)/));
    const scrapers = [scrapeToTheEnd(port), scrapeToTheEnd(port)];
    for (let n = 0; n < 5; n += 1) await ask(port, '/metrics');
    program.child.stdin?.write('end\n');
    expect(await program.ended).toEqual({ code, signal: null });
    await Promise.all(scrapers);
  });

  it('a worker thread that is terminated takes its server with it and nothing else', async () => {
    const program = run(`
      import { get } from 'node:http';
      import { Worker, isMainThread, parentPort } from 'node:worker_threads';
      import { fileURLToPath } from 'node:url';
      if (isMainThread) {
        const ops = new OpsServer({ registries: [metrics] });
        await ops.start();
        for (let n = 0; n < 10; n += 1) {
          const worker = new Worker(fileURLToPath(import.meta.url));
          const port = await new Promise((resolve) => worker.once('message', resolve));
          // Not fetch: that of Node 20 now and then leaves its promise open when the server goes while it connects.
          const scrape = new Promise((done) => {
            get('http://127.0.0.1:' + port + '/metrics', (answer) => answer.resume().on('close', done)).on('error', done);
          });
          await worker.terminate();
          await scrape;
        }
        console.log('port', ops.address.port);
        process.stdin.resume();
      } else {
        const server = new OpsServer({ registries: [metrics] });
        await server.start();
        parentPort.postMessage(server.address.port);
        setInterval(() => undefined, 1000);
      }
    `);
    const port = Number(await program.says(/port (\d+)/));
    expect((await ask(port, '/live')).status).toBe(200);
  });
});
