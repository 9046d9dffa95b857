// The command line of `kymo`.
import { describe, expect, it } from 'vitest';
import { parseCommand } from '../../src/cli/arguments.js';

describe('the command line', () => {
  it('recovers with defaults, and with what it is told', () => {
    expect(parseCommand(['recover'])).toEqual({ kind: 'recover', options: { shape: 'json', deadlineMs: 60_000 } });
    const args = ['recover', '--service', 'gateway', '--dir=/run/shm', '--file', 'a.log', '--format', 'logfmt', '--deadline', '1.5'];
    const options = { service: 'gateway', dir: '/run/shm', file: 'a.log', shape: 'logfmt', deadlineMs: 1_500 };
    expect(parseCommand(args)).toEqual({ kind: 'recover', options });
  });

  it('answers --help and --version whatever else is there', () => {
    expect(parseCommand(['recover', '--help', '--format', 'none']).kind).toBe('help');
    expect(parseCommand(['-h']).kind).toBe('help');
    expect(parseCommand(['--version']).kind).toBe('version');
  });

  it.each([
    [[], 'a command is missing'],
    [['recoverr'], 'there is no command recoverr'],
    [['recover', 'twice'], 'there is no command recover twice'],
    [['recover', '--format', 'xml'], '--format is json, text, logfmt, not xml'],
    [['recover', '--deadline', 'soon'], '--deadline is a number of seconds, not soon'],
    [['recover', '--deadline=-1'], '--deadline is a number of seconds, not -1'],
    [['recover', '--nope'], expect.stringContaining('--nope')],
  ])('says what is wrong with %j', (args, problem) => {
    expect(parseCommand(args)).toEqual({ kind: 'usage', problem });
  });
});
