// Finds, loads and starts the native addon: once per thread in JavaScript, once per process in native code. App threads.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { isMainThread } from 'node:worker_threads';
import { mainPackage } from '../config/main-package.js';
import { readOptions } from '../config/options.js';
import { ERRORS, type ErrorCode, KymoError } from '../core/errors.js';
import { markEnds } from './exit.js';
import { FINGERPRINT } from './generated/layout.js';
import { inertAddon } from './inert.js';
import location from './location.cjs';
import type { NativeAddon } from './native.js';

/** On the addon's object, of which a thread has one, when the end of the process is listened for: a second copy of this module adds nothing. */
const MARKED: unique symbol = Symbol.for('kymo.marked') as never;

function candidates(): string[] {
  const { platform, arch } = process;
  const suffixes = platform === 'linux' ? ['-gnu', '-musl'] : [''];
  return suffixes.map((suffix) => join(location.root, 'native', 'binding', `kymo.${platform}-${arch}${suffix}.node`));
}

function load(): NativeAddon {
  const paths = candidates();
  const path = paths.find((file) => existsSync(file)) ?? (paths[0] as string);
  let addon: NativeAddon;
  try {
    addon = location.loadAddon(path) as NativeAddon;
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const reason =
      code === 'ERR_DLOPEN_DISABLED' ? 'the permission model refuses addons: start node with --allow-addons' : message.split('\n')[0];
    throw new KymoError('KYMO_BINDING_MISSING', { path, reason }, { cause });
  }
  if (typeof addon.start !== 'function') {
    throw new KymoError('KYMO_BINDING_VERSION', { found: 'an addon without start()', expected: `layout ${FINGERPRINT.toString(16)}` });
  }
  const options = readOptions();
  try {
    addon.start({
      memory: addon.externalBuffersAllowed() ? options.memory : 'internal',
      memoryDir: options.memoryDir,
      ...(options.memoryLimitBytes === undefined ? {} : { memoryLimitBytes: options.memoryLimitBytes }),
      service: options.serviceName ?? mainPackage().name ?? 'node',
      fingerprint: FINGERPRINT,
    });
  } catch (error) {
    throw asKymoError(error, { found: (error as Error).message, expected: `layout ${FINGERPRINT.toString(16)}` });
  }
  const known = addon as NativeAddon & { [MARKED]?: true };
  if (isMainThread && !known[MARKED]) {
    known[MARKED] = true;
    markEnds(addon);
  }
  return addon;
}

/** An error of the addon as the {@link KymoError} of its code, with `values` for the message; any other error as it is. */
export function asKymoError(error: unknown, values: Record<string, unknown> = {}): unknown {
  const { code, message } = (error ?? {}) as { code?: unknown; message?: unknown };
  if (typeof code !== 'string' || !Object.hasOwn(ERRORS, code) || KymoError.is(error)) return error;
  return new KymoError(code as ErrorCode, { reason: message, ...values }, { cause: error });
}

/** True when the environment switches Kymo off: then {@link native} does nothing, and no addon is needed. */
export const DISABLED: boolean = readOptions().disabled;

/** The addon. Importing this module throws `KYMO_BINDING_MISSING` or `KYMO_BINDING_VERSION` when it cannot be used. */
export const native: NativeAddon = DISABLED ? inertAddon() : load();
