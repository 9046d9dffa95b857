// The promise of the ops server: it answers while the event loop of its process does not turn.
import { writeFileSync } from 'node:fs';
import { afterEach, expect, it } from 'vitest';
import { ask, Program, temporaryFolder } from './clients.js';

const folder = temporaryFolder();
const programs: Program[] = [];
afterEach(async () => {
  for (const program of programs.splice(0)) {
    program.child.kill('SIGKILL');
    await program.ended;
  }
  folder.remove();
});

it('[C-74] answers /metrics and /live while the loop is blocked, with values of this very moment', async () => {
  const gate = `${folder.path}/go-on`;
  const program = new Program(`
    import { existsSync, writeSync } from 'node:fs';
    const turns = metrics.counter({ name: 'turns_total', help: 'Turns of a loop that blocks the event loop' });
    const ops = new OpsServer({ registries: [metrics] });
    await ops.start();
    let ticks = 0;
    setInterval(() => { ticks += 1; }, 1).unref();
    writeSync(1, 'port ' + ops.address.port + '\\n');
    const before = ticks;
    while (!existsSync(${JSON.stringify(gate)})) turns.inc();
    writeSync(1, ticks === before ? 'it was blocked throughout\\n' : 'it turned\\n');
    await ops.stop();
  `);
  programs.push(program);
  const port = Number(await program.says(/port (\d+)/));
  const turns = async (): Promise<number> => Number(/^turns_total (\d+)$/m.exec((await ask(port, '/metrics')).text)?.[1]);
  let last = -1;
  for (let n = 0; n < 50; n += 1) {
    const live = await ask(port, '/live');
    expect([live.status, live.text]).toEqual([200, '{"status":"ok"}']);
    const now = await turns();
    expect(now).toBeGreaterThanOrEqual(last);
    last = now;
  }
  expect(last).toBeGreaterThan(0);
  writeFileSync(gate, '');
  await program.says(/it was blocked throughout/);
  expect(await program.ended).toEqual({ code: 0, signal: null });
});
