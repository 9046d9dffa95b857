// prom-client itself and published consumers of it, from the lock file in test/conformance/prom-client. Runs while a test file is collected.
import { PublishedPackages } from './published-packages.js';

const packages = new PublishedPackages('prom-client', 'prom-client and its consumers', [
  'package.json',
  'package-lock.json',
  'shim/package.json',
]);

/** Where the packages are, and where files that use them by name have to lie. */
export const CONSUMERS: string = packages.folder;

/** True when the packages are there. */
export const consumersInstalled: boolean = packages.installed;

/** `require` of a package that is installed there; `original` is prom-client 15.1.3. */
export const requireInstalled: NodeJS.Require = packages.require;

/** Puts this package there as a user gets it. @see PublishedPackages.installOurs */
export function installOurs(): void {
  packages.installOurs();
}
