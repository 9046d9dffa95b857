// `%s` and its like in messages, by the rules of `util.format`; objects are shown as JSON in one line. App threads.
import { isError, thrown } from '../binding/value-writer.js';
import { plainCopy } from './plain-copy.js';
import { settings } from './settings.js';

const PERCENT = 37;

/** A message with its arguments in place, and how many of them it took. */
export interface FormattedMessage {
  readonly text: string;
  readonly used: number;
}

/** Fills the placeholders of `template` with `args` from `from` on. Further placeholders stay as they are. Never throws. */
export function formatMessage(template: string, args: readonly unknown[], from: number): FormattedMessage {
  let text = '';
  let done = 0;
  let next = from;
  for (let at = template.indexOf('%'); at >= 0 && at < template.length - 1; at = template.indexOf('%', at)) {
    const letter = template.charCodeAt(at + 1);
    const shown = letter === PERCENT ? '%' : next < args.length ? placed(letter, args[next]) : undefined;
    if (shown === undefined) {
      at += 1;
      continue;
    }
    if (letter !== PERCENT) next += 1;
    text += template.slice(done, at) + shown;
    at += 2;
    done = at;
  }
  return { text: done === 0 ? template : text + template.slice(done), used: next - from };
}

/** An argument in place of `%` and a letter; undefined for a letter that is no placeholder. */
function placed(letter: number, value: unknown): string | undefined {
  try {
    switch (String.fromCharCode(letter)) {
      case 's':
        return textOf(value);
      case 'd':
        return typeof value === 'bigint' ? String(value) : String(typeof value === 'object' ? Number.NaN : Number(value));
      case 'i':
        return typeof value === 'bigint'
          ? String(value)
          : String(typeof value === 'object' ? Number.NaN : Number.parseInt(String(value), 10));
      case 'f':
        return String(typeof value === 'symbol' ? Number.NaN : Number.parseFloat(String(value)));
      case 'j':
      case 'o':
      case 'O':
        return jsonOf(value);
      default:
        return undefined;
    }
  } catch (error) {
    return thrown(error);
  }
}

/** A value as part of a text. Never throws. */
export function textOf(value: unknown): string {
  try {
    if (typeof value !== 'object' || value === null) return String(value);
    if (isError(value)) return `${(value as Error).name}: ${(value as Error).message}`;
    const own = value.toString;
    const speaks = typeof own === 'function' && own !== Object.prototype.toString && !Array.isArray(value);
    return speaks ? String(value) : jsonOf(value);
  } catch (error) {
    return thrown(error);
  }
}

/** A value as JSON, redacted as fields are. */
function jsonOf(value: unknown): string {
  const copy = plainCopy(value, settings.redaction);
  return JSON.stringify(copy, (_, one: unknown) => (typeof one === 'bigint' ? String(one) : one)) ?? String(copy);
}
