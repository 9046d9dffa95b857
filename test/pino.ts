// pino itself and published consumers of it, from the lock file in test/conformance/pino. Runs while a test file is collected.
import { PublishedPackages } from './published-packages.js';

/** `require('original')` there is pino 10.4.0; what else there requires pino gets ours. */
export const pinoPackages: PublishedPackages = new PublishedPackages('pino', 'pino and its consumers', [
  'package.json',
  'package-lock.json',
  'shim/package.json',
]);
