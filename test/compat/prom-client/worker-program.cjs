// A program with three worker threads, on the client whose file is given. Prints as JSON what the main thread's requests give.
// Usage: node worker-program.cjs FILE CASE
const { Worker, isMainThread, parentPort, threadId, workerData } = require('node:worker_threads');

const [file, what] = isMainThread ? process.argv.slice(2) : workerData;
const client = require(file);
const WORKERS = 3;

// The five seconds that a request may take are three here.
const { setTimeout: real } = globalThis;
globalThis.setTimeout = (call, ms, ...rest) => real(call, ms === 5000 ? 3000 : ms, ...rest);

const heard = (worker) => new Promise((resolve) => worker.once('message', resolve));

async function main() {
  const registry = new client.WorkerRegistry();
  const outcome = [];
  const ask = async () => {
    try {
      outcome.push(await registry.workerMetrics());
    } catch (error) {
      outcome.push(String(error));
    }
  };
  new client.Gauge({ name: 'main_only', help: 'h' }).set(1);
  if (what === 'none') {
    await ask();
    return outcome;
  }
  const workers = Array.from({ length: WORKERS }, () => new Worker(__filename, { workerData: [file, what] }));
  await Promise.all(workers.map(heard));
  while (client.WorkerRegistry.workerCount() < WORKERS) await new Promise((resolve) => real(resolve, 5));
  await Promise.all([ask(), ask()]);
  if (what === 'goodbye') {
    const ends = workers.slice(1).map((worker) => new Promise((resolve) => worker.once('exit', resolve)));
    for (const worker of workers.slice(1)) worker.postMessage('end');
    await Promise.all(ends);
    await ask();
  }
  if (what === 'killed') {
    await workers[2].terminate();
    await ask();
  }
  return outcome;
}

function worker() {
  const registry = new client.WorkerRegistry();
  new client.Counter({ name: 'requests_total', help: 'h', labelNames: ['path'] }).inc({ path: '/a' }, threadId);
  new client.Gauge({ name: 'highest', help: 'h', aggregator: 'max' }).set(threadId * 10);
  new client.Histogram({ name: 'seconds', help: 'h', buckets: [1, 2] }).observe(threadId);
  if (what === 'other') {
    const other = new client.Registry();
    new client.Counter({ name: 'other_total', help: 'h', registers: [other] }).inc(threadId);
    client.WorkerRegistry.setRegistries(other);
  }
  parentPort.on('message', async () => {
    await registry.shutdown();
    parentPort.close();
  });
  parentPort.postMessage('counted');
}

if (isMainThread) main().then((outcome) => process.stdout.write(JSON.stringify(outcome), () => process.exit()));
else worker();
