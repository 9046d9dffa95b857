// Compiles the type tests of the drop-in as a user's project does: by the name of the package, in ES modules and in CommonJS.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

describe('the types of the drop-in', () => {
  it('take code that is typed against prom-client 15.1.3', () => {
    const { status, stdout } = spawnSync(
      process.execPath,
      [
        join(ROOT, 'node_modules/typescript/bin/tsc'),
        ...['--ignoreConfig', '--noEmit', '--strict', '--pretty', 'false', '--types', 'node', '--esModuleInterop'],
        ...['--target', 'ES2022', '--module', 'NodeNext', '--moduleResolution', 'NodeNext'],
        'test/types/prom-client.test-d.ts',
      ],
      { cwd: ROOT, encoding: 'utf8' },
    );
    expect(stdout).toBe('');
    expect(status).toBe(0);
  });
});
