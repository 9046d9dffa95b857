// What one import gives, and what it does not do.
import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';

const BUILT = new URL('../../dist/index.js', import.meta.url).href;

/** What a module that imports the built package prints, as JSON. */
function told(script: string): unknown {
  const { stdout, stderr, status } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return JSON.parse(stdout);
}

describe('the entry point', () => {
  it('offers metrics, the helper for tasks and pools, and the ops server from one import, which starts nothing [C-01]', () => {
    const script = `
      const before = process.getActiveResourcesInfo();
      const kymo = await import(${JSON.stringify(BUILT)});
      // Reading the files of the modules ends some turns later.
      for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
      console.log(JSON.stringify({
        kinds: [kymo.MetricsRegistry, kymo.CoordinationMetrics, kymo.OpsServer, kymo.recoverRuns].map((one) => typeof one),
        resources: process.getActiveResourcesInfo().filter((one) => !before.includes(one)),
        text: kymo.metrics.formatPrometheus(),
        uncaught: process.listenerCount('uncaughtException') + process.listenerCount('unhandledRejection'),
      }));`;
    expect(told(script)).toEqual({ kinds: ['function', 'function', 'function', 'function'], resources: [], text: '', uncaught: 0 });
  });

  it('lets each part be used without the others [C-01]', () => {
    const alone = (body: string) => told(`const kymo = await import(${JSON.stringify(BUILT)}); ${body}`);
    expect(
      alone(
        'const r = new kymo.MetricsRegistry(); new kymo.CoordinationMetrics(r).taskSubmitted(); console.log(r.snapshot().counters.task_submitted_total);',
      ),
    ).toBe(1);
    expect(
      alone(`const ops = new kymo.OpsServer({ port: 0 }); await ops.start();
        console.log((await fetch('http://127.0.0.1:' + ops.address.port + '/live')).status); await ops.stop();`),
    ).toBe(200);
  });
});
