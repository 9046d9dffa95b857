// Every error code of Kymo, with what went wrong and what to do about it. Pure data and one class; any thread.

/** One row per code. `docs` and tests are derived from this table; a code is never reused for another meaning. */
export const ERRORS = {
  KYMO_BINDING_MISSING: {
    what: 'the native addon could not be loaded from {path}: {reason}',
    fix: 'run `npm run build` in a checkout, or reinstall the package on this platform',
  },
  KYMO_BINDING_VERSION: {
    what: 'the native addon was built from another version: {found}, expected {expected}',
    fix: 'rebuild it with `npm run build`, and load only one copy of the package',
  },
  KYMO_CONFIG_VALUE: {
    what: '{source} is {value}, expected {expected}',
    fix: 'correct the option or unset the variable',
  },
  KYMO_MEMORY_FOLDER: {
    what: 'the segment folder cannot be used: {reason}',
    fix: 'name a folder on a memory file system in which `kymo-<uid>` belongs to this user, with mode 700',
  },
} as const satisfies Record<`KYMO_${string}`, { what: string; fix: string }>;

/** A code of {@link ERRORS}. */
export type ErrorCode = keyof typeof ERRORS;

const BRAND = Symbol.for('kymo.error');

/**
 * An error with a stable `code`, the failing values in the message and, in `fix`, what to do.
 * Branded by a global symbol, so that `KymoError.is` holds across two copies of the package.
 */
export class KymoError extends Error {
  static {
    Object.defineProperty(KymoError.prototype, BRAND, { value: true });
    Object.defineProperty(KymoError.prototype, 'name', { value: 'KymoError', writable: true, configurable: true });
  }

  /** Stable across releases; match on this, never on the text. */
  readonly code: ErrorCode;
  /** What to do about it, one sentence. */
  readonly fix: string;

  constructor(code: ErrorCode, values: Record<string, unknown> = {}, options?: ErrorOptions) {
    const row = ERRORS[code];
    const what = row.what.replace(/\{(\w+)\}/g, (_, key: string) => shown(Object.hasOwn(values, key) ? values[key] : undefined));
    super(`${code}: ${what}; ${row.fix}`, options);
    this.code = code;
    this.fix = row.fix;
  }

  /** True for an error of any copy of this package. Never throws. */
  static is(error: unknown): error is KymoError {
    try {
      return typeof error === 'object' && error !== null && BRAND in error;
    } catch {
      return false; // A proxy that throws is nobody's KymoError.
    }
  }
}

const CONTROL = /[\p{Cc}\u2028\u2029]/gu;

/** Longest part of a value that a message shows, in UTF-16 code units. */
const SHOWN_MAX = 200;

/** A value as an error message shows it: cut, control characters escaped (it may reach a log), and user code that throws is caught. */
function shown(value: unknown): string {
  let text: string;
  try {
    text = String(value);
  } catch {
    text = `[${typeof value}]`;
  }
  if (text.length > SHOWN_MAX) {
    const last = text.charCodeAt(SHOWN_MAX - 1);
    const splitsPair = last >= 0xd800 && last <= 0xdbff;
    text = `${text.slice(0, splitsPair ? SHOWN_MAX - 1 : SHOWN_MAX)}...`;
  }
  return text.replace(CONTROL, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
