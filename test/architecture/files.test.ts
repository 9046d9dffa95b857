// Names, sizes and openings of source files, and what no test file may contain.
import { describe, expect, it } from 'vitest';
import { sourceFiles } from './tree.js';

const HARD_LIMIT = 600;
const SOFT_LIMIT = 300;

const all = sourceFiles(['src', 'native', 'test', 'bench', '.ci'], ['.ts', '.mts', '.mjs', '.js', '.rs', '.cpp', '.h']);
const generated = (path: string): boolean => path.includes('/generated/');
const isTest = (path: string): boolean => path.startsWith('test/') || /(\/|_)tests?(\/|\.rs$)/.test(path);
const nameOf = (path: string): string => path.replace(/^.*\//, '');

describe('file names', () => {
  it('are kebab-case in TypeScript and snake_case in Rust and C++', () => {
    const wrong = all.filter(({ path }) =>
      /\.(rs|cpp|h)$/.test(path) ? !/^[a-z0-9_]+\.\w+$/.test(nameOf(path)) : !/^[a-z0-9]+([.-][a-z0-9]+)*$/.test(nameOf(path)),
    );
    expect(wrong.map(({ path }) => path)).toEqual([]);
  });

  it('say what is inside: no drawer has a name', () => {
    const drawers = /(^|\/)(utils?|helpers?|common|misc)(\/|\.)/;
    expect(all.filter(({ path }) => drawers.test(path)).map(({ path }) => path)).toEqual([]);
  });
});

describe('file lengths', () => {
  /** Lines without the unit tests at the end of a Rust file. */
  const lines = (text: string): number => text.replace(/^#\[cfg\((all\()?test\b[\s\S]*/m, '').split('\n').length - 1;
  const sources = all.filter(({ path }) => !generated(path) && !isTest(path));

  it(`stay within ${HARD_LIMIT} lines`, () => {
    expect(sources.filter(({ text }) => lines(text) > HARD_LIMIT).map(({ path, text }) => `${path}: ${lines(text)}`)).toEqual([]);
  });

  it(`stay within ${SOFT_LIMIT} lines for nine files in ten`, () => {
    const long = sources.filter(({ text }) => lines(text) > SOFT_LIMIT).map(({ path, text }) => `${path}: ${lines(text)} lines`);
    if (long.length > 0) process.stderr.write(`over ${SOFT_LIMIT} lines:\n  ${long.join('\n  ')}\n`);
    expect(long.length).toBeLessThanOrEqual(sources.length / 10);
  });
});

describe('openings', () => {
  it('say in the first line what the file owns', () => {
    const comment = /^(\/\/!? \S|\/\*\*? ?\S|#!)/;
    expect(all.filter(({ text }) => !comment.test(text)).map(({ path }) => path)).toEqual([]);
  });
});

describe('modules', () => {
  it('have no default exports', () => {
    const wrong = sourceFiles(['src', 'test', 'bench'], ['.ts', '.mjs']).filter(
      ({ path, text }) => /^export default\b|\bas default\b/m.test(text) && path !== 'test/vitest.config.ts',
    );
    expect(wrong.map(({ path }) => path)).toEqual([]);
  });

  it('use string-literal unions, no enums, and no namespaces, but where an original declares its types so', () => {
    const foreign = 'src/compat/prom-client/types.ts';
    const wrong = sourceFiles(['src'], ['.ts']).filter(
      ({ path, text }) => path !== foreign && /^\s*(export )?(declare )?(const )?(enum|namespace)\s+\w/m.test(text),
    );
    expect(wrong.map(({ path }) => path)).toEqual([]);
  });
});

describe('tests', () => {
  it('run, all of them: none is skipped, singled out, left for later or ignored', () => {
    const marks = /\b(it|test|describe|suite)(\.\w+)*\.(skip|only|todo)\b|\b(xit|xdescribe|fit|fdescribe)\(|^\s*#\[ignore/m;
    const here = 'test/architecture/files.test.ts';
    expect(all.filter(({ path, text }) => path !== here && marks.test(text)).map(({ path }) => path)).toEqual([]);
  });

  it('leave no unfinished business in the sources', () => {
    const marks = /\b(TODO|FIXME|XXX|HACK)\b|\b(todo|unimplemented)!\(/;
    const sources = all.filter(({ path }) => !isTest(path));
    expect(sources.filter(({ text }) => marks.test(text)).map(({ path }) => path)).toEqual([]);
  });

  it('name no path of a machine', () => {
    const wrong = all.filter(({ path, text }) => path !== 'test/architecture/files.test.ts' && /\/(home|Users|work)\/\w+\//.test(text));
    expect(wrong.map(({ path }) => path)).toEqual([]);
  });
});
