// The version that the package tells others.
import { expect, it } from 'vitest';
import { VERSION } from '../../src/core/version.js';
import { read } from '../architecture/tree.js';

it('is that of package.json', () => {
  expect(VERSION).toBe(JSON.parse(read('package.json')).version);
});
