// The examples of the guides, run: each one is a program of its own, compiled and run against the built package under its
// public name. (That they compile against the sources is checked in test/architecture/.)
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MemoryFolder } from '../demo/demo-process.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** Inside the package, so that its own name leads to its exports. */
const FOLDER = join(ROOT, '.prepare', `examples-run-${process.pid}`);

/** What a fragment without import of its own may take as given. */
const GIVEN = `import { collectDefaultMetrics, KymoError, metrics, metricsHandler, MetricsRegistry, OpsServer } from 'kymo';
import * as http from 'node:http';
const ops = new OpsServer({ registries: [metrics], port: 0 });
const app = http.createServer();
`;

interface Example {
  /** The guide and the number of the block in it. */
  readonly name: string;
  readonly code: string;
}

const guides = [
  'README.md',
  ...readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.md'))
    .map((path) => `src/${path}`),
];
const examples = guides.flatMap((path): Example[] =>
  [...readFileSync(join(ROOT, path), 'utf8').matchAll(/^```ts\n([\s\S]*?)^```/gm)].map(([, code], index) => ({
    name: `${path} ${index + 1}`,
    code: programOf(code as string),
  })),
);
const fileOf = ({ name }: Example): string => name.replace(/\W+/g, '-');

/** The example with what is given to it, any free port for a fixed one, and a word to this test at its end. */
function programOf(code: string): string {
  const free = code.replace(/(\bport: |\.listen\()\d+/g, '$10');
  const complete = /^import .* from 'kymo[/']/m.test(free);
  return `${complete ? free : `${GIVEN}{\n${free}}\n`}\nprocess.send?.('reached the end');\nprocess.disconnect();\nexport {};\n`;
}

beforeAll(() => {
  mkdirSync(FOLDER, { recursive: true });
  for (const example of examples) writeFileSync(join(FOLDER, `${fileOf(example)}.ts`), example.code);
  const compilerOptions = {
    rootDir: '.',
    outDir: '.',
    declaration: false,
    sourceMap: false,
    inlineSources: false,
    noUnusedLocals: false,
    noUnusedParameters: false,
  };
  writeFileSync(
    join(FOLDER, 'tsconfig.json'),
    JSON.stringify({ extends: '../../tsconfig.json', compilerOptions, include: ['.'], exclude: [] }),
  );
  const { stdout, status } = spawnSync(process.execPath, [join(ROOT, 'node_modules/.bin/tsc'), '-p', FOLDER], {
    encoding: 'utf8',
    cwd: FOLDER,
  });
  expect([status, stdout]).toEqual([0, '']);
});

afterAll(() => rmSync(FOLDER, { recursive: true, force: true }));

describe('the examples of the guides', () => {
  it('are found', () => {
    expect(examples.map(({ name }) => name)).toContain('README.md 1');
  });

  it.each(examples)('run to their end, and leave nothing that holds the process: $name', async (example) => {
    using memory = new MemoryFolder();
    const child = spawn(process.execPath, [join(FOLDER, `${fileOf(example)}.js`)], {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      env: { ...process.env, KYMO_MEMORY_DIR: memory.path },
    });
    let said = '';
    child.stdout?.resume();
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    let end = '';
    child.once('message', (message) => {
      end = String(message);
      // For examples that serve until they are told to stop; those that stop by themselves are faster or as well off.
      child.kill('SIGTERM');
    });
    const [code, signal] = await once(child, 'close');
    expect([said, end]).toEqual(['', 'reached the end']);
    expect([0, 'SIGTERM']).toContain(code ?? signal);
  });
});
