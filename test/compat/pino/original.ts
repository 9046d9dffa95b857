// pino 10.4.0 itself, for tests that compare, and the drop-in by the same type.

import type { Logger, Stream } from '../../../src/compat/pino/logger.js';
import { pino as drop } from '../../../src/compat/pino/pino.js';
import { pinoPackages } from '../../pino.js';

/** What both give, as far as the tests need it typed. */
export interface Pino {
  (options?: object | Stream, stream?: object): Logger & Record<string, (...values: unknown[]) => unknown>;
  symbols: Record<string, symbol>;
  levels: object;
  version: string;
}

export const ours: Pino = drop as unknown as Pino;

/** Undefined when it is not installed; then the "not run" list says so. */
export const original: Pino | undefined = pinoPackages.installed ? pinoPackages.require('original') : undefined;
