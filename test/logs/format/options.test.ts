// What the options of formats refuse, and which of them counts.
import { describe, expect, it } from 'vitest';
import { KymoError } from '../../../src/core/errors.js';
import { compileLogFormat, type LogFormatOptions, nativeLogFormat } from '../../../src/logs/format/options.js';

const problem = (options: unknown): string => {
  try {
    compileLogFormat(options as LogFormatOptions);
    return '';
  } catch (error) {
    return KymoError.is(error) && error.code === 'KYMO_LOG_FORMAT' ? error.message : `not ours: ${String(error)}`;
  }
};

describe('options of a format', () => {
  it.each([
    [{ preset: 'toString' }, 'the preset "toString" is none of default'],
    [{ format: 'xml' }, 'the option format is "xml", expected one of json, text'],
    [{ timeFormat: 'iso8601' }, 'the option timeFormat is "iso8601", expected iso, epochSeconds'],
    [{ timeFormat: '%Y-%Q' }, '%Q means nothing in "%Y-%Q"'],
    [{ levelFormat: 'Upper' }, 'the option levelFormat is "Upper", expected one of lower, upper, number'],
    [{ levelNames: { '-1': 'x' } }, 'the option levelNames is "-1", expected numbers in [0, 65535]'],
    [{ traceIdFormat: 'base64' }, 'the option traceIdFormat is "base64", expected one of hex, ulid, uuid, prefixed'],
    [{ keyOrder: ['time', 'time'] }, 'the option keyOrder is ["time","time"], expected some of time, level'],
    [{ fieldNames: { time: '' } }, 'the option fieldNames.time is "", expected a text that is not empty'],
    [{ fieldNames: { error: false } }, 'the option fieldNames.error is false, expected a text that is not empty'],
    [{ fieldNames: { level: 'ts' } }, 'the key "ts" would come twice'],
    [{ base: { msg: 1 } }, 'the key "msg" would come twice'],
    [{ nestedKey: 'level' }, 'the key "level" would come twice'],
    [{ base: { a: { b: 1n } } }, 'the option base.a is object, expected what JSON can say'],
    [{ defaults: 'x' }, 'the option defaults is "x", expected an object'],
    [{ errors: 'pino' }, 'the option errors is "pino", expected one of object, text, otel, ecs, gcp'],
    [{ template: '%(message)' }, 'the template "%(message)" has a % that means nothing'],
  ])('are refused when they make none: %o', (options, expected) => {
    expect(problem(options)).toContain(expected);
  });

  it('give the same number when they are the same, and another one otherwise', () => {
    const number = compileLogFormat({ preset: 'lexigram' });
    expect(compileLogFormat({ preset: 'lexigram' })).toBe(number);
    expect(compileLogFormat({ preset: 'lexigram', levelFormat: 'lower' })).not.toBe(number);
    expect(problem({ unknown: 1 })).toBe('');
  });

  it('count before those of the format, which count before those of the preset', () => {
    expect(nativeLogFormat({ preset: 'hearthnet' })).toMatchObject({ shape: 'json', levelCase: 'lower', traceId: 'ulid', error: 'text' });
    expect(nativeLogFormat({ preset: 'hearthnet', format: 'text' })).toMatchObject({ shape: 'text', levelCase: 'upper', traceId: 'ulid' });
    expect(nativeLogFormat({ preset: 'hearthnet', format: 'text', levelFormat: 'lower' }).levelCase).toBe('lower');
    expect(nativeLogFormat({ preset: 'hearthnet', fieldNames: { message: 'm' } }).names).toMatchObject({
      time: 'ts',
      message: 'm',
      spanId: '',
    });
    expect(nativeLogFormat({ format: 'ecs', base: { 'service.name': 'shop' } }).base).toEqual([
      { name: 'ecs.version', value: '8.11.0' },
      { name: 'service.name', value: 'shop' },
    ]);
  });

  it('leave out what is false or not in the order', () => {
    expect(nativeLogFormat({ fieldNames: { logger: false } }).order).not.toContain('logger');
    expect(nativeLogFormat({ includeTraceContext: false }).names).toEqual({ traceId: '', spanId: '', traceFlags: '' });
    expect(nativeLogFormat({ base: { a: null, b: undefined, c: [1], d: Number.NaN } }).base).toEqual([
      { name: 'a' },
      { name: 'c', json: '[1]' },
      { name: 'd', value: Number.NaN },
    ]);
  });
});
