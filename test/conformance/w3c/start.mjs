// Start of `npm run w3c-server`: builds what changed, compiles server.ts and runs it in this process.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { prepareOrExit, root } from '../../../.ci/prepare.mjs';

prepareOrExit();

const tsc = join(root, 'node_modules', '.bin', 'tsc');
const { status, stdout } = spawnSync(process.execPath, [tsc, '-p', join(import.meta.dirname, 'tsconfig.json')], { encoding: 'utf8' });
if (status !== 0) {
  process.stderr.write(stdout);
  process.exit(1);
}
await import(pathToFileURL(join(root, '.prepare', 'w3c', 'server.js')).href);
