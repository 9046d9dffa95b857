// The TypeScript examples of the guides, type-checked against the public API under its public name.
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOT, read, sourceFiles } from './tree.js';

/** What a fragment without imports of its own may take as given. */
const GIVEN = `import { collectDefaultMetrics, KymoError, metrics, metricsHandler, MetricsRegistry, OpsServer } from 'kymo';
import * as http from 'node:http';
declare const ops: OpsServer;
declare const app: http.Server;
`;

const guides = [...sourceFiles(['src', 'bench', '.github'], ['.md']), { path: 'README.md', text: read('README.md') }];
const examples = guides.flatMap(({ path, text }) =>
  [...text.matchAll(/^```ts\n([\s\S]*?)^```/gm)].map((match, index) => ({
    name: `${path.replace(/\W+/g, '-')}-${index + 1}.ts`,
    code: /^import .* from 'kymo[/']/m.test(match[1] as string) ? (match[1] as string) : GIVEN + match[1],
  })),
);

describe('examples in the guides', () => {
  it('are there', () => {
    expect(examples.map(({ name }) => name)).toContain('README-md-1.ts');
  });

  it('compile against the public API', () => {
    const folder = join(ROOT, '.prepare', `examples-${process.pid}`);
    mkdirSync(folder, { recursive: true });
    for (const { name, code } of examples) writeFileSync(join(folder, name), `${code}\nexport {};\n`);
    const compilerOptions = {
      rootDir: '../..',
      noEmit: true,
      noUnusedLocals: false,
      noUnusedParameters: false,
      paths: { kymo: ['../../src/index.ts'] },
    };
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ extends: '../../tsconfig.json', compilerOptions, include: ['.'] }));
    const { stdout, status } = spawnSync(process.execPath, [join(ROOT, 'node_modules/.bin/tsc'), '-p', folder], {
      encoding: 'utf8',
      cwd: folder,
    });
    rmSync(folder, { recursive: true });
    expect(stdout).toBe('');
    expect(status).toBe(0);
  });
});
