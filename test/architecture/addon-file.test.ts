// The built addon as the dynamic linker sees it.
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOT } from './tree.js';

const folder = join(ROOT, 'native/binding');
const addons = readdirSync(folder).filter((name) => /^kymo\..+\.node$/.test(name));
const readelf = (...args: string[]): string =>
  spawnSync('readelf', args, { encoding: 'utf8', env: { ...process.env, LC_ALL: 'C' } }).stdout;

describe('the addon', () => {
  it('is built for this platform', () => {
    expect(addons.some((name) => name.startsWith(`kymo.${process.platform}-${process.arch}`))).toBe(true);
  });

  describe.runIf(process.platform === 'linux')('on Linux', () => {
    const here = addons.filter((name) => name.startsWith(`kymo.linux-${process.arch}`));

    it('[T1] is never unmapped under its own threads', () => {
      for (const name of here.filter((file) => file.endsWith('-gnu.node'))) {
        expect(readelf('-d', '--wide', join(folder, name)), name).toMatch(/\(FLAGS_1\).*\bNODELETE\b/);
      }
    });

    it('needs the C library and nothing that a slim image lacks', () => {
      for (const name of here) {
        const needed = [...readelf('-d', '--wide', join(folder, name)).matchAll(/\(NEEDED\).*\[(.+?)\]/g)].map(
          (match) => match[1] as string,
        );
        expect(needed.length, name).toBeGreaterThan(0);
        expect(needed.filter((library) => !/^(libc\.|libm\.|libgcc_s\.|libdl\.|libpthread\.|librt\.|ld-)/.test(library))).toEqual([]);
      }
    });

    it('exports its registration and no symbol that another library could take for its own', () => {
      for (const name of here) {
        const exported = readelf('--dyn-syms', '--wide', join(folder, name))
          .split('\n')
          .map((line) => line.trim().split(/\s+/))
          .filter((fields) => /^(GLOBAL|WEAK)$/.test(fields[4] ?? '') && /^(FUNC|OBJECT)$/.test(fields[3] ?? '') && fields[6] !== 'UND')
          .map((fields) => (fields[7] ?? '').replace(/@.*/, ''));
        expect(exported.filter((symbol) => !/^(napi_|__napi|_init$|_fini$)/.test(symbol))).toEqual([]);
        expect(exported).toContain('napi_register_module_v1');
      }
    });
  });
});
