// Finds the tools that a build needs and says how to get the missing ones; reads PATH only, starts a program just to ask its version.

import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, readFileSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';

/** The first executable of `names` on PATH (or at an absolute path), or undefined. */
export function find(...names) {
  for (const name of names.filter(Boolean)) {
    for (const folder of name.includes('/') ? [''] : (process.env.PATH ?? '').split(delimiter).filter(Boolean)) {
      const path = folder === '' ? name : join(folder, name);
      try {
        accessSync(path, constants.X_OK);
        if (statSync(path).isFile()) return path;
      } catch {
        // Not here: the next folder may have it.
      }
    }
  }
  return undefined;
}

/** -1, 0 or 1 for two dotted versions; missing parts count as 0. */
export function compareVersions(a, b) {
  const [left, right] = [a, b].map((version) => version.split('.').map(Number));
  for (let part = 0; part < Math.max(left.length, right.length); part++) {
    const difference = (left[part] ?? 0) - (right[part] ?? 0);
    if (difference !== 0) return Math.sign(difference);
  }
  return 0;
}

/** The command that installs a C++ compiler on this system. */
function compilerInstall() {
  if (process.platform === 'darwin') return 'xcode-select --install';
  if (existsSync('/etc/alpine-release')) return 'apk add build-base';
  if (existsSync('/usr/bin/dnf')) return 'dnf install gcc gcc-c++ make';
  if (existsSync('/usr/bin/pacman')) return 'pacman -S base-devel';
  return 'apt-get install build-essential';
}

const RUSTUP = 'curl --proto \'=https\' --tlsv1.2 -sSf https://sh.rustup.rs | sh -s -- -y && . "$HOME/.cargo/env"';

function cargoMissing() {
  const installed = join(process.env.CARGO_HOME ?? join(homedir(), '.cargo'), 'bin', 'cargo');
  if (existsSync(installed))
    return { what: `cargo is installed (${installed}) but not on PATH`, install: `export PATH="${join(installed, '..')}:$PATH"` };
  return { what: 'cargo (Rust) is missing', install: RUSTUP };
}

/** What is missing for running at all: rows of { what, install }. Costs a few stat calls. */
export function missingTools(root) {
  const missing = [];
  const wanted = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).engines.node.replace('>=', '');
  if (compareVersions(process.versions.node, wanted) < 0) {
    missing.push({
      what: `Node ${wanted} or newer is needed, this is ${process.versions.node}`,
      install: 'nvm install --lts   (or https://nodejs.org)',
    });
  }
  if (!process.env.npm_execpath && !find('npm'))
    missing.push({ what: 'npm is missing', install: 'it comes with Node: https://nodejs.org' });
  if (!find('cargo')) missing.push(cargoMissing());
  if (!find(process.env.CC, 'cc', 'gcc', 'clang')) missing.push({ what: 'a C compiler is missing', install: compilerInstall() });
  if (!find(process.env.CXX, 'c++', 'g++', 'clang++')) missing.push({ what: 'a C++ compiler is missing', install: compilerInstall() });
  return missing;
}

/** Whether cargo answers and is new enough: rows of { what, install }. Starts cargo once. */
export function outdatedTools(root) {
  const wanted = /^rust-version = "([\d.]+)"/m.exec(readFileSync(join(root, 'Cargo.toml'), 'utf8'))[1];
  const answer = spawnSync('cargo', ['--version'], { encoding: 'utf8', cwd: root });
  const found = /^cargo (\d+\.\d+\.\d+)/.exec(answer.stdout ?? '')?.[1];
  if (found === undefined)
    return [{ what: `cargo does not run: ${(answer.stderr ?? '').trim() || answer.error?.message}`, install: 'rustup default stable' }];
  if (compareVersions(found, wanted) < 0)
    return [{ what: `Rust ${wanted} or newer is needed, this is ${found}`, install: 'rustup update stable' }];
  return [];
}
