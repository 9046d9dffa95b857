// Kymo switched off by the environment: a copy of the package without the addon, in a process of its own.
import { spawnSync } from 'node:child_process';
import { copyFileSync, cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

let copy: string;
beforeAll(() => {
  copy = mkdtempSync(join(tmpdir(), 'kymo-inert-'));
  cpSync(join(ROOT, 'dist'), join(copy, 'dist'), { recursive: true });
  copyFileSync(join(ROOT, 'package.json'), join(copy, 'package.json'));
});
afterAll(() => rmSync(copy, { recursive: true, force: true }));

/** Runs a module with the copy as `kymo`; what it shows as JSON, its complaints and how it ended. */
function run(script: string, disabled: string) {
  const code = `const kymo = await import('${pathToFileURL(join(copy, 'dist', 'index.js')).href}');
    const show = (value) => console.log(JSON.stringify(value));
    ${script}`;
  const { stdout, stderr, status } = spawnSync(process.execPath, ['--input-type=module', '-e', code], {
    encoding: 'utf8',
    timeout: 20_000,
    env: { PATH: process.env.PATH ?? '', KYMO_DISABLED: disabled },
  });
  return { shown: stdout === '' ? undefined : (JSON.parse(stdout) as unknown), stderr, status };
}

describe('a process with KYMO_DISABLED=1', () => {
  it('[H-35 H-04] runs without the addon, and gives instruments, registries and servers that do nothing', () => {
    const { shown, stderr, status } = run(
      `const { Counter, Gauge, Histogram, Summary, Info, StateSet, MetricsRegistry, OpsServer, CoordinationMetrics, AgentMetrics } = kymo;
       const { metrics, collectDefaultMetrics, createStandardMetrics, configureMetrics, recoverRuns, BufferedMetricRecorder } = kymo;
       const requests = metrics.counter({ name: 'requests_total', help: 'r', labelNames: ['method'] });
       requests.inc({ method: 'GET' });
       requests.labels('GET').inc();
       metrics.inc('a');
       metrics.gauge('b', 1);
       const alone = [new Counter({ name: 'c' }), new Gauge({ name: 'd' }), new Summary({ name: 'e' }), new Histogram({ name: 'f', native: true })];
       alone[0].inc(); alone[0].labels().inc(); alone[1].set(1); alone[2].observe(1); alone[3].observe(1); alone[3].labels().observe(2);
       new Info({ name: 'g', labelNames: ['v'] }).set({ v: '1' });
       new StateSet({ name: 'h', states: ['on'] }).set('on');
       const own = new MetricsRegistry();
       own.register(alone[0]);
       new CoordinationMetrics(own).taskSubmitted();
       new AgentMetrics(own).agentStarted()();
       createStandardMetrics(own).emergencyMode.set('full');
       collectDefaultMetrics().stop();
       const recorder = new BufferedMetricRecorder({ backend: own });
       recorder.record('x', 1);
       await recorder.stop();
       const ops = new OpsServer({ registries: [metrics] });
       await ops.start();
       const stack = await configureMetrics({ ops: { port: 0 } });
       const texts = [metrics.formatPrometheus(), await metrics.metrics(), own.toPrometheusText(), MetricsRegistry.merge([own]).formatPrometheus()];
       await Promise.all([ops.stop(), stack.stop()]);
       show({ disabled: [metrics.disabled(), own.disabled()], address: ops.address, stack: stack.ops === undefined, texts,
         runs: recoverRuns(), value: alone[0].value, collected: own.collect(), snapshot: Object.values(metrics.snapshot()) });`,
      '1',
    );
    expect(stderr.replace(/^\(node.*\n|^\(Use.*\n/gm, '')).toBe('');
    expect(shown).toEqual({
      disabled: [true, true],
      address: null,
      stack: true,
      texts: ['', '', '', ''],
      runs: [],
      value: 0,
      collected: [],
      snapshot: [{}, {}, {}, {}, {}, {}],
    });
    expect(status).toBe(0);
  });

  it('stays off for a registry that is enabled later, and for those that are opened by name', () => {
    const { shown } = run(
      `const named = new kymo.MetricsRegistry({ name: 'a', enabled: true });
       named.configure({ enabled: true, defaultLabels: { x: '1' } });
       named.setDefaultLabels({ y: '1' });
       named.inc('a');
       named.reset(); named.clear(); named.unregister('a');
       show([named.disabled(), named.snapshot().counters]);`,
      'true',
    );
    expect(shown).toEqual([true, {}]);
  });

  it('still refuses what is wrong in the program', () => {
    const { shown } = run(
      `try { kymo.metrics.inc('a', -1); } catch (error) { show([error.code, error instanceof kymo.InvalidMetricError]); }`,
      'yes',
    );
    expect(shown).toEqual(['KYMO_METRICS_VALUE', true]);
  });
});

describe('a process with KYMO_DISABLED=0', () => {
  it('needs the addon as any other', () => {
    const { stderr, status } = run('', '0');
    expect(stderr).toContain('KYMO_BINDING_MISSING');
    expect(status).toBe(1);
  });
});
