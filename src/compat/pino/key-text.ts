// Keys of properties as they stand in a line. App threads; remembered per thread.
import { quoted } from './json-text.js';

/** Keys written lately, as they stand in a line. */
const keys = new Map<string, string>();
const KEYS_LIMIT = 2048;
/** Characters of a key that is worth its memory. */
const LENGTH_LIMIT = 64;

/** `,"key":`. Remembered for the first 2,048 short keys of a thread, which are those that a program writes all the time. */
export function keyText(key: string): string {
  let text = keys.get(key);
  if (text === undefined) {
    text = `,${quoted(key)}:`;
    if (keys.size < KEYS_LIMIT && key.length <= LENGTH_LIMIT) keys.set(key, text);
  }
  return text;
}
