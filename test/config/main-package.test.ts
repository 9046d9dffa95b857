// The package that a program belongs to.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { mainPackage } from '../../src/config/main-package.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'kymo-package-'));
  mkdirSync(join(folder, 'dist'));
});
afterAll(() => rmSync(folder, { recursive: true }));

it('has the name and version of the nearest package.json above its main file', () => {
  writeFileSync(join(folder, 'package.json'), '{"name":"shop","version":"1.2.3"}');
  expect(mainPackage(join(folder, 'dist', 'main.js'))).toEqual({ name: 'shop', version: '1.2.3' });
});

it('says nothing where there is none, or none that can be read', () => {
  writeFileSync(join(folder, 'package.json'), '{"name":5}');
  expect(mainPackage(join(folder, 'main.js'))).toEqual({});
  expect(mainPackage('/main.js')).toEqual({});
});
