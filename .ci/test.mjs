// `npm test`: brings the build up, runs every test of both languages and ends with one line, `N passed, N failed`.
// Usage: npm test [-- FILTER...]; a filter that starts with native/ names a crate's folder, any other is handed to vitest.

import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { prepareOrExit, root } from './prepare.mjs';

const RESULTS = join(root, '.prepare', `vitest-${process.pid}.json`);
const MISSES = join(root, '.prepare', `misses-${process.pid}.jsonl`);

/** Runs a program, passing its output on; resolves to its exit code and what it printed to stdout. */
function run(command, args, env = {}) {
  return new Promise((done) => {
    const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, ...env } });
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (chunk) => {
      process.stdout.write(chunk);
      text += chunk;
    });
    child.on('error', (error) => process.stderr.write(`${command}: ${error.message}\n`));
    child.on('close', (code) => done({ ok: code === 0, text }));
  });
}

/** Counts of one runner; one that failed without naming a failed test (it did not compile, it crashed) counts as one failure. */
function counted(ok, passed, failed) {
  return { passed, failed: ok ? failed : Math.max(failed, 1) };
}

async function cargoTests(packages) {
  // The binding holds no logic and cannot link without Node: it is tested through vitest.
  const chosen = packages.length > 0 ? packages.flatMap((name) => ['-p', name]) : ['--workspace', '--exclude', 'kymo-binding'];
  // Brings the sources that the engine's build script reads; quick when they are there.
  const fetched = await run('cargo', ['fetch', '--locked', '--quiet']);
  if (!fetched.ok) return counted(false, 0, 0);
  const { ok, text } = await run('cargo', ['test', '--locked', '--no-fail-fast', '--quiet', ...chosen]);
  let passed = 0;
  let failed = 0;
  for (const [, good, bad] of text.matchAll(/^test result: .*? (\d+) passed; (\d+) failed;/gm)) {
    passed += Number(good);
    failed += Number(bad);
  }
  return counted(ok, passed, failed);
}

async function vitestTests(filters) {
  const { ok } = await run(
    process.execPath,
    [
      join(root, 'node_modules', 'vitest', 'vitest.mjs'),
      ...['run', '--config', 'test/vitest.config.ts', '--reporter=default', '--reporter=json', `--outputFile.json=${RESULTS}`],
      ...filters,
    ],
    { KYMO_TEST_MISSES: MISSES },
  );
  const results = existsSync(RESULTS)
    ? JSON.parse(readFileSync(RESULTS, 'utf8'))
    : { numPassedTests: 0, numFailedTests: 0, testResults: [] };
  rmSync(RESULTS, { force: true });
  // A file that could not be loaded has no tests that could fail.
  const broken = results.testResults.filter(
    (file) => file.status === 'failed' && file.assertionResults.every((test) => test.status !== 'failed'),
  );
  return counted(ok, results.numPassedTests, results.numFailedTests + broken.length);
}

function missesText() {
  if (!existsSync(MISSES)) return '';
  const rows = new Set(readFileSync(MISSES, 'utf8').split('\n').filter(Boolean));
  rmSync(MISSES);
  const lines = [...rows].map((row) => JSON.parse(row)).map(({ name, install }) => `  ${name}: ${install}\n`);
  return `not run, install with:\n${lines.sort().join('')}`;
}

prepareOrExit();
mkdirSync(join(root, '.prepare'), { recursive: true });
const filters = process.argv.slice(2);
const crates = filters.filter((filter) => filter.startsWith('native/')).map((filter) => `kymo-${filter.split('/')[1]}`);
const rest = filters.filter((filter) => !filter.startsWith('native/'));
const totals = [];
if (filters.length === 0 || crates.length > 0) totals.push(await cargoTests(crates));
if (filters.length === 0 || rest.length > 0) totals.push(await vitestTests(rest));
const passed = totals.reduce((sum, total) => sum + total.passed, 0);
const failed = totals.reduce((sum, total) => sum + total.failed, 0);
process.stdout.write(`${missesText()}${passed} passed, ${failed} failed\n`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
