// What scripts of the thread tests have at hand, in the main thread of a child process and in its workers.
import { answer, type ChildOptions, DIST, type Ended, run } from '../recorder/processes.js';

/** Where segments can be: each must do the same for metrics. */
export const MEMORIES = ['file', 'anonymous', 'internal'] as const;

/** A worker that runs what it is told: the text of a function body, with `ctx` to keep things in. */
const WORKER = `
const { parentPort } = await import('node:worker_threads');
const { metrics, MetricsRegistry } = await import('${DIST}index.js');
const ctx = {};
const declare = () => ({
  counter: metrics.counter({ name: 'c', help: 'c', labelNames: ['k'], maxSeries: 1_000_000 }),
  gauge: metrics.gauge({ name: 'g', help: 'g', labelNames: ['k'] }),
  histogram: metrics.histogram({ name: 'h', help: 'h', labelNames: ['k'], buckets: [1, 2] }),
});
parentPort.on('message', async (body) => {
  if (body === null) return parentPort.close();
  const run = Object.getPrototypeOf(async () => {}).constructor;
  parentPort.postMessage(await new run('ctx', 'metrics', 'MetricsRegistry', 'declare', 'parentPort', body)(ctx, metrics, MetricsRegistry, declare, parentPort));
});
`;

const LIBRARY = `
const { MetricsRegistry } = await import('${DIST}index.js');
const { native } = await import('${DIST}binding/load.js');
const { once } = await import('node:events');
const declare = () => ({
  counter: metrics.counter({ name: 'c', help: 'c', labelNames: ['k'], maxSeries: 1_000_000 }),
  gauge: metrics.gauge({ name: 'g', help: 'g', labelNames: ['k'] }),
  histogram: metrics.histogram({ name: 'h', help: 'h', labelNames: ['k'], buckets: [1, 2] }),
});
/** Starts a worker: \`ask\` runs a body in it, \`end\` lets it end, \`worker\` is the thread. */
const start = () => {
  const worker = new Worker(new URL('data:text/javascript,' + encodeURIComponent(${JSON.stringify(WORKER)})));
  const gone = new Promise((done) => worker.once('exit', done));
  const ask = async (body) => { worker.postMessage(body); return (await once(worker, 'message'))[0]; };
  const end = async (body) => { const said = body === undefined ? undefined : await ask(body); worker.postMessage(null); await gone; return said; };
  return { worker, gone, ask, end };
};
const samples = () => Object.fromEntries(metrics.formatPrometheus().split('\\n').filter((line) => line && !line.startsWith('#'))
  .map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]));
const drops = () => Object.fromEntries([...native.renderSync([native.openRegistry('kymo')], 0, false)
  .matchAll(/^kymo_dropped_total\\{signal="metrics",reason="(\\w+)"\\} (\\d+)$/gm)].filter(([, , n]) => n !== '0').map(([, reason, n]) => [reason, Number(n)]));
const bytes = async () => { const { fileBytes, anonymousBytes } = await memoryState(); return fileBytes + anonymousBytes; };
`;

/** The library in front of a script, for a `Child` that is told things while it runs. */
export function withLibrary(script: string): string {
  return `${LIBRARY}\n${script}`;
}

/** Runs a script in a child process of its own and gives what it said last; fails when it did not end well. */
export async function inChild<T>(
  memory: (typeof MEMORIES)[number],
  folder: string,
  script: string,
  options: Partial<ChildOptions> = {},
): Promise<T> {
  const ended: Ended = await run(withLibrary(script), { folder, ...options, env: { KYMO_MEMORY: memory, ...options.env } });
  if (ended.code !== 0) throw new Error(`ended with ${ended.code ?? ended.signal}: ${ended.stderr}`);
  return answer<T>(ended);
}
