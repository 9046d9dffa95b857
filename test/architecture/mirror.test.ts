// A domain is one word in five places: src, native/core, native/binding, test and bench.
import { describe, expect, it } from 'vitest';
import { foldersIn, sourceFiles } from './tree.js';

const domains = foldersIn('src');
/** Test folders that judge more than one domain. */
const CROSS_TESTS = ['architecture', 'bench', 'conformance', 'examples', 'faults', 'regression', 'types'];
/** What in native/ carries all domains: the memory and its layout, formats, threads, the process, raw Node-API, a seam for the model checker. */
const FOUNDATIONS = [
  'append',
  'collector',
  'encode',
  'epoch',
  'intern',
  'layout',
  'lib',
  'loom',
  'memory',
  'process',
  'raw',
  'records',
  'ring',
  'thread',
  'threads',
];
/** Folders of bench/ that hold tools or data. */
const BENCH_TOOLS = ['peers', 'record', 'runner', 'binding', 'memory'];

const stemsIn = (folder: string): string[] => [
  ...foldersIn(folder),
  ...sourceFiles([folder], ['.rs'])
    .filter((file) => file.path.split('/').length === folder.split('/').length + 1)
    .map((file) => file.path.replace(/^.*\/|\.rs$/g, '')),
];

describe('mirror rule', () => {
  it('tests each domain in a folder of its name', () => {
    expect(domains.filter((domain) => !foldersIn('test').includes(domain))).toEqual([]);
  });

  it('has no test folder without a domain', () => {
    expect(foldersIn('test').filter((folder) => ![...domains, ...CROSS_TESTS].includes(folder))).toEqual([]);
  });

  it.each(['native/core/src', 'native/binding/src'])('names %s after domains or foundations', (folder) => {
    expect(stemsIn(folder).filter((stem) => ![...domains, ...FOUNDATIONS, 'exposition'].includes(stem))).toEqual([]);
  });

  it('names bench folders after domains', () => {
    expect(foldersIn('bench').filter((folder) => ![...domains, ...BENCH_TOOLS].includes(folder))).toEqual([]);
  });
});
