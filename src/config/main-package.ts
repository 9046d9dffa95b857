// Name and version of the program that runs, as its package.json has them. Any thread; read when asked.
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** What the nearest package.json above the program's main file says; what it does not say, or not as text, is missing. */
export interface MainPackage {
  readonly name?: string;
  readonly version?: string;
}

/** Reads it. Never throws. */
export function mainPackage(mainFile: string = process.argv[1] ?? ''): MainPackage {
  for (let folder = dirname(mainFile); ; folder = dirname(folder)) {
    try {
      const { name, version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { name?: unknown; version?: unknown };
      return { ...(typeof name === 'string' ? { name } : {}), ...(typeof version === 'string' ? { version } : {}) };
    } catch {
      if (folder === dirname(folder)) return {};
    }
  }
}
