// What a thrown value says of itself: type, message, stack with its causes, and whether it was one of time. App threads; reads
// properties of foreign objects, each reading caught.

/** A thrown value, described. All fields are text; empty for what it does not say. */
export interface DescribedException {
  /** Name of its class, or the name that it gives itself. */
  readonly type: string;
  readonly message: string;
  /** Its stack, then those of its causes under `Caused by:`. */
  readonly stack: string;
  /** True for a time-out, also as a cause. */
  readonly timedOut: boolean;
}

/** Causes that are followed, each level of an AggregateError counting as one. */
const MOST_CAUSES = 16;
/** Longest stack with causes, in UTF-16 code units. */
const LONGEST_STACK = 32_768;
/** Longest message, in UTF-16 code units. */
const LONGEST_MESSAGE = 8_192;

const TIMEOUT_CODES: ReadonlySet<string> = new Set([
  'ETIMEDOUT',
  'ESOCKETTIMEDOUT',
  'ERR_SOCKET_CONNECTION_TIMEOUT',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
]);

function read(object: unknown, key: string): unknown {
  try {
    return (object as Record<string, unknown>)[key];
  } catch {
    return undefined;
  }
}

function text(value: unknown, most: number): string {
  if (typeof value !== 'string') return '';
  return value.length > most ? value.slice(0, most).toWellFormed() : value;
}

function isObject(value: unknown): value is object {
  return (typeof value === 'object' && value !== null) || typeof value === 'function';
}

/**
 * The class of a thrown object. A `name` that the object or its own class sets wins (DOMException, TypeError, `this.name = ...`); else
 * the class's name, which an inherited `name` ("Error") would hide.
 */
function typeOf(thrown: object): string {
  const own = read(thrown, 'name');
  try {
    const prototype: unknown = Object.getPrototypeOf(thrown);
    const named = Object.hasOwn(thrown, 'name') || (isObject(prototype) && Object.hasOwn(prototype, 'name'));
    if (named && typeof own === 'string' && own !== '') return text(own, 256);
  } catch {
    // A proxy that hides its prototype.
  }
  const constructorName = text(read(read(thrown, 'constructor'), 'name'), 256);
  return constructorName === '' ? text(own, 256) || 'Error' : constructorName;
}

function messageOf(thrown: unknown): string {
  if (isObject(thrown)) {
    const message = read(thrown, 'message');
    if (typeof message === 'string') return text(message, LONGEST_MESSAGE);
  }
  try {
    return text(String(thrown), LONGEST_MESSAGE);
  } catch {
    return '';
  }
}

function headline(thrown: unknown): string {
  const message = messageOf(thrown);
  const type = isObject(thrown) ? typeOf(thrown) : typeof thrown;
  return message === '' ? type : `${type}: ${message}`;
}

function isTimeout(thrown: object): boolean {
  const code = read(thrown, 'code');
  return read(thrown, 'name') === 'TimeoutError' || (typeof code === 'string' && TIMEOUT_CODES.has(code));
}

/** The errors that led to `thrown`, nearest first, itself left out; each once. */
function causesOf(thrown: object): unknown[] {
  const found: unknown[] = [];
  const seen = new Set<unknown>([thrown]);
  const waiting: object[] = [thrown];
  for (let object = waiting.shift(); object !== undefined && found.length < MOST_CAUSES; object = waiting.shift()) {
    const errors = read(object, 'errors');
    const next: unknown[] = [read(object, 'cause')];
    try {
      if (Array.isArray(errors)) next.push(...errors.slice(0, MOST_CAUSES));
    } catch {
      // A proxy for a list.
    }
    for (const cause of next) {
      if (cause === undefined || cause === null || seen.has(cause) || found.length >= MOST_CAUSES) continue;
      seen.add(cause);
      found.push(cause);
      if (isObject(cause)) waiting.push(cause);
    }
  }
  return found;
}

/** Describes whatever was thrown: an error, a text, nothing. Never throws; costs the formatting of the stack, some 10 us at first reading. */
export function describeException(thrown: unknown): DescribedException {
  if (!isObject(thrown)) return { type: thrown === null ? 'null' : typeof thrown, message: messageOf(thrown), stack: '', timedOut: false };
  const causes = causesOf(thrown);
  let stack = text(read(thrown, 'stack'), LONGEST_STACK);
  for (const cause of causes) {
    if (stack.length >= LONGEST_STACK) break;
    stack += `${stack === '' ? '' : '\n'}Caused by: ${text(read(cause, 'stack'), LONGEST_STACK) || headline(cause)}`;
  }
  return {
    type: typeOf(thrown),
    message: messageOf(thrown),
    stack: text(stack, LONGEST_STACK),
    timedOut: isTimeout(thrown) || causes.some((cause) => isObject(cause) && isTimeout(cause)),
  };
}
