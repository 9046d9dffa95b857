// What `kymo/pino` exports, as the build has it: the function, for require and import, with the names of the original.
import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { original } from './original.js';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const require = createRequire(join(ROOT, 'package.json'));
const STATICS = [
  'destination',
  'transport',
  'multistream',
  'levels',
  'stdSerializers',
  'stdTimeFunctions',
  'symbols',
  'version',
  'default',
  'pino',
];

/** What a program prints as JSON, run beside the package. */
function printed(code: string): unknown {
  return JSON.parse(execFileSync(process.execPath, ['--input-type=module', '-e', code], { cwd: ROOT, encoding: 'utf8' }));
}

describe('kymo/pino', () => {
  it('is the function for require, with everything on it as plain properties that a test can replace', () => {
    const pino = require('kymo/pino');
    expect(typeof pino).toBe('function');
    expect([pino.default === pino, pino.pino === pino]).toEqual([true, true]);
    for (const name of STATICS) {
      expect(Object.getOwnPropertyDescriptor(pino, name), name).toMatchObject({ writable: true, enumerable: true, configurable: true });
    }
    const lines: string[] = [];
    pino({ base: null, timestamp: false }, { write: (line: string) => lines.push(line) }).info('required');
    expect(lines).toEqual(['{"level":30,"msg":"required"}\n']);
  });

  it.runIf(original)('has the names of the original and no others', () => {
    expect(Object.keys(require('kymo/pino')).sort()).toEqual(Object.keys(original as object).sort());
  });

  it('is one module for require and import, by name and as the default', () => {
    const code = `
      import * as all from 'kymo/pino';
      import pino, { destination, pino as named, stdSerializers, stdTimeFunctions, symbols } from 'kymo/pino';
      import { createRequire } from 'node:module';
      const required = createRequire(import.meta.url)('kymo/pino');
      const same = [pino === required, named === pino, destination === pino.destination, symbols === required.symbols];
      console.log(JSON.stringify([same, typeof stdSerializers.err, stdTimeFunctions.nullTime(), Object.keys(all)]));`;
    const [same, err, time, names] = printed(code) as [boolean[], string, string, string[]];
    expect(same).toEqual([true, true, true, true]);
    expect([err, time]).toEqual(['function', '']);
    expect(names.filter((name) => name !== 'module.exports').sort()).toEqual([...STATICS].sort());
  });

  it('starts nothing and listens for nothing when it is loaded', () => {
    const code = `
      const before = process.getActiveResourcesInfo();
      await import('kymo/pino');
      await new Promise((resolve) => setImmediate(resolve));
      console.log(JSON.stringify([
        process.getActiveResourcesInfo().filter((one) => !before.includes(one)),
        process.listenerCount('uncaughtException') + process.listenerCount('unhandledRejection'),
      ]));`;
    expect(printed(code)).toEqual([[], 0]);
  });
});
