// Compiles the same programs against the types of pino 10 and against ours: one of our own, and those that pino's types are tested with.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { pinoPackages } from '../pino.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const ORIGINAL = join(pinoPackages.folder, 'node_modules', 'original');
/** Inside of the packages, so that what pino's types import is found. */
const folder = pinoPackages.installed ? mkdtempSync(join(pinoPackages.folder, 'types-')) : '';
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What the compiler says about files in the folder, where `pino` means the declarations at `types`. */
function compiled(files: readonly string[], types: string): string {
  const config = join(folder, 'tsconfig.json');
  const options = {
    ...{
      target: 'ES2022',
      lib: ['ES2023'],
      module: 'NodeNext',
      moduleResolution: 'NodeNext',
      strict: true,
      noEmit: true,
      skipLibCheck: true,
    },
    ...{ esModuleInterop: true, types: ['node'], typeRoots: [join(ROOT, 'node_modules', '@types')] },
    paths: { pino: [types], tstyche: [join(folder, 'tstyche.d.ts')], 'pino-pretty': [join(folder, 'pretty.d.ts')] },
  };
  writeFileSync(config, JSON.stringify({ compilerOptions: options, files }));
  const tsc = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
  return spawnSync(process.execPath, [tsc, '-p', config, '--pretty', 'false'], { cwd: folder, encoding: 'utf8' }).stdout;
}

/** The assertions of the runner of those tests: equality of types is checked, the rest accepts anything. */
const ASSERTIONS = `
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
interface Assertions<A> {
  toBe<B>(...wrong: Same<A, B> extends true ? [] : [never]): void;
  toBeAssignableTo<B>(...wrong: A extends B ? [] : [never]): void;
  toBeAssignableFrom<B>(value?: unknown): void;
  toBeCallableWith(...values: unknown[]): void;
  toBeConstructableWith(...values: unknown[]): void;
  toHaveProperty(name: PropertyKey): void;
  toRaiseError(...messages: unknown[]): void;
  readonly not: Record<'toBe' | 'toBeAssignableTo' | 'toBeCallableWith' | 'toHaveProperty' | 'toBeAssignableFrom', <B>(...values: unknown[]) => void>;
}
export function expect<A>(value?: A): { readonly type: Assertions<A> };
`;

const BOTH = [
  ['pino 10', join(ORIGINAL, 'pino.d.ts')],
  ['kymo/pino', join(ROOT, 'dist', 'cjs', 'compat', 'pino', 'types.d.cts')],
] as const;

describe.runIf(pinoPackages.installed)('the types of kymo/pino', () => {
  it.each(BOTH)('take and refuse what is documented, as %s does', (_name, types) => {
    cpSync(join(ROOT, 'test', 'conformance', 'pino', 'types', 'program.ts'), join(folder, 'program.ts'));
    expect(compiled(['program.ts'], types)).toBe('');
  });

  it.each(BOTH)("compile what pino's own types are tested with: %s", (_name, types) => {
    writeFileSync(join(folder, 'tstyche.d.ts'), ASSERTIONS);
    writeFileSync(
      join(folder, 'pretty.d.ts'),
      `declare function pretty(options?: object): NodeJS.WritableStream;\nexport { pretty as ${'default'} };\n`,
    );
    const source = join(ORIGINAL, 'test', 'types');
    const names = readdirSync(source).filter((name) => /\.c?ts$/.test(name));
    mkdirSync(join(folder, 'theirs'), { recursive: true });
    for (const name of names) {
      const text = readFileSync(join(source, name), 'utf8').replace(/'(\.\.\/)+(pino(\.js)?)?'/g, "'pino'");
      writeFileSync(join(folder, 'theirs', name), text);
    }
    expect(names.length).toBeGreaterThan(4);
    expect(
      compiled(
        names.map((name) => join('theirs', name)),
        types,
      ),
    ).toBe('');
  });
});
