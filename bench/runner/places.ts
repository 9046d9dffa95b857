// Where things lie, seen from both the sources in bench/ and the compiled files in bench/dist/.
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder bench/, absolute: the nearest one above this file that holds the runner's start script. */
export const BENCH = ((): string => {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'run.mjs'))) folder = dirname(folder);
  return folder;
})();

/** The project's root, absolute. */
export const ROOT = dirname(BENCH);

/** Compiled benches. */
export const COMPILED = join(BENCH, 'dist');

/** Package of the libraries we compare with; they are resolved from here. */
export const PEERS = join(BENCH, 'peers', 'package.json');

/** The committed record of this platform and major version of Node. */
export const RECORD = join(BENCH, 'record', `${process.platform}-${process.arch}-${process.versions.node.split('.')[0]}.json`);
