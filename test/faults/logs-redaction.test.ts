// Secrets and a process that is killed: what its memory still has, and what is made of it at the next start.
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { MemoryFolder } from '../demo/demo-process.js';

const BUILT = JSON.stringify(new URL('../../dist/index.js', import.meta.url).href);
const MAIN = new URL('../../dist/cli/main.js', import.meta.url).pathname;
const TOKEN = 'ghp_0123456789abcdefghijklmnopqrstuvwxyz';
const NAMED = 'hunter2';

function run(args: readonly string[], memory: MemoryFolder): string {
  const env = { ...process.env, KYMO_MEMORY_DIR: memory.path };
  const { stdout } = spawnSync(process.execPath, args, { encoding: 'utf8', env, timeout: 30_000 });
  return stdout;
}

/** A process that logs secrets under rules and is killed in mid-burst. */
function killed(redact: string, memory: MemoryFolder): string {
  const script = `import { configureLogging, getLogger } from ${BUILT};
    configureLogging({ redact: ${redact} });
    const log = getLogger('burst');
    for (let line = 0; line < 3_000; line++) log.info('token ${TOKEN}', { line, password: '${NAMED}', list: ['${TOKEN}'] });
    process.kill(process.pid, 'SIGKILL');`;
  return run(['--input-type=module', '-e', script], memory);
}

/** Everything that lies in the memory folder. */
function remains(memory: MemoryFolder): string {
  const files = readdirSync(memory.path, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return files.map((entry) => readFileSync(join(entry.parentPath ?? entry.path, entry.name), 'latin1')).join('\n');
}

describe('the memory of a process that was killed', () => {
  it('has nothing that a name stands for, and what patterns find only where they run behind it', () => {
    using memory = new MemoryFolder();
    killed(`{ names: ['password'], patterns: true }`, memory);
    const left = remains(memory);
    expect(left).not.toContain(NAMED);
    expect(left, 'as the guide says').toContain(TOKEN);
  });

  it('has no secret at all when patterns run before it', () => {
    using memory = new MemoryFolder();
    killed(`{ names: ['password'], patterns: true, beforeRing: true }`, memory);
    const left = remains(memory);
    expect(left).toContain('token [REDACTED]');
    expect(left).not.toContain(NAMED);
    expect(left).not.toContain(TOKEN);
  });
});

describe('recovered lines', () => {
  const RULES = `{ names: ['password'], patterns: true }`;

  it('are redacted at the next start', () => {
    using memory = new MemoryFolder();
    const before = killed(RULES, memory);
    const next = `import { configureLogging } from ${BUILT}; configureLogging({ redact: ${RULES} });`;
    const after = run(['--input-type=module', '-e', next], memory);
    const text = before + after;
    expect(text.split('\n').filter((line) => line.includes('"line":'))).toHaveLength(3_000);
    expect(text).not.toContain(TOKEN);
    expect(text).not.toContain(NAMED);
  });

  it('are redacted by the command line, which was told nothing', () => {
    using memory = new MemoryFolder();
    const before = killed(RULES, memory);
    const after = run([MAIN, 'recover'], memory);
    const text = before + after;
    expect(text.split('\n').filter((line) => line.includes('"line":'))).toHaveLength(3_000);
    expect(text).not.toContain(TOKEN);
    expect(text).not.toContain(NAMED);
  });
});
