// Servers in the primary and the workers of a cluster: never two on one port, and nobody stays without an explanation.
import { expect, it } from 'vitest';
import { ask, Program } from './clients.js';

const script = (workerOptions: string): string => `
  import cluster from 'node:cluster';
  import { writeSync } from 'node:fs';
  const say = (text) => writeSync(1, text + '\\n');
  if (cluster.isPrimary) {
    metrics.counter({ name: 'primary_total', help: 'h' }).inc();
    const ops = new OpsServer({ registries: [metrics] });
    await ops.start();
    say('primary ' + ops.address.port);
    const workers = [1, 2].map(() => cluster.fork({ OPS_PORT: String(ops.address.port) }));
    process.stdin.on('data', async () => { await ops.stop(); for (const worker of workers) worker.process.kill(); process.exit(); });
  } else {
    metrics.counter({ name: 'worker_total', help: 'h' }).inc();
    const ops = new OpsServer({ registries: [metrics], port: Number(process.env.OPS_PORT), ${workerOptions} });
    await ops.start();
    say('worker ' + JSON.stringify(ops.address));
  }
`;

async function workersOf(program: Program): Promise<string[]> {
  await program.says(/^worker .*$[\s\S]*^worker .*$/m);
  return [...program.said.matchAll(/^worker (\{.*?\}|null)$/gm)].map((match) => match[1] as string);
}

it('a worker leaves the primary’s port alone and says why', async () => {
  const program = new Program(script(''));
  const port = Number(await program.says(/primary (\d+)/));
  expect(await workersOf(program)).toEqual(['null', 'null']);
  await program.says(/KYMO_OPS_CLUSTER_WORKER[\s\S]*KYMO_OPS_CLUSTER_WORKER/);
  expect((await ask(port, '/metrics')).text).toContain('primary_total 1\n');
  program.child.stdin?.write('end\n');
  await program.ended;
});

it("with clusterWorkers: 'own-port' each worker serves its own metrics", async () => {
  const program = new Program(script("clusterWorkers: 'own-port'"));
  const port = Number(await program.says(/primary (\d+)/));
  const ports = (await workersOf(program)).map((address) => (JSON.parse(address) as { port: number }).port);
  expect(new Set([port, ...ports]).size).toBe(3);
  for (const own of ports) expect((await ask(own, '/metrics')).text).toContain('worker_total 1\n');
  expect((await ask(port, '/metrics')).text).not.toContain('worker_total');
  program.child.stdin?.write('end\n');
  await program.ended;
});
