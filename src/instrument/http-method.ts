// Which method names reach attributes and labels: the known ones, and `_OTHER` for any word that a client makes up. App threads.
import { KNOWN_METHODS, OTHER_METHOD } from './semantic-conventions.js';

/** The methods that are named; the environment variable of the semantic conventions replaces the list, case-sensitively. */
export function knownMethods(env: Readonly<Record<string, string | undefined>> = process.env): ReadonlySet<string> {
  const given = (env.OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS ?? '')
    .split(',')
    .map((name) => name.trim())
    .filter(Boolean);
  return new Set(given.length > 0 ? given : KNOWN_METHODS);
}

/** `method` as an attribute: itself or `_OTHER`. */
export function methodAttribute(method: string, known: ReadonlySet<string>): string {
  return known.has(method) ? method : OTHER_METHOD;
}

/** `method` as it stands in a span's name: `HTTP` for one that is not known. */
export function methodInName(method: string): string {
  return method === OTHER_METHOD ? 'HTTP' : method;
}
