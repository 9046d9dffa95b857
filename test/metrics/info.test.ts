// Infos: one series of labels with value 1, replaced as a whole, whichever thread says so.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Info, MetricsRegistry } from '../../src/index.js';
import { memoryFolder, removeFolder } from '../recorder/processes.js';
import { dropsOf, scrape } from './scrape.js';
import { inChild, MEMORIES } from './thread-script.js';

function made() {
  const registry = new MetricsRegistry();
  return { registry, info: registry.info({ name: 'build', help: 'Build', labelNames: ['version', 'commit'] }) };
}

describe('an info', () => {
  it('shows the labels that were set last, as a gauge of 1 in text and as an info in OpenMetrics', async () => {
    const { registry, info } = made();
    expect(info.get()).toBeUndefined();
    expect(scrape(registry)).toEqual({});
    info.set({ version: '1', commit: 'a' });
    info.set({ version: '2', commit: 'a' });
    info.set({ version: '2', commit: 'b' });
    info.set({ version: '2', commit: 'b' });
    expect(info.get()).toEqual({ version: '2', commit: 'b' });
    expect(registry.formatPrometheus()).toBe('# HELP build_info Build\n# TYPE build_info gauge\nbuild_info{version="2",commit="b"} 1\n');
    expect(await registry.metrics({ format: 'openmetrics' })).toBe(
      '# TYPE build info\n# HELP build Build\nbuild_info{version="2",commit="b"} 1\n# EOF\n',
    );
    info.set({ version: '1', commit: 'a' });
    expect(scrape(registry)).toEqual({ 'build_info{version="1",commit="a"}': 1 });
  });

  it('is called the same with and without its suffix', () => {
    const registry = new MetricsRegistry();
    const info = registry.info({ name: 'app_info', help: 'App' });
    info.set({});
    expect(info.name).toBe('app');
    expect(scrape(registry)).toEqual({ app_info: 1 });
  });

  it('is 1 after a reset, and gone after a removal', () => {
    const { registry, info } = made();
    info.set({ version: '1', commit: 'a' });
    info.reset();
    expect(scrape(registry)).toEqual({ 'build_info{version="1",commit="a"}': 1 });
    expect(info.remove('1', 'a')).toBe(true);
    expect(scrape(registry)).toEqual({});
    info.set({ version: '1', commit: 'a' });
    expect(scrape(registry)).toEqual({ 'build_info{version="1",commit="a"}': 1 });
  });

  it('changes nothing when labels do not fit, and shows nothing for a value that cannot be shown', () => {
    const { registry, info } = made();
    info.set({ version: '1', commit: 'a' });
    for (const labels of [{ version: '2' }, { version: '2', commit: 'b', other: 'c' }, { version: '2', commit: null }]) {
      expect(() => info.set(labels as never)).toThrowError(expect.objectContaining({ code: 'KYMO_METRICS_LABELS' }));
    }
    expect(scrape(registry)).toEqual({ 'build_info{version="1",commit="a"}': 1 });
    expect(dropsOf(() => info.set({ version: 'x'.repeat(20_000), commit: 'b' }))).toEqual({ label_too_long: 1 });
    expect(scrape(registry)).toEqual({});
  });

  it('may be made without a registry, and shows no memory when it is logged', () => {
    const info = new Info({ name: 'alone', labelNames: ['a'] });
    info.set({ a: 'b' });
    expect(info.get()).toEqual({ a: 'b' });
    expect(JSON.stringify([info, info.labels('c')])).toBe('[{"name":"alone","help":"","labelNames":["a"]},{"info":true}]');
  });
});

let folder: string;
beforeAll(() => {
  folder = memoryFolder();
});
afterAll(() => removeFolder(folder));

describe.each(MEMORIES)('threads that say who they are, with memory %s', (memory) => {
  it('are one series, which stays when the thread that said so ended', async () => {
    const seen = await inChild<Record<string, number>[]>(
      memory,
      folder,
      `const info = metrics.info({ name: 'build', help: 'b', labelNames: ['v'] });
       const { ask, end } = start();
       const theirs = "metrics.info({ name: 'build', help: 'b', labelNames: ['v'] }).set({ v: V }); return 1";
       const seen = [];
       info.set({ v: '1' }); seen.push(samples());
       await ask(theirs.replace('V', "'1'")); seen.push(samples());
       await ask(theirs.replace('V', "'2'")); seen.push(samples());
       info.set({ v: '1' }); seen.push(samples());
       await ask(theirs.replace('V', "'3'")); seen.push(samples());
       await end(); seen.push(samples());
       say(seen);`,
    );
    const shown = (v: string) => ({ [`build_info{v="${v}"}`]: 1 });
    expect(seen).toEqual([shown('1'), shown('1'), shown('2'), shown('1'), shown('3'), shown('3')]);
  });
});
