// The Markdown guides: links that lead somewhere, and a README that opens with what a newcomer types.
import { existsSync } from 'node:fs';
import { join, posix } from 'node:path';
import { describe, expect, it } from 'vitest';
import { foldersIn, ROOT, read, sourceFiles } from './tree.js';

const guides = [
  ...sourceFiles(['src', 'native', 'bench', 'test', '.github'], ['.md']),
  ...['README.md', 'CHANGELOG.md', 'THIRD-PARTY.md']
    .filter((path) => existsSync(join(ROOT, path)))
    .map((path) => ({ path, text: read(path) })),
];

describe('guides', () => {
  it('link to files that exist', () => {
    const broken = guides.flatMap(({ path, text }) =>
      [...text.matchAll(/\]\((?!https?:|mailto:|#)([^)\s#]+)(#[^)]*)?\)/g)]
        .map((match) => posix.join(posix.dirname(path), match[1] as string))
        .filter((target) => !existsSync(`${ROOT}/${target}`))
        .map((target) => `${path} links to ${target}`),
    );
    expect(broken).toEqual([]);
  });

  it('are in the contents of the README, one for each domain that has one', () => {
    const readme = read('README.md');
    const own = foldersIn('src').filter((folder) => existsSync(`${ROOT}/src/${folder}/README.md`));
    expect(own.filter((folder) => !readme.includes(`](src/${folder}/README.md)`))).toEqual([]);
  });

  it('begin with the two commands', () => {
    const first = /```sh\n([\s\S]*?)```/.exec(read('README.md'))?.[1] ?? '';
    expect(first.match(/^npm \w+/gm)).toEqual(['npm start', 'npm test']);
  });

  it('name scripts that exist', () => {
    const { scripts } = JSON.parse(read('package.json'));
    const named = guides.flatMap(({ text }) => [...text.matchAll(/\bnpm run ([\w:-]+)/g)].map((match) => match[1] as string));
    expect(named.filter((name) => !(name in scripts))).toEqual([]);
  });
});
