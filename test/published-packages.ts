// Installs published packages that judge the drop-ins, the originals among them, from a lock file in test/conformance. Once per lock file,
// into .prepare; a registry that cannot be reached is a miss as in peers.ts. Runs while a test file is collected.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { miss } from './peers.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const PREPARED = join(ROOT, '.prepare');
/** An installation that another process began takes less; then that process is dead. */
const PATIENCE_MS = 300_000;

/** Published packages in a folder of their own. */
export class PublishedPackages {
  /** Where the packages are, and where files that use them by name have to lie. */
  readonly folder: string;
  /** False where they cannot be had here. */
  readonly installed: boolean;
  /** `require` of a package that is installed there. */
  readonly require: NodeJS.Require;
  readonly #name: string;
  readonly #source: string;

  /**
   * Installs them, or waits for the process that does. A miss, or an error with CI set, where that fails.
   * @param name folder in test/conformance with the lock file
   * @param what what is missing then
   * @param inputs files there that an installation is made of
   * @see miss
   */
  constructor(name: string, what: string, inputs: readonly string[] = ['package.json', 'package-lock.json']) {
    this.#name = name;
    this.#source = join(ROOT, 'test', 'conformance', name);
    const hash = createHash('sha256');
    for (const input of inputs) hash.update(`\0${input}\0`).update(readFileSync(join(this.#source, input)));
    this.folder = join(PREPARED, `consumers-${name}-${hash.digest('hex').slice(0, 12)}`);
    this.installed = this.#install() || miss(what, 'npm test, with access to the npm registry') !== undefined;
    this.require = createRequire(join(this.folder, 'package.json'));
  }

  /** Puts this package there as a user gets it, packed, with the build as it is, and the files beside the lock file as they are. */
  installOurs(): void {
    for (const name of readdirSync(this.#source))
      if (!name.startsWith('package')) cpSync(join(this.#source, name), join(this.folder, name), { recursive: true });
    const folder = join(this.folder, 'node_modules', 'kymo');
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder);
    const packed = spawnSync('npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', this.folder], {
      cwd: ROOT,
      encoding: 'utf8',
    });
    const file = join(this.folder, packed.stdout.trim());
    const unpacked = spawnSync('tar', ['-xzf', file, '-C', folder, '--strip-components=1'], { encoding: 'utf8' });
    rmSync(file, { force: true });
    if (packed.status !== 0 || unpacked.status !== 0) throw new Error(`${packed.stderr}${unpacked.stderr}`);
    this.#installNeeded('kymo');
  }

  /** Copies what a package needs at run time from our own modules, unless it is there. */
  #installNeeded(name: string): void {
    const { dependencies = {} } = JSON.parse(readFileSync(join(this.folder, 'node_modules', name, 'package.json'), 'utf8'));
    for (const needed of Object.keys(dependencies)) {
      const folder = join(this.folder, 'node_modules', needed);
      if (existsSync(folder)) continue;
      cpSync(join(ROOT, 'node_modules', needed), folder, { recursive: true });
      this.#installNeeded(needed);
    }
  }

  #install(): boolean {
    const done = join(this.folder, '.installed');
    if (existsSync(done)) return true;
    mkdirSync(PREPARED, { recursive: true });
    const lock = `${this.folder}.lock`;
    if (!begin(lock, done)) {
      rmSync(lock, { recursive: true, force: true });
      return existsSync(done);
    }
    try {
      rmSync(this.folder, { recursive: true, force: true });
      cpSync(this.#source, this.folder, { recursive: true });
      // Quick to say that there is no network.
      const args = ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--silent', '--fetch-retries=1', '--fetch-retry-mintimeout=1000'];
      const { status, stdout, stderr } = spawnSync('npm', args, { cwd: this.folder, encoding: 'utf8' });
      if (status !== 0) process.stderr.write(`npm ci in ${this.#source}: ${stdout ?? ''}${stderr ?? ''}\n`);
      else {
        writeFileSync(done, '');
        this.#forgetOthers();
      }
      return status === 0;
    } finally {
      rmSync(lock, { recursive: true, force: true });
    }
  }

  /** Removes what was installed from lock files of before. */
  #forgetOthers(): void {
    const ours = `consumers-${this.#name}-`;
    for (const name of readdirSync(PREPARED)) {
      const isAnother = name.startsWith(ours) && /^[0-9a-f]{12}$/.test(name.slice(ours.length)) && join(PREPARED, name) !== this.folder;
      if (isAnother) rmSync(join(PREPARED, name), { recursive: true, force: true });
    }
  }
}

/** True for the one process that is to install; others wait here until it has. */
function begin(lock: string, done: string): boolean {
  for (;;) {
    try {
      mkdirSync(lock);
      return !existsSync(done);
    } catch {
      if (existsSync(done)) return false;
      const since = statSync(lock, { throwIfNoEntry: false })?.mtimeMs;
      if (since !== undefined && Date.now() - since > PATIENCE_MS) rmSync(lock, { recursive: true, force: true });
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
    }
  }
}
