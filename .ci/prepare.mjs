// The bring-up behind `npm start`, `npm test` and `npm run bench`: dependencies, addon and dist/, each only when its inputs changed.
// Usage: node .ci/prepare.mjs [--force]. Prints a line per step it takes, nothing when there is nothing to do.

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { missingTools, outdatedTools } from './toolchain.mjs';

export const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const STAMPS = join(root, '.prepare');

/** A step that failed, with the text to show; anything else that is thrown is a bug of this file. */
export class PrepareError extends Error {}

/** Files below `folder`, sorted, without those that `skip` (given the path from the root) refuses. */
function files(folder, skip = () => false) {
  const found = [];
  for (const entry of readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(folder, entry.name);
    if (skip(relative(root, path))) continue;
    if (entry.isDirectory()) found.push(...files(path, skip));
    else if (entry.isFile()) found.push(path);
  }
  return found;
}

function hashOf(paths, ...words) {
  const hash = createHash('sha256').update(JSON.stringify(words));
  for (const path of paths) hash.update(`\0${relative(root, path)}\0`).update(readFileSync(path));
  return hash.digest('hex');
}

/** Runs `body` unless the stamp `name` already holds `inputs` and `output` exists; stamps afterwards. */
function whenChanged(name, inputs, output, force, body) {
  const stamp = join(STAMPS, name);
  if (!force && existsSync(output) && existsSync(stamp) && readFileSync(stamp, 'utf8') === inputs) return;
  rmSync(stamp, { force: true });
  body();
  mkdirSync(STAMPS, { recursive: true });
  writeFileSync(stamp, inputs);
}

/** Runs a program to its end; its output is shown only when it fails. */
function run(what, command, args) {
  const start = performance.now();
  process.stdout.write(`prepare: ${what}\n`);
  const result = spawnSync(command, args, { cwd: root, encoding: 'utf8', maxBuffer: 1 << 28, stdio: ['ignore', 'pipe', 'pipe'] });
  if (result.status !== 0) {
    const reason = result.error?.message ?? (result.signal ? `signal ${result.signal}` : `exit code ${result.status}`);
    throw new PrepareError(
      `${result.stdout ?? ''}${result.stderr ?? ''}\n${what}: \`${[command, ...args].join(' ')}\` failed with ${reason}`,
    );
  }
  const seconds = (performance.now() - start) / 1000;
  if (seconds >= 1) process.stdout.write(`prepare:   done in ${seconds.toFixed(0)} s\n`);
}

/** Why node_modules is not what package-lock.json says, or undefined. npm writes its own record last, so a broken install shows. */
function staleModules() {
  const record = join(root, 'node_modules', '.package-lock.json');
  if (!existsSync(record)) return 'no node_modules yet';
  const installed = JSON.parse(readFileSync(record, 'utf8')).packages;
  const wanted = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages;
  for (const [path, entry] of Object.entries(wanted)) {
    if (path === '') continue;
    const found = installed[path];
    // Packages for other platforms are optional and stay away.
    if (found === undefined ? !entry.optional : found.version !== entry.version) return `${path} is not as in package-lock.json`;
  }
  return undefined;
}

function npmCi(reason) {
  const npm = process.env.npm_execpath;
  const args = ['ci', '--include=dev', '--no-audit', '--no-fund'];
  const [command, ...first] = npm?.endsWith('.js') ? [process.execPath, npm] : [npm ?? 'npm'];
  run(`npm ci (${reason})`, command, [...first, ...args]);
}

/** `linux-x64-gnu`: what the addon's file is called after. */
export function platformName() {
  if (process.platform !== 'linux') return `${process.platform}-${process.arch}`;
  return `linux-${process.arch}-${process.report.getReport().header.glibcVersionRuntime ? 'gnu' : 'musl'}`;
}

function buildAddon(force) {
  // Tests and examples of a crate are no part of the addon.
  const skip = (path) => /^native\/(fuzz|[^/]+\/(tests|examples))(\/|$)|\/target(\/|$)|\.(node|d\.ts)$/.test(path);
  const sources = [join(root, 'Cargo.toml'), join(root, 'Cargo.lock'), ...files(join(root, 'native'), skip)];
  const platform = platformName();
  const name = `kymo.${platform}.node`;
  const output = join(root, 'native', 'binding', name);
  whenChanged(`addon-${platform}`, hashOf(sources, platform, process.env.RUSTFLAGS ?? ''), output, force, () => {
    const outdated = outdatedTools(root);
    if (outdated.length > 0) throw new PrepareError(describe(outdated));
    run('cargo fetch', 'cargo', ['fetch', '--locked']);
    const folder = join(root, 'target', 'addon');
    mkdirSync(folder, { recursive: true });
    run('release build of the addon (two to three minutes the first time)', process.execPath, [
      join(root, 'node_modules', '.bin', 'napi'),
      ...['build', '--platform', '--release', '--manifest-path', 'native/binding/Cargo.toml'],
      ...['--output-dir', 'target/addon', '--no-js', '--dts', 'binding.d.ts', '--', '--locked'],
    ]);
    // A running process has the old file mapped: replace it, never write into it.
    renameSync(join(folder, name), output);
  });
}

/** The source that `path`, from `dist`, was built from; `dist/cjs` is a second build of some of the same sources. */
function sourceOf(path) {
  return join(root, 'src', path.replace(/^cjs[\\/]/, '').replace(/(?:\.d)?\.([cm]?)[jt]s(\.map)?$/, '.$1ts'));
}

function buildScripts(force) {
  const sources = files(join(root, 'src'));
  const inputs = hashOf([join(root, 'tsconfig.json'), join(root, 'package-lock.json'), ...sources]);
  const dist = join(root, 'dist');
  whenChanged('dist', inputs, join(dist, 'index.js'), force, () => {
    const tsc = join(root, 'node_modules', '.bin', 'tsc');
    run('tsc', process.execPath, [tsc, '-p', 'tsconfig.json']);
    run('tsc (CommonJS)', process.execPath, [tsc, '-p', 'src/compat/tsconfig.json']);
    // What a deleted source left behind.
    for (const path of files(dist)) if (!existsSync(sourceOf(relative(dist, path)))) rmSync(path);
    writeFileSync(join(dist, 'cjs', 'package.json'), '{ "type": "commonjs" }\n');
  });
}

function describe(rows) {
  return rows.map(({ what, install }) => `${what}\n    install with: ${install}`).join('\n');
}

/** Brings everything up to date; throws {@link PrepareError} with what to do. */
export function prepare({ force = false } = {}) {
  const missing = missingTools(root);
  if (missing.length > 0) throw new PrepareError(describe(missing));
  const reason = staleModules();
  if (reason !== undefined) npmCi(reason);
  buildAddon(force);
  buildScripts(force);
}

/** {@link prepare} for a program: a failure is printed and ends the process with code 1. */
export function prepareOrExit(options) {
  try {
    prepare(options);
  } catch (error) {
    if (!(error instanceof PrepareError)) throw error;
    process.stderr.write(`kymo cannot be built here:\n${error.message}\n`);
    process.exit(1);
  }
}

if (process.argv[1] && resolve(process.argv[1]) === fileURLToPath(import.meta.url))
  prepareOrExit({ force: process.argv.includes('--force') });
