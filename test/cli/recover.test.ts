// `kymo recover` as it is installed: what a crashed process did not deliver, once.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { logging, sorted, upTo } from '../faults/logging-process.js';
import { memoryFolder, removeFolder, segmentFiles } from '../recorder/processes.js';

const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

let folder: string;
beforeEach(() => {
  folder = memoryFolder();
});
afterEach(() => removeFolder(folder));

function kymo(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  const env = { PATH: process.env.PATH, KYMO_MEMORY_DIR: folder };
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...args], { encoding: 'utf8', env, maxBuffer: 64 << 20 });
  return { status, stdout, stderr };
}

const crashed = (): Promise<unknown> =>
  logging(`lead(nowhere('${join(folder, 'nobody.sock')}')); burst(5_000); process.kill(process.pid, 'SIGKILL');`, { folder }).ended;

describe('kymo recover', () => {
  it('prints 5,000 lines that a killed process had logged, in order, and finds nothing the second time', async () => {
    await crashed();
    const { status, stdout, stderr } = kymo('recover', '--service', 'svc');
    expect([status, stderr]).toEqual([0, 'kymo: recovered 5000 log lines of 1 process, 0 were lost\n']);
    const { own, numbers } = sorted(stdout);
    expect(numbers).toEqual(upTo(5_000));
    expect(own).toEqual([expect.objectContaining({ recovered: 5_000, lost: 0, ended_by: 'unclean' })]);
    expect(kymo('recover', '--service', 'svc')).toEqual({ status: 0, stdout: '', stderr: 'kymo: nothing to recover\n' });
    expect(segmentFiles(folder)).toEqual([]);
  });

  it('appends to a file in another format', async () => {
    await crashed();
    const file = join(folder, 'a.log');
    const { status, stdout } = kymo('recover', '--service=svc', '--file', file, '--format', 'logfmt');
    expect([status, stdout]).toEqual([0, '']);
    const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
    expect(lines).toHaveLength(5_001);
    expect(lines[4_999]).toMatch(/ n=4999$/);
  });

  it('leaves a process alone that is alive, and services that it was not asked about', async () => {
    await crashed();
    const alive = logging(`lead(nowhere('${join(folder, 'nobody.sock')}')); burst(10); tell('up'); stay();`, {
      folder,
      env: { KYMO_SERVICE_NAME: 'alive' },
    });
    await alive.saysOnStderr('up');
    for (const service of ['alive', 'other']) expect(kymo('recover', '--service', service).stderr).toBe('kymo: nothing to recover\n');
    await alive.kill();
    expect(sorted(kymo('recover', '--service', 'alive').stdout).numbers).toEqual(upTo(10));
    expect(sorted(kymo('recover', '--service', 'svc').stdout).numbers).toEqual(upTo(5_000));
  });

  it('says what it cannot do', () => {
    expect(kymo('--version')).toMatchObject({ status: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) });
    expect(kymo('--help').stdout).toContain('kymo recover');
    expect(kymo('restore')).toMatchObject({ status: 2, stderr: expect.stringContaining('there is no command restore') });
    const { status, stderr } = kymo('recover', '--dir', join(folder, 'nowhere'));
    expect([status, stderr]).toEqual([1, expect.stringContaining('nowhere')]);
  });
});
