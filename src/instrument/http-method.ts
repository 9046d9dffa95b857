// Which method names reach attributes and labels: the known ones, and `_OTHER` for any word that a client makes up. App threads.
import { OTHER_METHOD } from './semantic-conventions.js';

/** `method` as an attribute: itself or `_OTHER`. */
export function methodAttribute(method: string, known: ReadonlySet<string>): string {
  return known.has(method) ? method : OTHER_METHOD;
}

/** `method` as it stands in a span's name: `HTTP` for one that is not known. */
export function methodInName(method: string): string {
  return method === OTHER_METHOD ? 'HTTP' : method;
}
