// Finds the foreign programs that judge us. A missing one is written to the "not run" list at the end of `npm test`, and is a
// failure where CI is set: no test disappears in silence. Runs while a test file is collected.
import { spawnSync } from 'node:child_process';
import { accessSync, appendFileSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Where the runner wants misses to be written, one JSON object a line. */
const MISSES = process.env.KYMO_TEST_MISSES;

const VENV_PYTHON = fileURLToPath(new URL('../.prepare/venv/bin/python', import.meta.url));

/** Writes a miss down. @throws Error with CI set. */
export function miss(name: string, install: string): undefined {
  if (process.env.CI) throw new Error(`${name} is missing, install with: ${install}`);
  if (MISSES) appendFileSync(MISSES, `${JSON.stringify({ name, install })}\n`);
  else process.stderr.write(`not run: ${name} is missing, install with: ${install}\n`);
  return undefined;
}

function executable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * Path of the program `name` on PATH. When it is missing: undefined and an entry in the "not run" list, or an error with CI set.
 * @param install the command that installs it, as a user would type it.
 * @example const promtool = peer('promtool', 'apt-get install prometheus');
 *   describe.runIf(promtool)('judged by promtool', ...)
 */
export function peer(name: string, install: string): string | undefined {
  const path = (process.env.PATH ?? '')
    .split(delimiter)
    .filter(Boolean)
    .map((folder) => join(folder, name))
    .find(executable);
  return path ?? miss(name, install);
}

/** Path of a Python that can import `module`: the project's own virtual environment first, then `python3`. Otherwise as {@link peer}. */
export function pythonPeer(module: string, install: string): string | undefined {
  for (const python of [VENV_PYTHON, 'python3']) {
    if (spawnSync(python, ['-c', `import ${module}`]).status === 0) return python;
  }
  return miss(`Python module ${module}`, install);
}
