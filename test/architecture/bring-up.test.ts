// What `npm start` and `npm test` do on a machine that lacks a tool: they stop at once and say what to install.
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ROOT } from './tree.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kymo-bring-up-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** A PATH on which exactly these programs exist; each prints `output`. */
function pathWith(programs: Record<string, string>): string {
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  for (const [name, output] of Object.entries(programs)) {
    writeFileSync(join(bin, name), `#!/bin/sh\necho '${output}'\n`);
    chmodSync(join(bin, name), 0o755);
  }
  return bin;
}

function node(args: readonly string[], PATH: string) {
  const result = spawnSync(process.execPath, args, { cwd: ROOT, encoding: 'utf8', env: { PATH, HOME: folder } });
  return { code: result.status, text: result.stdout + result.stderr };
}

const TOOLS = { npm: '11.0.0', cargo: 'cargo 1.95.0 (x)', cc: 'cc', 'c++': 'c++' };

describe('bring-up without a tool', () => {
  it('stops without Rust and names rustup', () => {
    const { cargo: _, ...rest } = TOOLS;
    const { code, text } = node(['.ci/prepare.mjs'], pathWith(rest));
    expect(code).toBe(1);
    expect(text).toContain('cargo (Rust) is missing');
    expect(text).toContain('https://sh.rustup.rs');
    expect(text).not.toContain('prepare:');
  });

  it('says how to reach a Rust that is installed but not on PATH', () => {
    const { cargo: _, ...rest } = TOOLS;
    mkdirSync(join(folder, '.cargo', 'bin'), { recursive: true });
    symlinkSync('/bin/sh', join(folder, '.cargo', 'bin', 'cargo'));
    const { code, text } = node(['.ci/prepare.mjs'], pathWith(rest));
    expect(code).toBe(1);
    expect(text).toContain(`export PATH="${folder}/.cargo/bin:$PATH"`);
  });

  it('stops without a C++ compiler and names the package', () => {
    const { 'c++': _, ...rest } = TOOLS;
    const { code, text } = node(['.ci/prepare.mjs'], pathWith(rest));
    expect(code).toBe(1);
    expect(text).toContain('a C++ compiler is missing');
    expect(text).toMatch(
      /install with: (apt-get install build-essential|apk add build-base|dnf install .*|pacman .*|xcode-select --install)/,
    );
  });

  it('lists everything that is missing at once, and npm test stops the same way', () => {
    const { code, text } = node(['.ci/test.mjs'], pathWith({}));
    expect(code).toBe(1);
    for (const what of ['npm', 'cargo (Rust)', 'a C compiler', 'a C++ compiler']) expect(text).toContain(`${what} is missing`);
  });

  it('refuses a Rust that is too old', () => {
    const script = `import { outdatedTools } from './.ci/toolchain.mjs'; console.log(JSON.stringify(outdatedTools(process.cwd())));`;
    const answer = (version: string) => JSON.parse(node(['--input-type=module', '-e', script], pathWith({ cargo: version })).text);
    expect(answer('cargo 1.87.9 (x 2025-01-01)')).toEqual([
      { what: expect.stringMatching(/^Rust 1\.\d+ or newer is needed, this is 1\.87\.9$/), install: 'rustup update stable' },
    ]);
    rmSync(join(folder, 'bin'), { recursive: true });
    expect(answer('cargo 1.1000.0 (x 2099-01-01)')).toEqual([]);
    rmSync(join(folder, 'bin'), { recursive: true });
    expect(answer('error: no default toolchain')).toEqual([expect.objectContaining({ install: 'rustup default stable' })]);
  });
});
