// Takes credentials out of what spans show of a URL: values of query parameters that are secrets by their name, and the user
// part. Pure functions; any thread.

/** What stands in place of a secret, as the semantic conventions want it. */
export const REDACTED = 'REDACTED';

/**
 * Query parameters whose values are credentials: signatures of object stores, which the semantic conventions name, and what
 * applications usually call theirs. Compared in lower case.
 */
export const SECRET_PARAMETERS: readonly string[] = Object.freeze([
  'access_token',
  'api-key',
  'api_key',
  'apikey',
  'auth',
  'authorization',
  'awsaccesskeyid',
  'client_secret',
  'id_token',
  'key',
  'passwd',
  'password',
  'private_token',
  'refresh_token',
  'secret',
  'sig',
  'signature',
  'token',
  'x-amz-credential',
  'x-amz-security-token',
  'x-amz-signature',
  'x-goog-credential',
  'x-goog-signature',
]);

/** `query`, without its question mark, with the values of `secrets` replaced. A query without a secret is returned as it is. */
export function redactQuery(query: string, secrets: ReadonlySet<string>): string {
  let redacted = '';
  let copied = 0;
  for (let start = 0; start < query.length; ) {
    let end = query.indexOf('&', start);
    if (end < 0) end = query.length;
    const equals = query.indexOf('=', start);
    // An empty value hides nothing.
    if (equals > start && equals < end - 1 && secrets.has(parameterName(query.slice(start, equals)))) {
      redacted += `${query.slice(copied, equals + 1)}${REDACTED}`;
      copied = end;
    }
    start = end + 1;
  }
  return copied === 0 ? query : redacted + query.slice(copied);
}

/** A name as it is compared: the one an application would see, in lower case. */
function parameterName(text: string): string {
  if (!text.includes('%') && !text.includes('+')) return text.toLowerCase();
  try {
    return decodeURIComponent(text.replaceAll('+', ' ')).trim().toLowerCase();
  } catch {
    return text.toLowerCase();
  }
}

/** `origin` and `path` as one URL: user and password replaced, secrets of the query replaced, without the fragment. */
export function redactedUrl(origin: string, path: string, secrets: ReadonlySet<string>): string {
  const at = origin.lastIndexOf('@');
  const scheme = origin.indexOf('://');
  const shown = at > scheme && scheme > 0 ? `${origin.slice(0, scheme + 3)}${REDACTED}:${REDACTED}@${origin.slice(at + 1)}` : origin;
  const hash = path.indexOf('#');
  const sent = hash < 0 ? path : path.slice(0, hash);
  const mark = sent.indexOf('?');
  return mark < 0 ? shown + sent : `${shown}${sent.slice(0, mark + 1)}${redactQuery(sent.slice(mark + 1), secrets)}`;
}
