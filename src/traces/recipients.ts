// How the recipient of a message, who may be a person, appears in spans. Pure functions; any thread.
import { KymoError } from '../core/errors.js';

/**
 * What becomes of a recipient: `masked` keeps the first character and the domain (`a***@example.org`), `omitted` leaves it out,
 * `plain` takes it as it is, a function says what is recorded (undefined: nothing).
 */
export type RecipientPolicy = 'masked' | 'omitted' | 'plain' | ((recipient: string) => string | undefined);

/** @throws KymoError `KYMO_CONFIG_VALUE` for anything else. */
export function checkRecipientPolicy(policy: unknown): RecipientPolicy {
  if (policy === 'masked' || policy === 'omitted' || policy === 'plain' || typeof policy === 'function') return policy as RecipientPolicy;
  const expected = 'masked, omitted, plain or a function';
  throw new KymoError('KYMO_CONFIG_VALUE', { source: 'recipients', value: policy, expected });
}

/** What is recorded of `recipient`; undefined for nothing, also when a function of the application throws. */
export function shownRecipient(recipient: unknown, policy: RecipientPolicy): string | undefined {
  if (typeof recipient !== 'string' || recipient === '' || policy === 'omitted') return undefined;
  if (policy === 'plain') return recipient;
  if (policy === 'masked') return masked(recipient);
  try {
    const shown = policy(recipient);
    return typeof shown === 'string' ? shown : undefined;
  } catch {
    return undefined;
  }
}

function masked(recipient: string): string {
  const [first = ''] = recipient; // A whole character, not half of a pair.
  const at = recipient.lastIndexOf('@');
  return at > 0 ? `${first}***${recipient.slice(at)}` : `${first}***`;
}
