// The project's files as the architecture tests see them; reads the working tree, without what is installed or built.
import { readdirSync, readFileSync } from 'node:fs';
import { extname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Root of the project, absolute. */
export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** One text file. */
export interface SourceFile {
  /** From the root, with `/`. */
  readonly path: string;
  readonly text: string;
}

const BUILT = /^(node_modules|dist|target|corpus|artifacts|coverage|record|\.git|\.prepare)$/;

/** Files below `folders` (from the root) that have one of `extensions`; folders that do not exist are empty. */
export function sourceFiles(folders: readonly string[], extensions: readonly string[]): SourceFile[] {
  const found: SourceFile[] = [];
  const visit = (folder: string): void => {
    for (const entry of entriesOf(folder)) {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) visit(path);
      else if (extensions.includes(extname(entry.name))) {
        found.push({ path: relative(ROOT, path).replaceAll('\\', '/'), text: readFileSync(path, 'utf8') });
      }
    }
  };
  for (const folder of folders) visit(join(ROOT, folder));
  return found;
}

/** Names of the folders directly below `folder`. */
export function foldersIn(folder: string): string[] {
  return entriesOf(join(ROOT, folder))
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name);
}

/** The text of one file, from the root. */
export function read(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}

function entriesOf(folder: string) {
  try {
    return readdirSync(folder, { withFileTypes: true }).filter((entry) => !BUILT.test(entry.name));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

/** Module specifiers that a TypeScript file imports, requires or re-exports, dynamic imports included. */
export function importsOf({ text }: SourceFile): string[] {
  const code = text.replace(/\/\*[\s\S]*?\*\/|(?<![:'"`])\/\/.*$/gm, '');
  const found = code.matchAll(
    /(?:^|[;}\s])(?:import|export)\b[^;'"`]*?\bfrom\s*(['"])(.+?)\1|\bimport\s*\(?\s*(['"])(.+?)\3|\brequire\(\s*(['"])(.+?)\5/g,
  );
  return [...found].map((match) => (match[2] ?? match[4] ?? match[6]) as string);
}
