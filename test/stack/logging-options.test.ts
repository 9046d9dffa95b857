// What options of logging become before anything is opened: levels, policies, formats per sink, and what presets set.
import { describe, expect, it } from 'vitest';
import { LOG_PRESETS } from '../../src/logs/format/presets.js';
import { fileSink } from '../../src/logs/sinks/file.js';
import { stdoutSink } from '../../src/logs/sinks/standard.js';
import { planLogging } from '../../src/stack/logging-options.js';

describe('planLogging', () => {
  it('without options writes from info on to the standard output, and holds nothing', () => {
    const plan = planLogging({});
    expect(plan).toMatchObject({ enabled: true, scale: 'pino', words: 'short', root: 30, levels: [], traced: true, blockBudgetMs: 100 });
    expect([plan.heldFrom, plan.redaction, plan.base]).toEqual([Number.POSITIVE_INFINITY, undefined, undefined]);
    expect(plan.sinks.map(({ sink, minLevel }) => [sink.name, minLevel])).toEqual([['stdout', 0]]);
  });

  it('[C-10] reads numbers in the scale of the preset, everywhere', () => {
    const options = {
      level: 10,
      levels: { db: 40 },
      debugBuffer: { level: 5 },
      sinks: [{ sink: stdoutSink(), level: 50 }],
    };
    const python = planLogging({ preset: 'lexigram', ...options });
    expect([python.root, python.levels, python.heldFrom, python.sinks[0]?.minLevel]).toEqual([20, [['db', 50]], 10, 60]);
    const pino = planLogging(options);
    expect([pino.root, pino.levels, pino.heldFrom, pino.sinks[0]?.minLevel]).toEqual([10, [['db', 40]], 5, 50]);
  });

  it('keeps what is usual about full rings below and above the levels that are named', () => {
    expect(planLogging({}).policies).toEqual([
      { level: 0, onFull: 'drop-newest' },
      { level: 30, onFull: 'block' },
    ]);
    expect(planLogging({ overload: { debug: 'drop-oldest', error: 'block', info: 'drop-newest' }, blockBudgetMs: 0 })).toMatchObject({
      policies: [
        { level: 0, onFull: 'drop-newest' },
        { level: 20, onFull: 'drop-oldest' },
        { level: 30, onFull: 'drop-newest' },
        { level: 50, onFull: 'block' },
      ],
      blockBudgetMs: 0,
    });
  });

  it('puts together names to redact from both options', () => {
    const rules = (options: Parameters<typeof planLogging>[0]): string[] =>
      planLogging(options).redaction?.rules.map(({ source }) => source) ?? [];
    expect(rules({ redactFields: ['password'] })).toEqual(['password']);
    expect(rules({ redactFields: ['pin'], redact: { names: ['token'], paths: ['a.b'] } })).toEqual(['a.b', 'token', 'pin']);
    expect(rules({ redactFields: ['pin'], redact: ['a.b'] })).toEqual(['a.b', 'pin']);
    expect(rules({ redactFields: ['pin'], redact: true })).toEqual(expect.arrayContaining(['password', 'pin']));
  });

  it.each(Object.keys(LOG_PRESETS) as (keyof typeof LOG_PRESETS)[])(
    'takes the format of the preset %s unless another one is named',
    (preset) => {
      const sink = fileSink({ path: '/tmp/never-opened.log' });
      const [usual, own, none] = [{}, { jsonFormat: false }, { format: 'logfmt' as const }].map(
        (options) => planLogging({ preset, sinks: [sink, { sink, format: 'ecs' }], service: 's', ...options }).sinks,
      );
      expect(usual?.map(({ format }) => [format.preset, format.format, format.base])).toEqual([
        [preset, undefined, { service: 's' }],
        [preset, 'ecs', { 'service.name': 's' }],
      ]);
      expect([own, none].map((sinks) => sinks?.map(({ format }) => format.format))).toEqual([
        ['text', 'ecs'],
        ['logfmt', 'ecs'],
      ]);
      expect(planLogging({ preset }).sinks.length).toBe(preset === 'agentos' ? 0 : 1);
    },
  );
});
