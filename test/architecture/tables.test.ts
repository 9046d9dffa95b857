// The tables of errors and options against the guides derived from them and the code that uses them.
import { describe, expect, it } from 'vitest';
import { OPTIONS, readOptions } from '../../src/config/options.js';
import { ERRORS } from '../../src/core/errors.js';
import { errorsGuide, optionsGuide } from './documents.js';
import { ROOT, sourceFiles } from './tree.js';

const TABLE = 'src/core/errors.ts';
const sources = sourceFiles(['src', 'native'], ['.ts', '.rs', '.cpp', '.h']).filter(
  ({ path }) => path !== TABLE && !/\/(tests|fuzz)\//.test(path),
);
const text = sources.map((file) => file.text).join('\n');
const variables = new Set<string>(Object.values(OPTIONS).flatMap((row) => [...row.env]));

describe('errors', () => {
  it('are all in src/core/README.md, in their present words', async () => {
    await expect(errorsGuide()).toMatchFileSnapshot(`${ROOT}/src/core/README.md`);
  });

  it('are each thrown somewhere', () => {
    expect(Object.keys(ERRORS).filter((code) => !new RegExp(`\\b${code}\\b`).test(text))).toEqual([]);
  });

  it('are in the table when the code names them', () => {
    const named = new Set(text.match(/(?<=['"`])KYMO_[A-Z0-9]+(_[A-Z0-9]+)+(?=['"`])/g) ?? []);
    expect([...named].filter((name) => !(name in ERRORS) && !variables.has(name) && !name.startsWith('KYMO_TEST_'))).toEqual([]);
  });

  it('are the only ones: src/ throws no plain Error, but for the drop-ins, which throw what their originals throw', () => {
    const wrong = sources.filter(
      ({ path, text: code }) => /^src\/(?!demo\/|compat\/)/.test(path) && /\bthrow new (?!(Kymo|InvalidMetric)Error\b)\w+/.test(code),
    );
    expect(wrong.map(({ path }) => path)).toEqual([]);
  });
});

describe('options', () => {
  it('are all in src/config/README.md, in their present words', async () => {
    await expect(optionsGuide()).toMatchFileSnapshot(`${ROOT}/src/config/README.md`);
  });

  it('come from variables of their own', () => {
    const all = Object.values(OPTIONS).flatMap((row) => [...row.env]);
    expect(all.filter((name, index) => all.indexOf(name as never) !== index)).toEqual([]);
    for (const name of all) expect(name).toMatch(/^(KYMO|OTEL)_[A-Z0-9]+(_[A-Z0-9]+)*$/);
  });

  it('are the only variables that the library reads', () => {
    const reads = sources.filter(({ path, text: code }) => /\bprocess\.env\b/.test(code) && !/^src\/(config|demo)\//.test(path));
    expect(reads.map(({ path }) => path)).toEqual([]);
    const native = sources.filter(
      ({ path, text: code }) => path.endsWith('.rs') && /\benv::var/.test(code) && !/\/(build\.rs|examples\/)/.test(path),
    );
    expect(native.map(({ path }) => path)).toEqual([]);
  });

  it('have defaults that they accept themselves', () => {
    for (const [name, row] of Object.entries(OPTIONS)) {
      if (row.default === undefined) continue;
      expect(readOptions({ [row.env[0]]: String(row.default) })[name as keyof typeof OPTIONS], name).toBe(row.default);
    }
  });
});
