// Options from the environment: what is accepted, what is refused, and what the refusal says.
import { describe, expect, it } from 'vitest';
import { OPTIONS, readOptions } from '../../src/config/options.js';
import { KymoError } from '../../src/core/errors.js';

function refusal(env: Record<string, string>): KymoError {
  try {
    readOptions(env);
  } catch (error) {
    if (KymoError.is(error)) return error;
    throw error;
  }
  throw new Error('accepted');
}

describe('readOptions', () => {
  it('gives every default where nothing is set', () => {
    expect(readOptions({})).toEqual(Object.fromEntries(Object.entries(OPTIONS).map(([name, row]) => [name, row.default])));
  });

  it('counts an empty variable as unset', () => {
    expect(readOptions({ KYMO_MEMORY: '', KYMO_MEMORY_LIMIT: '' })).toEqual(readOptions({}));
  });

  it('takes our own variable before the one of OpenTelemetry', () => {
    expect(readOptions({ OTEL_SERVICE_NAME: 'theirs' }).serviceName).toBe('theirs');
    expect(readOptions({ OTEL_SERVICE_NAME: 'theirs', KYMO_SERVICE_NAME: 'ours' }).serviceName).toBe('ours');
    expect(readOptions({ OTEL_SERVICE_NAME: 'theirs', KYMO_SERVICE_NAME: '' }).serviceName).toBe('theirs');
  });

  it.each([
    ['1048576', 2 ** 20],
    ['1m', 2 ** 20],
    ['1M', 2 ** 20],
    ['2048k', 2 ** 21],
    ['64mb', 2 ** 26],
    ['64 MiB', 2 ** 26],
    ['3gi', 3 * 2 ** 30],
    ['1024g', 2 ** 40],
  ])('reads the size %s as %d bytes', (text, bytes) => {
    expect(readOptions({ KYMO_MEMORY_LIMIT: text }).memoryLimitBytes).toBe(bytes);
  });

  it.each([
    '1048575',
    '1023k',
    '1025g',
    '99999999999999999999999999',
    '-1m',
    '1.5g',
    '1e9',
    '0x100000',
    'm',
    ' ',
    '1m1',
    'NaN',
    'Infinity',
    '1t',
    '1bb',
  ])('refuses the size %j', (text) => {
    const error = refusal({ KYMO_MEMORY_LIMIT: text });
    expect(error.code).toBe('KYMO_CONFIG_VALUE');
    expect(error.message).toContain('KYMO_MEMORY_LIMIT is');
    expect(error.message).toContain('expected bytes (suffixes k, m, g) in [1048576, 1099511627776]');
  });

  it('refuses a word that is not in the list, and names the list', () => {
    expect(refusal({ KYMO_MEMORY: 'File' }).message).toContain('KYMO_MEMORY is "File", expected one of file, anonymous, internal');
    for (const word of OPTIONS.memory.words) expect(readOptions({ KYMO_MEMORY: word }).memory).toBe(word);
    expect(readOptions({ KYMO_LOG_LEVEL: 'WARNING' }).logLevel).toBe('warning');
    expect(refusal({ KYMO_LOG_LEVEL: 'loud' }).message).toContain('expected one of trace, debug, info');
  });

  it('refuses a folder that is not absolute, since the working directory may change', () => {
    expect(readOptions({ KYMO_MEMORY_DIR: '/mnt/ram' }).memoryDir).toBe('/mnt/ram');
    expect(refusal({ KYMO_MEMORY_DIR: 'ram' }).message).toContain('KYMO_MEMORY_DIR is "ram", expected an absolute path');
  });

  it('cuts a hostile value in the message', () => {
    expect(refusal({ KYMO_MEMORY: 'x'.repeat(1_000_000) }).message.length).toBeLessThan(1_000);
  });

  it('reads the environment of the process when given none, without changing it', () => {
    const before = { ...process.env };
    expect(Object.keys(readOptions())).toEqual(Object.keys(OPTIONS));
    expect({ ...process.env }).toEqual(before);
  });
});
