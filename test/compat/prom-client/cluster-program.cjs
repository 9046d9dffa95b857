// A program with three cluster workers, on the client whose file is given. Prints as JSON what the primary's requests give.
// Usage: node cluster-program.cjs FILE CLASS CASE
const cluster = require('node:cluster');

const [file, kind, what] = process.argv.slice(2);
const client = require(file);
const WORKERS = 3;

// The five seconds that a request may take are three here.
const { setTimeout: real } = globalThis;
globalThis.setTimeout = (call, ms, ...rest) => real(call, ms === 5000 ? 3000 : ms, ...rest);

const message = (wanted) =>
  new Promise((resolve) => {
    let left = WORKERS;
    cluster.on('message', (_worker, { ready }) => {
      if (ready === wanted && --left === 0) resolve();
    });
  });

async function primary() {
  const registry = new client[kind]();
  const outcome = [];
  const ask = async () => {
    try {
      outcome.push(await registry.clusterMetrics());
    } catch (error) {
      outcome.push(String(error));
    }
  };
  new client.Gauge({ name: 'primary_only', help: 'h' }).set(1);
  if (what === 'none') {
    await ask();
    return outcome;
  }
  const ready = message('counted');
  const workers = Array.from({ length: WORKERS }, () => cluster.fork());
  await ready;
  await Promise.all([ask(), ask()]);
  if (what === 'goodbye') {
    const gone = message('gone');
    for (const worker of workers) worker.send({ end: worker.id !== 1 });
    await gone;
    await ask();
  }
  if (what === 'killed') {
    // Node takes a worker off its list once it has exited and its channel is closed, in either order: a request between the two is an EPIPE.
    const gone = (worker, event) => new Promise((resolve) => worker.once(event, resolve));
    const ends = workers.slice(1).flatMap((worker) => [gone(worker, 'exit'), gone(worker, 'disconnect')]);
    for (const worker of workers.slice(1)) worker.process.kill('SIGKILL');
    await Promise.all(ends);
    await ask();
  }
  return outcome;
}

async function worker() {
  const registry = what === 'deaf' && cluster.worker.id === 3 ? undefined : new client[kind]();
  const { id } = cluster.worker;
  new client.Counter({ name: 'requests_total', help: 'h', labelNames: ['path'] }).inc({ path: '/a' }, id);
  new client.Gauge({ name: 'highest', help: 'h', aggregator: 'max' }).set(id * 10);
  new client.Gauge({ name: 'first', help: 'h', aggregator: 'omit' }).set(id);
  new client.Histogram({ name: 'seconds', help: 'h', buckets: [1, 2] }).observe(id);
  if (what === 'other') {
    const other = new client.Registry();
    new client.Counter({ name: 'other_total', help: 'h', registers: [other] }).inc(id);
    client[kind].setRegistries([client.register, other]);
  }
  if (what === 'failing' && id === 2) {
    const collect = () => {
      throw new Error('cannot collect');
    };
    new client.Gauge({ name: 'failing', help: 'h', collect });
  }
  if (what === 'deaf' && id === 3) process.send({ type: '@prometheus-io/client:announcement' });
  process.on('message', async ({ end }) => {
    if (end === undefined) return;
    if (end) await registry.shutdown();
    process.send({ ready: 'gone' }, () => end && process.disconnect());
  });
  process.send({ ready: 'counted' });
}

if (cluster.isPrimary) primary().then((outcome) => process.stdout.write(JSON.stringify(outcome), () => process.exit()));
else worker();
