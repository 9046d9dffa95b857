// Where the files lie that run in a transport's worker: in the build, whichever form of the sources starts one. App threads.
import { join } from 'node:path';
import location from '../../binding/location.cjs';

const folder = join(location.root, 'dist', 'cjs', 'compat', 'pino');

/** Files of the build. */
export const BUILT = {
  /** What a worker runs. */
  worker: join(folder, 'transport-worker.js'),
  /** The target `pino/file`. */
  fileTarget: join(folder, 'file-target.cjs'),
} as const;
