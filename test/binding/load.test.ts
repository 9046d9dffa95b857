// Finding and loading the addon: what happens when it is missing, broken, of another version or forbidden. Copies of the package
// in a folder of their own, real processes.
import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { asKymoError } from '../../src/binding/load.js';
import { KymoError, metrics } from '../../src/index.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const ADDONS = readdirSync(join(ROOT, 'native/binding')).filter((name) => name.endsWith('.node'));

let copy: string;
beforeEach(() => {
  copy = mkdtempSync(join(tmpdir(), 'kymo-load-'));
  cpSync(join(ROOT, 'dist'), join(copy, 'dist'), { recursive: true });
  copyFileSync(join(ROOT, 'package.json'), join(copy, 'package.json'));
  mkdirSync(join(copy, 'native', 'binding'), { recursive: true });
});
afterEach(() => rmSync(copy, { recursive: true, force: true }));

/** Puts something in the place of each addon of this machine. */
function place(how: (target: string, source: string) => void): void {
  for (const name of ADDONS) how(join(copy, 'native', 'binding', name), join(ROOT, 'native/binding', name));
}

/** Imports the copy in a process, counts once, and tells what happened. */
function use(flags: readonly string[] = [], env: Record<string, string> = {}) {
  const url = pathToFileURL(join(copy, 'dist', 'index.js')).href;
  const script = `
    try {
      const { metrics } = await import('${url}');
      metrics.inc('a');
      console.log(JSON.stringify({ text: metrics.formatPrometheus() }));
    } catch (error) { console.log(JSON.stringify({ code: error.code, name: error.name, message: error.message, fix: error.fix })); }`;
  const { stdout, stderr } = spawnSync(process.execPath, [...flags, '--input-type=module', '-e', script], {
    encoding: 'utf8',
    env: { PATH: process.env.PATH ?? '', KYMO_MEMORY: 'anonymous', ...env },
  });
  try {
    return JSON.parse(stdout) as { text?: string; code?: string; name?: string; message?: string; fix?: string };
  } catch {
    throw new Error(`${stdout}${stderr}`);
  }
}

describe('a copy of the package', () => {
  it('works wherever it lies', () => {
    place((target, source) => copyFileSync(source, target));
    expect(use().text).toContain('a 1\n');
  });

  it('works through a link, as package managers make them', () => {
    place((target, source) => symlinkSync(source, target));
    expect(use().text).toContain('a 1\n');
  });
});

describe('an addon that cannot be loaded', () => {
  it.each<[string, (target: string, source: string) => void]>([
    ['is missing', () => {}],
    ['is empty', (target) => writeFileSync(target, '')],
    ['is no library', (target) => writeFileSync(target, 'hello')],
    ['is a folder', (target) => mkdirSync(target)],
    [
      'is cut off in its header',
      (target, source) => {
        copyFileSync(source, target);
        truncateSync(target, 40);
      },
    ],
    ['is a link to nowhere', (target) => symlinkSync(join(copy, 'nowhere'), target)],
  ])('because it %s is a coded error that says where it was looked for and what to do', (_, spoil) => {
    place(spoil);
    const { code, name, message, fix } = use();
    expect({ code, name }).toEqual({ code: 'KYMO_BINDING_MISSING', name: 'KymoError' });
    expect(message).toContain(join(copy, 'native', 'binding', 'kymo.'));
    expect(message).not.toContain('\n');
    expect(fix).toContain('npm run build');
  });
});

describe('an addon of another version', () => {
  it('whose layout differs is refused before any memory is made', () => {
    place((target, source) => copyFileSync(source, target));
    const layout = join(copy, 'dist', 'binding', 'generated', 'layout.js');
    const text = readFileSync(layout, 'utf8');
    const changed = text.replace(/(FINGERPRINT = )(0x[0-9a-f]+|\d+)/, '$112345');
    expect(changed).not.toBe(text);
    writeFileSync(layout, changed);
    const { code, message } = use();
    expect(code).toBe('KYMO_BINDING_VERSION');
    expect(message).toMatch(/built from another version: layout [0-9a-f]{8}, expected layout 3039;/);
  });

  it('that is something else altogether is refused, too', () => {
    const other = createRequire(import.meta.url).resolve(otherAddon());
    place((target) => copyFileSync(other, target));
    const { code, message } = use();
    expect(code).toBe('KYMO_BINDING_VERSION');
    expect(message).toContain('an addon without start()');
  });
});

/** An addon of somebody else, one that the test runner brings. */
function otherAddon(): string {
  const folder = join(ROOT, 'node_modules');
  const found = readdirSync(folder, { recursive: true, encoding: 'utf8' }).find((name) => name.endsWith('.node'));
  if (found === undefined) throw new Error('no other addon in node_modules');
  return join(folder, found);
}

describe('the permission model', () => {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const permission =
    major > 23 || (major === 23 && minor >= 5) || (major === 22 && minor >= 13) ? '--permission' : '--experimental-permission';

  it('is named, with what to allow, where it refuses addons', () => {
    place((target, source) => copyFileSync(source, target));
    const { code, message } = use([permission, '--allow-fs-read=*']);
    expect(code).toBe('KYMO_BINDING_MISSING');
    expect(message).toContain('--allow-addons');
  });

  it('lets an allowed addon work', () => {
    place((target, source) => copyFileSync(source, target));
    expect(use([permission, '--allow-fs-read=*', '--allow-addons']).text).toContain('a 1\n');
  });
});

describe('options', () => {
  it('that cannot be read are a coded error at import, naming the variable', () => {
    place((target, source) => copyFileSync(source, target));
    for (const [name, value] of [
      ['KYMO_MEMORY', 'disk'],
      ['KYMO_MEMORY_LIMIT', 'much'],
      ['KYMO_MEMORY_DIR', 'relative'],
    ] as const) {
      const { code, message } = use([], { [name]: value });
      expect(code).toBe('KYMO_CONFIG_VALUE');
      expect(message).toContain(`${name} is "${value}"`);
    }
  });
});

describe('loading more than once', () => {
  it('gives both copies of the JavaScript the same registry, when they load the same addon', async () => {
    const built = (await import(new URL('../../dist/index.js', import.meta.url).href)) as { metrics: typeof metrics };
    expect(built.metrics).not.toBe(metrics);
    metrics.inc('shared_by_copies');
    built.metrics.inc('shared_by_copies', 2);
    expect(metrics.snapshot().counters.shared_by_copies).toBe(3);
    expect(built.metrics.snapshot().counters.shared_by_copies).toBe(3);
    metrics.clear();
  });

  it('only in a worker that ended leaves a process that lives on and ends well', () => {
    const worker = `const { metrics } = await import('${pathToFileURL(join(ROOT, 'dist/index.js')).href}'); metrics.inc('a');`;
    const script = `
      import { Worker } from 'node:worker_threads';
      for (let n = 0; n < 3; n++) await new Promise((done) => new Worker(new URL('data:text/javascript,' + encodeURIComponent(${JSON.stringify(worker)}))).once('exit', done));
      await new Promise((done) => setTimeout(done, 50));
      const { metrics } = await import('${pathToFileURL(join(ROOT, 'dist/index.js')).href}');
      process.stdout.write(metrics.formatPrometheus());`;
    const { stdout, status, signal } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
    expect({ status, signal }).toEqual({ status: 0, signal: null });
    expect(stdout).toContain('a 3\n');
  });
});

describe('an error of the addon', () => {
  it('becomes the error of its code, with its cause', () => {
    const cause = Object.assign(new Error('why'), { code: 'KYMO_MEMORY_REFUSED' });
    const error = asKymoError(cause) as KymoError;
    expect(KymoError.is(error)).toBe(true);
    expect(error.code).toBe('KYMO_MEMORY_REFUSED');
    expect(error.message).toContain('no memory for telemetry is to be had: why');
    expect(error.cause).toBe(cause);
    expect(asKymoError(error)).toBe(error);
  });

  it('stays what it is when it has no code of ours', () => {
    for (const other of [
      new TypeError('x'),
      Object.assign(new Error('x'), { code: 'ENOENT' }),
      { code: 'constructor' },
      undefined,
      null,
      'x',
      1,
    ]) {
      expect(asKymoError(other)).toBe(other);
    }
  });
});
