// What the C++ engine brings into the addon, as the dynamic linker sees it.
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const folder = fileURLToPath(new URL('../../native/binding/', import.meta.url));
const addons = readdirSync(folder).filter((name) => name.startsWith(`kymo.linux-${process.arch}-gnu`));
/** What a build on this code's oldest supported builder asks of the C library; more would shut out machines that run Node. */
const NEWEST_GLIBC = [2, 34] as const;

function versionsOf(addon: string, library: string): string[] {
  const { stdout } = spawnSync('readelf', ['--version-info', '--wide', join(folder, addon)], { encoding: 'utf8' });
  return [...stdout.matchAll(new RegExp(`\\bName: ${library}_([\\d.]+)`, 'g'))].map((match) => match[1] as string);
}

describe.runIf(process.platform === 'linux' && addons.length > 0)('the addon with its engine', () => {
  it(`asks for no newer C library than glibc ${NEWEST_GLIBC.join('.')}`, () => {
    const [major, minor] = NEWEST_GLIBC;
    for (const addon of addons) {
      const versions = versionsOf(addon, 'GLIBC').map((version) => version.split('.').map(Number) as [number, number]);
      expect(versions.length).toBeGreaterThan(0);
      expect(versions.filter(([x, y]) => x > major || (x === major && y > minor))).toEqual([]);
    }
  });

  it('asks for no C++ standard library: it carries its own', () => {
    for (const addon of addons) expect([...versionsOf(addon, 'GLIBCXX'), ...versionsOf(addon, 'CXXABI')]).toEqual([]);
  });
});
