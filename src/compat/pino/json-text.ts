// JSON of single values, as short as it can be made. App threads.
import { type SafeStringify, safeStringify } from './safe-json.js';

/** Up to here a loop over the characters costs less than the call of JSON.stringify, which escapes lone surrogates as well. */
const LOOP_LIMIT = 100;
const UNSERIALIZABLE = '"[unable to serialize, circular reference is too complex to analyze]"';
/** From here on JSON.stringify is the fastest for any text. */
const STRINGIFIES_FAST = Number(process.versions.node.split('.')[0]) >= 25;

/** A text with its quotes. */
export const quoted: (text: string) => string = STRINGIFIES_FAST ? (text) => JSON.stringify(text) : quotedByLoop;

/** Unlike JSON.stringify this leaves lone surrogates as they are. */
function quotedByLoop(text: string): string {
  const { length } = text;
  if (length > LOOP_LIMIT) return JSON.stringify(text);
  let escaped = '';
  let copied = 0;
  for (let index = 0; index < length; index++) {
    const code = text.charCodeAt(index);
    if (code < 32) return JSON.stringify(text);
    if (code !== 34 && code !== 92) continue;
    escaped += `${text.slice(copied, index)}\\`;
    copied = index;
  }
  return copied === 0 && escaped === '' ? `"${text}"` : `"${escaped}${text.slice(copied)}"`;
}

/** JSON of any value; where JSON.stringify throws, that of `safe`. Undefined where there is none. Never throws. */
export function stringify(value: unknown, safe: SafeStringify = DEFAULT_SAFE): string | undefined {
  try {
    return JSON.stringify(value);
  } catch {
    try {
      return safe(value);
    } catch {
      return UNSERIALIZABLE;
    }
  }
}
const DEFAULT_SAFE: SafeStringify = safeStringify(5, 100);
