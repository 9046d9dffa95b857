// State that every copy of this package on a thread shares: the ESM and the CommonJS build, and the copies that a test runner loads
// anew per test file. It is kept on the addon's object, of which a thread has one and which outlives them all. App threads.
import { native } from './load.js';

/**
 * The state of that name, made by the copy that asks first. It must mean the same to every copy of one version: handles and ids of
 * the addon, methods of objects. A `FinalizationRegistry` kept here still runs when the copy that registered an object is gone.
 */
export function perThread<T>(name: string, create: () => T): T {
  const shared = native as unknown as Record<symbol, T | undefined>;
  const key = Symbol.for(`kymo.${name}`);
  shared[key] ??= create();
  return shared[key];
}
