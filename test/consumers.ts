// Installs the published packages that judge the drop-ins: prom-client itself and consumers of it, from the lock file in
// test/conformance/prom-client. Once per lock file, into .prepare; a registry that cannot be reached is a miss as in peers.ts.
// Runs while a test file is collected.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { miss } from './peers.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const SOURCE = join(ROOT, 'test', 'conformance', 'prom-client');
const INPUTS = ['package.json', 'package-lock.json', 'shim/package.json'];
/** An installation that another process began takes less; then that process is dead. */
const PATIENCE_MS = 300_000;

const hash = createHash('sha256');
for (const name of INPUTS) hash.update(`\0${name}\0`).update(readFileSync(join(SOURCE, name)));
/** Where the packages are, and where files that use them by name have to lie. */
export const CONSUMERS = join(ROOT, '.prepare', `consumers-${hash.digest('hex').slice(0, 12)}`);
const DONE = join(CONSUMERS, '.installed');
const LOCK = `${CONSUMERS}.lock`;

/** True for the one process that is to install; others wait here until it has. */
function begin(): boolean {
  for (;;) {
    try {
      mkdirSync(LOCK);
      return !existsSync(DONE);
    } catch {
      if (existsSync(DONE)) return false;
      const since = statSync(LOCK, { throwIfNoEntry: false })?.mtimeMs;
      if (since !== undefined && Date.now() - since > PATIENCE_MS) rmSync(LOCK, { recursive: true, force: true });
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
    }
  }
}

/** Removes what was installed from lock files of before. */
function forgetOthers(): void {
  const folder = join(ROOT, '.prepare');
  for (const name of readdirSync(folder)) {
    if (/^consumers-[0-9a-f]{12}$/.test(name) && join(folder, name) !== CONSUMERS)
      rmSync(join(folder, name), { recursive: true, force: true });
  }
}

function install(): boolean {
  if (existsSync(DONE)) return true;
  mkdirSync(join(ROOT, '.prepare'), { recursive: true });
  if (!begin()) {
    rmSync(LOCK, { recursive: true, force: true });
    return existsSync(DONE);
  }
  try {
    rmSync(CONSUMERS, { recursive: true, force: true });
    cpSync(SOURCE, CONSUMERS, { recursive: true });
    // Quick to say that there is no network.
    const args = ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--silent', '--fetch-retries=1', '--fetch-retry-mintimeout=1000'];
    const { status, stdout, stderr } = spawnSync('npm', args, { cwd: CONSUMERS, encoding: 'utf8' });
    if (status !== 0) process.stderr.write(`npm ci in ${SOURCE}: ${stdout ?? ''}${stderr ?? ''}\n`);
    else {
      writeFileSync(DONE, '');
      forgetOthers();
    }
    return status === 0;
  } finally {
    rmSync(LOCK, { recursive: true, force: true });
  }
}

/** True when the packages are there. Otherwise a miss, or an error with CI set. @see peer */
export const consumersInstalled: boolean =
  install() || miss('prom-client and its consumers', 'npm test, with access to the npm registry') !== undefined;

/** `require` of a package that is installed there; `original` is prom-client 15.1.3. */
export const requireInstalled: NodeJS.Require = createRequire(join(CONSUMERS, 'package.json'));

/** Puts this package there as a user gets it, packed, with the build as it is, and the files beside the lock file as they are. */
export function installOurs(): void {
  for (const name of readdirSync(SOURCE))
    if (!name.startsWith('package')) cpSync(join(SOURCE, name), join(CONSUMERS, name), { recursive: true });
  const folder = join(CONSUMERS, 'node_modules', 'kymo');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  const packed = spawnSync('npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', CONSUMERS], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  const file = join(CONSUMERS, packed.stdout.trim());
  const unpacked = spawnSync('tar', ['-xzf', file, '-C', folder, '--strip-components=1'], { encoding: 'utf8' });
  rmSync(file, { force: true });
  if (packed.status !== 0 || unpacked.status !== 0) throw new Error(`${packed.stderr}${unpacked.stderr}`);
}
