// Requirement ids in test titles and the list of what they mean.
import { describe, expect, it } from 'vitest';
import { read, sourceFiles } from './tree.js';

const ID = /\b([A-Z])-(\d+)(?:\s*\.\.\s*\1-(\d+))?/g;

function expand(text: string): string[] {
  return [...text.matchAll(ID)].flatMap((match) => {
    const [, system, first, last] = match as unknown as [string, string, string, string | undefined];
    const count = Number(last ?? first) - Number(first) + 1;
    return Array.from({ length: count }, (_, step) => `${system}-${String(Number(first) + step).padStart(first.length, '0')}`);
  });
}

/** Ids in brackets in the titles of TypeScript tests and the doc comments of Rust tests. */
function named(): Set<string> {
  const typescript = /\b(?:it|test|describe)(?:\.\w+(?:\([^)]*\))?)*\(\s*(['"`])(?:\\.|(?!\1)[\s\S])*\1/g;
  const rust = /(?:^\s*\/\/\/.*\n)+(?:\s*#\[[^\]]*\]\s*\n)*?\s*#\[test\]/gm;
  const titles = [
    ...sourceFiles(['test'], ['.ts']).flatMap(({ text }) => text.match(typescript) ?? []),
    ...sourceFiles(['native'], ['.rs']).flatMap(({ text }) => text.match(rust) ?? []),
  ].join('\n');
  const brackets = titles.match(/\[(?:[A-Z]-\d+(?:\s*\.\.\s*[A-Z]-\d+)?[,\s]*)+\]/g) ?? [];
  return new Set(brackets.flatMap(expand));
}

const listed = [...read('test/requirements.md').matchAll(/^- \*\*([A-Z]-\d+)\*\* (.+)$/gm)].map((match) => match[1] as string);

describe('requirements', () => {
  it('are listed once each', () => {
    expect(listed.length).toBeGreaterThan(0);
    expect(listed.filter((id, index) => listed.indexOf(id) !== index)).toEqual([]);
  });

  it('have a line for each id that a test names', () => {
    expect([...named()].filter((id) => !listed.includes(id))).toEqual([]);
  });

  it('are each proved by a test', () => {
    const proved = named();
    expect(listed.filter((id) => !proved.has(id))).toEqual([]);
  });
});
