// What the arguments of a call mean when they are more than a message and its fields. App threads; the slow path.
import { isError } from '../binding/value-writer.js';
import type { LogFields } from './settings.js';
import { formatMessage, textOf } from './template.js';

/** A call as the writer takes it. */
export interface LineParts {
  readonly message: unknown;
  readonly fields: LogFields | undefined;
  readonly error: unknown;
}

/** True for an object of this realm that is neither an error nor an array. Never throws: a proxy that does is left to the slow path. */
export function isFields(value: unknown): value is LogFields {
  try {
    // Two steps up the prototypes tell a plain object from errors, ours and another realm's, whatever its keys are.
    return typeof value === 'object' && value instanceof Object && !(value instanceof Error) && !Array.isArray(value);
  } catch {
    return false;
  }
}

/** Errors and fields of a call, in whatever place they were given. */
class Collected {
  fields: Record<string, unknown> | undefined;
  error: unknown;

  /** True when `value` was one. */
  take(value: unknown): boolean {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
    if (isError(value)) {
      if (this.error === undefined) this.error = value;
      else this.add({ errors: [...((this.fields?.errors as unknown[] | undefined) ?? []), value] });
    } else {
      this.add(value as LogFields);
    }
    return true;
  }

  add(fields: LogFields): void {
    // The one object of most calls is handed on as it is: its getters run in the writer, one by one.
    this.fields = this.fields === undefined ? (fields as Record<string, unknown>) : mergedFields([this.fields, fields]);
  }
}

/** The fields of all, of equal names the last one's. Accessors are left to whoever reads the result, who says what they threw. Never throws. */
export function mergedFields(all: readonly (LogFields | undefined)[]): Record<string, unknown> {
  const merged: Record<string, unknown> = {};
  for (const fields of all) {
    try {
      for (const key of Object.keys(fields ?? {})) {
        const own = Object.getOwnPropertyDescriptor(fields, key);
        const value = own !== undefined && 'value' in own ? { value: own.value, writable: true } : { get: () => fields?.[key] };
        Object.defineProperty(merged, key, { ...value, enumerable: true, configurable: true });
      }
    } catch {
      // A proxy that will not even say which keys it has.
    }
  }
  return merged;
}

/**
 * Reads `(message, fields?)`, `(fields, message?)`, `(error, message?)`, each with further arguments: they fill the placeholders of the
 * message; of what is left over, the first error is the line's, objects are fields, and anything else is put behind the text. Nothing is
 * lost. Never throws.
 */
export function partsOf(args: readonly unknown[]): LineParts {
  const collected = new Collected();
  let at = 0;
  while (at < args.length && safely(() => collected.take(args[at]))) at += 1;
  // `info(null, 'text')`: nothing to say besides.
  if (args.length > at + 1 && args[at] == null) at += 1;
  let message = args[at];
  at += 1;
  if (typeof message === 'string' && at < args.length) {
    const { text, used } = formatMessage(message, args, at);
    message = text;
    at += used;
  }
  for (; at < args.length; at += 1) {
    const value = args[at];
    if (!safely(() => collected.take(value))) message = `${textOf(message)} ${textOf(value)}`;
  }
  if (message === undefined && collected.error !== undefined) message = messageOf(collected.error);
  return { message, fields: collected.fields, error: collected.error };
}

function messageOf(error: unknown): unknown {
  try {
    return (error as Error).message;
  } catch {
    return undefined;
  }
}

/** A proxy can throw when it is asked what it is: then it is text, which says so. */
function safely(take: () => boolean): boolean {
  try {
    return take();
  } catch {
    return false;
  }
}
