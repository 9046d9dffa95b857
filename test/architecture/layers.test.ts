// Imports go down only, in both languages.
import { builtinModules } from 'node:module';
import { posix } from 'node:path';
import { describe, expect, it } from 'vitest';
import { foldersIn, importsOf, read, type SourceFile, sourceFiles } from './tree.js';

/**
 * Layers from the lowest up. A folder imports itself and what stands in a lower row. `noop`, the double that does nothing, stands
 * below what gives it to those who switched something off, and knows only the errors and limits.
 */
const LAYERS = [
  ['core'],
  ['noop'],
  ['config'],
  ['binding'],
  ['context'],
  ['metrics', 'logs', 'traces'],
  ['export', 'agents', 'health', 'slo', 'alerts', 'replay', 'recorder', 'profile', 'instrument', 'doctor'],
  ['ops'],
  ['stack'],
  ['cli'],
  ['index.ts'],
  ['compat', 'demo'],
];

const level = (folder: string): number => LAYERS.findIndex((row) => row.includes(folder));
const folderOf = (path: string): string => path.split('/')[1] as string;
const sources = sourceFiles(['src'], ['.ts', '.cts']);

/** Pairs of (file, imported file from the root) inside src/. */
function internalImports(files: readonly SourceFile[]): [SourceFile, string][] {
  return files.flatMap((file) =>
    importsOf(file)
      .filter((name) => name.startsWith('.'))
      .map((name): [SourceFile, string] => [file, posix.join(posix.dirname(file.path), name).replace(/\.(c?)js$/, '.$1ts')]),
  );
}

describe('layers of src/', () => {
  it('knows every folder', () => {
    const known = LAYERS.flat();
    expect(foldersIn('src').filter((folder) => !known.includes(folder))).toEqual([]);
  });

  it('imports downwards only; signals never import one another', () => {
    const wrong = internalImports(sources).filter(([file, target]) => {
      const from = folderOf(file.path);
      const to = folderOf(target);
      if (from === to) return false;
      return level(to) < 0 || level(to) >= level(from);
    });
    expect(wrong.map(([file, target]) => `${file.path} imports ${target}`)).toEqual([]);
  });

  it('imports files that exist', () => {
    const paths = new Set(sources.map((file) => file.path));
    const wrong = internalImports(sources).filter(([, target]) => target.startsWith('src/') && !paths.has(target));
    expect(wrong.map(([file, target]) => `${file.path} imports ${target}`)).toEqual([]);
  });

  it('needs no package at run time: only relative files, Node and, in the demo, the public name; a drop-in what its original needs; export a pool and a decoder', () => {
    const node = new Set(builtinModules);
    const wrong = sources.flatMap((file) =>
      importsOf(file)
        .filter((name) => !name.startsWith('.') && !name.startsWith('node:'))
        .filter((name) => !(name === 'kymo' && /^src\/demo\//.test(file.path)))
        .filter((name) => !(/^src\/export\//.test(file.path) && (name === 'piscina' || name === 'msgpackr')))
        .filter((name) => !(/^src\/compat\/prom-client\//.test(file.path) && (name === 'tdigest' || node.has(name))))
        .filter((name) => !(/^src\/compat\/opentelemetry\//.test(file.path) && name === '@opentelemetry/api'))
        .map((name) => `${file.path} imports ${name}`),
    );
    expect(wrong).toEqual([]);
  });

  it('keeps the demo on the public API', () => {
    const wrong = internalImports(sources).filter(
      ([file, target]) => folderOf(file.path) === 'demo' && folderOf(target) !== 'demo' && target !== 'src/index.ts',
    );
    expect(wrong.map(([file, target]) => `${file.path} imports ${target}`)).toEqual([]);
  });

  it('loads the addon in src/binding only', () => {
    const loads = /\bcreateRequire\b|\bprocess\.dlopen\b|\.node['"`]/;
    const wrong = sources.filter((file) => !file.path.startsWith('src/binding/') && loads.test(file.text));
    expect(wrong.map((file) => file.path)).toEqual([]);
  });
});

describe('crates', () => {
  const ours = (crate: string): string[] =>
    [...read(`native/${crate}/Cargo.toml`).matchAll(/^(kymo-\w+)\b/gm)].map((match) => match[1] as string).sort();

  it('depend downwards only: binding on core and ops, ops on core, core on none of ours', () => {
    expect(ours('core')).toEqual([]);
    expect(ours('ops')).toEqual(['kymo-core']);
    expect(ours('binding')).toEqual(['kymo-core', 'kymo-ops']);
  });

  it('know Node in the binding only', () => {
    for (const crate of ['core', 'ops']) {
      expect(read(`native/${crate}/Cargo.toml`)).not.toMatch(/^napi/m);
      const wrong = sourceFiles([`native/${crate}/src`], ['.rs']).filter((file) => /\bnapi(_derive)?::/.test(file.text));
      expect(wrong.map((file) => file.path)).toEqual([]);
    }
  });
});
