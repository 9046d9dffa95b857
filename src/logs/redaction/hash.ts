// Keyed hashes in the place of secrets, so that equal ones can be told without being known. App threads; about 3 us a value.
import { createHmac, randomBytes } from 'node:crypto';
import { native } from '../../binding/load.js';

/** Bytes of SHA-256 that are shown: two different values of a billion share theirs with a chance of one in 37. */
const SHOWN_BYTES = 8;

let ofThisProcess: Uint8Array | undefined;

/** The text that a hash is made of: what is written of a value, so that 7 and "7" are equal. Throws what user code throws. */
function textOf(value: unknown): string {
  if (typeof value === 'object' && value !== null) return JSON.stringify(value) ?? '';
  return String(value);
}

/**
 * `sha256:` and 16 hexadecimal digits of HMAC-SHA-256 over the value's text. Without the key it cannot be tried out which value it was.
 *
 * @param key without one, random bytes that all threads of this process share: hashes are equal within it only.
 */
export function hashed(value: unknown, key: string | Uint8Array | undefined): string {
  if (key === undefined) ofThisProcess ??= native.logHashKey(randomBytes(32));
  const hmac = createHmac('sha256', key ?? (ofThisProcess as Uint8Array));
  return `sha256:${hmac
    .update(textOf(value), 'utf8')
    .digest('hex')
    .slice(0, 2 * SHOWN_BYTES)}`;
}
