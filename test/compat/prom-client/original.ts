// prom-client 15.1.3 itself, for tests that compare: installed with the consumers of it.
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type * as PromClient from '../../../src/compat/prom-client/index.js';
import { CONSUMERS, consumersInstalled } from '../../consumers.js';

/** What both libraries offer, by our types. */
export type Client = typeof PromClient;

/** Undefined when it is not installed; then the "not run" list says so. */
export const original: Client | undefined = consumersInstalled ? createRequire(join(CONSUMERS, 'package.json'))('original') : undefined;
