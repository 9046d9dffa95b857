// Start of `npm run bench`: installs the peers, compiles the benches and hands over to bench/runner/main.ts. Both are quick when
// nothing changed. The library itself is built before, by .ci/prepare.mjs.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const bench = dirname(fileURLToPath(import.meta.url));
const root = dirname(bench);

function stop(text) {
  process.stderr.write(`bench: ${text}\n`);
  process.exit(1);
}

function run(what, command, args, cwd) {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, encoding: 'utf8' });
  if (status !== 0) stop(`${what} failed: ${error?.message ?? `\n${stdout}${stderr}`}`);
}

/** True when every locked package is installed in its version; npm writes its own record last, so a broken install shows. */
function peersInstalled(folder) {
  const record = join(folder, 'node_modules', '.package-lock.json');
  if (!existsSync(record)) return false;
  const installed = JSON.parse(readFileSync(record, 'utf8')).packages;
  const locked = Object.entries(JSON.parse(readFileSync(join(folder, 'package-lock.json'), 'utf8')).packages);
  return locked.every(([path, { version }]) => path === '' || installed[path]?.version === version);
}

if (!existsSync(join(root, 'dist', 'index.js'))) stop('the library is not built: run `npm run build` first');
const peers = join(bench, 'peers');
if (!peersInstalled(peers)) {
  process.stderr.write('bench: installing the peers into bench/peers\n');
  const npm = process.env.npm_execpath;
  const [command, ...first] = npm?.endsWith('.js') ? [process.execPath, npm] : ['npm'];
  run('npm ci in bench/peers', command, [...first, 'ci', '--no-audit', '--no-fund', '--ignore-scripts'], peers);
}
const built = join(bench, 'dist');
// A bench whose source is gone would still be found and run.
const sources = JSON.parse(readFileSync(join(bench, 'tsconfig.json'), 'utf8')).include.map((pattern) => join(bench, dirname(pattern)));
if (existsSync(built) && sources.some((folder) => statSync(folder).mtimeMs > statSync(built).mtimeMs)) rmSync(built, { recursive: true });
run('compiling the benches', process.execPath, [join(root, 'node_modules', '.bin', 'tsc'), '-p', join(bench, 'tsconfig.json')], root);
const { main } = await import('./dist/runner/main.js');
process.exitCode = await main(process.argv.slice(2), process.cwd());
