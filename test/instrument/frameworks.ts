// Published frameworks and clients for the tests of the instrumentations, from the lock file in test/conformance/frameworks.
import { PublishedPackages } from '../published-packages.js';

const packages = new PublishedPackages('frameworks', 'Express, Fastify, Koa and undici', ['package.json', 'package-lock.json']);

/** True when the packages are there. */
export const frameworksInstalled: boolean = packages.installed;

/** `require` of one of them. */
export const requireFramework: NodeJS.Require = packages.require;
