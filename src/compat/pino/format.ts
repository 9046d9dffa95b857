// The `%` templates of messages, with the semantics of quick-format-unescaped, which pino uses: what is left over is dropped. App threads.
import { threw } from './throwing.js';

/** The text of a value under `%o`, `%O` and `%j`. */
export type Stringify = (value: unknown) => string | undefined;

const PERCENT = 37;

/**
 * The message: `template` with its placeholders filled from `values` in order. A template that is no text is the message as it is, an object
 * becomes JSON. Never throws: a value that cannot be converted becomes `[Throws: ...]`. No allocation where there are no values.
 */
export function format(template: unknown, values: readonly unknown[], stringify: Stringify): unknown {
  if (typeof template === 'object' && template !== null) return joined(template, values, stringify);
  if (typeof template !== 'string' || values.length === 0) return template;
  let text = '';
  let copied = 0;
  let used = 0;
  for (let at = template.indexOf('%'); at !== -1 && at + 1 < template.length; ) {
    const specifier = template.charCodeAt(at + 1);
    if (specifier === PERCENT) {
      text += template.slice(copied, at + 1);
      copied = at + 2;
      at = template.indexOf('%', copied);
      continue;
    }
    // A letter that means nothing uses up its value all the same.
    if (used < values.length) {
      const filled = replacement(specifier, values[used], stringify);
      if (filled !== undefined) {
        text += template.slice(copied, at) + filled;
        copied = at + 2;
      }
    }
    used++;
    at = template.indexOf('%', at + 2);
  }
  return copied === 0 ? template : text + template.slice(copied);
}

/** Text for one placeholder; undefined leaves the placeholder. */
function replacement(specifier: number, value: unknown, stringify: Stringify): string | undefined {
  try {
    switch (specifier) {
      case 100: // d
      case 102: // f
        return value === undefined || value === null ? undefined : String(Number(value));
      case 105: // i
        return value === undefined || value === null ? undefined : String(Math.floor(Number(value)));
      case 115: // s
        return String(value);
      case 79: // O
      case 106: // j
      case 111: // o
        if (value === undefined) return undefined;
        if (typeof value === 'string') return `'${value}'`;
        if (typeof value === 'function') return value.name || '<anonymous>';
        return String(stringify(value));
      default:
        return undefined;
    }
  } catch (error) {
    return threw(error);
  }
}

/** An object as the message: JSON of it and of the values from the second on, and a space for the first. */
function joined(template: object, values: readonly unknown[], stringify: Stringify): string {
  if (values.length === 0) return template as unknown as string;
  const parts = [stringify(template)];
  for (let index = 1; index <= values.length; index++) parts.push(index < values.length ? stringify(values[index]) : '');
  return parts.join(' ');
}
