// Names of keys whose values are secrets at any depth, compared without regard to case and separators. Pure functions; any thread.
import { KymoError } from '../../core/errors.js';

/**
 * Keys whose values are secrets in most services: what `names: true` stands for. Each also means its other spellings: `api_key` is
 * `apiKey`, `API-KEY` and `Api Key`.
 */
export const SECRET_NAMES = Object.freeze([
  'password',
  'passwd',
  'pwd',
  'passphrase',
  'passcode',
  'new_password',
  'old_password',
  'current_password',
  'password_confirmation',
  'db_password',
  'secret',
  'secret_key',
  'client_secret',
  'shared_secret',
  'webhook_secret',
  'signing_secret',
  'secret_access_key',
  'aws_secret_access_key',
  'token',
  'access_token',
  'refresh_token',
  'id_token',
  'auth_token',
  'bearer_token',
  'session_token',
  'aws_session_token',
  'security_token',
  'csrf_token',
  'xsrf_token',
  'x_csrf_token',
  'x_xsrf_token',
  'reset_token',
  'verification_token',
  'jwt',
  'api_key',
  'api_secret',
  'api_token',
  'x_api_key',
  'x_auth_token',
  'x_access_token',
  'x_amz_security_token',
  'x_vault_token',
  'authorization',
  'proxy_authorization',
  'x_authorization',
  'credentials',
  'private_key',
  'encryption_key',
  'signing_key',
  'access_key',
  'account_key',
  'connection_string',
  'cookie',
  'set_cookie',
  'session_id',
  'sid',
  'otp',
  'mfa_code',
  'pin',
  'cvv',
  'cvc',
  'card_number',
  'ssn',
] as const);

/** Characters between the words of a name. */
const SEPARATORS = /[\s_.:/-]+/g;
/** A name that is its own folded form. */
const PLAIN = /^[a-z0-9]+$/;

/** A name without what it may be spelled by: separators left out, lower case. */
export function folded(name: string): string {
  return PLAIN.test(name) ? name : name.replace(SEPARATORS, '').toLowerCase();
}

/** A name as it is compared: the whole folded key, or its beginning, end or middle where stars stand for the rest. */
export interface NameTest {
  readonly text: string;
  readonly at: 'whole' | 'start' | 'end' | 'inside';
}

/**
 * Reads a name: `password`, or with stars for the rest of the key `*password`, `secret*`, `*token*`.
 *
 * @throws KymoError `KYMO_LOG_REDACT_PATH` when it is empty, or has a star in its middle.
 */
export function parseName(name: string): NameTest {
  const problem = (text: string): KymoError => new KymoError('KYMO_LOG_REDACT_PATH', { path: name, problem: text });
  if (typeof name !== 'string') throw problem('it is no text; write a name such as "api_key"');
  const open = name.startsWith('*');
  const close = name.length > 1 && name.endsWith('*');
  const inner = name.slice(open ? 1 : 0, close ? -1 : undefined);
  if (inner.includes('*')) throw problem('a star stands at the beginning or the end of a name');
  if (/[[\]]/.test(inner)) throw problem('a name is one key, without brackets; write it among the paths');
  const text = folded(inner);
  if (text === '') throw problem('it names no key; write letters or digits, or a path such as ["-"]');
  return { text, at: open ? (close ? 'inside' : 'end') : close ? 'start' : 'whole' };
}

/** True when a key, folded, is what the name means. */
export function isNamed({ text, at }: NameTest, key: string): boolean {
  switch (at) {
    case 'whole':
      return key === text;
    case 'start':
      return key.startsWith(text);
    case 'end':
      return key.endsWith(text);
    case 'inside':
      return key.includes(text);
  }
}
