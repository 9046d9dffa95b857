// Gives the tests of one run a segment folder of their own and removes it afterwards: runners are killed, not ended, and what
// they leave would stay in the machine's memory for a week.
import { mkdtempSync, rmSync } from 'node:fs';

let folder: string | undefined;

export function setup(): void {
  if (process.platform !== 'linux') return;
  folder = mkdtempSync('/dev/shm/kymo-test-run-');
  process.env.KYMO_MEMORY_DIR = folder;
}

export function teardown(): void {
  if (folder) rmSync(folder, { recursive: true, force: true });
}
