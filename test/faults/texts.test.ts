// Large texts in a loop: what was lent to JavaScript comes back in time.
import { execFileSync } from 'node:child_process';
import { expect, it } from 'vitest';

const BUILT = new URL('../../dist/index.js', import.meta.url).href;

it('a program that asks for large texts without pause stays bounded', { timeout: 60_000 }, () => {
  const script = `
    import { MetricsRegistry } from ${JSON.stringify(BUILT)};
    const registry = new MetricsRegistry();
    const counter = registry.counter({ name: 'c_total', help: 'c', labelNames: ['route'] });
    for (let k = 0; k < 9_000; k++) counter.inc({ route: '/a/rather/long/route/of/an/application/' + k });
    const length = registry.formatPrometheus().length;
    const before = process.memoryUsage.rss();
    let peak = 0;
    let same = 0;
    for (let n = 0; n < 1_500; n++) {
      same += (n % 2 === 0 ? registry.formatPrometheus() : await registry.metrics()).length === length ? 1 : 0;
      if (n % 20 === 0) peak = Math.max(peak, process.memoryUsage.rss() - before);
    }
    console.log(JSON.stringify({ length, same, peak }));`;
  const { length, same, peak } = JSON.parse(
    execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' }),
  ) as Record<'length' | 'same' | 'peak', number>;
  // Long enough to be lent rather than copied.
  expect(length).toBeGreaterThan(500_000);
  expect(same).toBe(1_500);
  expect(peak).toBeLessThan(400e6);
  expect(length * same).toBeGreaterThan(2 * 400e6 - 1);
});
