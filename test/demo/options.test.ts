// The command line of the demo: what it accepts, at the edges what it refuses, and that --help names all of it.
import { describe, expect, it } from 'vitest';
import { ACCESS_LOG } from '../../src/demo/access-log.js';
import { helpText, parseOptions } from '../../src/demo/options.js';

const DEFAULTS = { durationMs: undefined, load: true, rate: 300, port: 8080, opsPort: 9464, blockMs: undefined, accessLog: ACCESS_LOG };

function problem(...args: string[]): string {
  const parsed = parseOptions(args);
  return parsed.kind === 'usage' ? parsed.problem : `accepted: ${JSON.stringify(parsed)}`;
}

describe('options of the demo', () => {
  it('run it with load and until Ctrl-C when there are none', () => {
    expect(parseOptions([])).toEqual({ kind: 'run', options: DEFAULTS });
  });

  it('are read with a space or an equals sign, the last of a repeated one wins', () => {
    const given = [
      '--duration',
      '10s',
      '--port=0',
      '--ops-port',
      '9500',
      '--rate',
      '5',
      '--rate=50',
      '--block',
      '2s',
      '--access-log',
      '/tmp/a.log',
    ];
    const options = { ...DEFAULTS, accessLog: '/tmp/a.log', durationMs: 10_000, port: 0, opsPort: 9500, rate: 50, blockMs: 2_000 };
    expect(parseOptions(given)).toEqual({ kind: 'run', options });
    expect(parseOptions(['--no-load'])).toEqual({ kind: 'run', options: { ...DEFAULTS, load: false } });
  });

  it.each([
    ['500ms', 500],
    ['1.5s', 1_500],
    ['2m', 120_000],
    ['1ms', 1],
    ['1440m', 86_400_000],
  ])('take %s as a time', (text, durationMs) => {
    expect(parseOptions(['--duration', text])).toEqual({ kind: 'run', options: { ...DEFAULTS, durationMs } });
  });

  it.each(['10', 's', '-1s', '1h', '1e3s', '10 s', '', '0s', '0.4ms', '1441m', 'NaNs', '1s1s'])('refuse %j as a time', (text) => {
    expect(problem('--duration', text)).toMatch(/^--duration is ".*", expected /);
  });

  it('bound the block to a minute', () => {
    expect(parseOptions(['--block', '1m']).kind).toBe('run');
    expect(problem('--block', '60001ms')).toBe('--block is "60001ms", expected 1ms to 1m');
  });

  it.each([
    ['--port', '65535', '65536'],
    ['--port', '0', '-1'],
    ['--ops-port', '65535', '0x50'],
    ['--rate', '1', '0'],
    ['--rate', '20000', '20001'],
    ['--rate', '10', '10.5'],
  ])('accept %s %s and refuse %s', (flag, good, bad) => {
    expect(parseOptions([flag, good]).kind).toBe('run');
    expect(problem(`${flag}=${bad}`)).toContain(`${flag} is "${bad}", expected a whole number from `);
  });

  it('name an unknown option and the one that was probably meant', () => {
    expect(problem('--durration', '1s')).toBe('unknown option "--durration" (did you mean --duration?)');
    expect(problem('--dur=1s')).toContain('did you mean --duration?');
    expect(problem('--frobnicate')).toBe('unknown option "--frobnicate"');
    expect(problem('--constructor')).toBe('unknown option "--constructor"');
    expect(problem('-x')).toMatch(/^unknown option "-x"/);
  });

  it('show what they refuse without its control characters, and not all of it', () => {
    expect(problem('--\u001b[31mred')).toBe('unknown option "--\\u001b[31mred"');
    expect(problem(`--${'x'.repeat(10_000)}`).length).toBeLessThan(100);
  });

  it('say when a value is missing, too much, or without its option', () => {
    expect(problem('--duration')).toBe('--duration needs a value: --duration TIME');
    expect(problem('--duration', '--no-load')).toBe('--duration needs a value: --duration TIME');
    expect(problem('--no-load=yes')).toBe('--no-load takes no value');
    // What npm leaves over from `npm start --duration 10s`.
    expect(problem('10s')).toBe('unexpected argument "10s"; options follow a lone `--`: npm start -- --duration 10s');
  });

  it('refuse a rate for no load', () => {
    expect(problem('--rate', '5', '--no-load')).toContain('exclude each other');
  });

  it('are all in the help', () => {
    expect(parseOptions(['--no-load', '--help'])).toEqual({ kind: 'help' });
    expect(parseOptions(['-h'])).toEqual({ kind: 'help' });
    for (const flag of ['--duration', '--no-load', '--rate', '--port', '--ops-port', '--block', '--help'])
      expect(helpText()).toContain(`  ${flag}`);
  });
});
