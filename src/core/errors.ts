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
    Object.defineProperty(this.prototype, BRAND, { value: true });
    Object.defineProperty(this.prototype, 'name', { value: 'KymoError', writable: true, configurable: true });
  }

  /** Stable across releases; match on this, never on the text. */
  readonly code: ErrorCode;
  /** What to do about it, one sentence. */
  readonly fix: string;

  constructor(code: ErrorCode, values: Record<string, unknown> = {}, options?: ErrorOptions) {
    const row = ERRORS[code];
    const what = row.what.replace(/\{(\w+)\}/g, (_, key: string) => shown(values[key]));
    super(`${code}: ${what}; ${row.fix}`, options);
    this.code = code;
    this.fix = row.fix;
  }

  /** True for an error of any copy of this package. Never throws. */
  static is(error: unknown): error is KymoError {
    return typeof error === 'object' && error !== null && BRAND in error;
  }
}

/** A value as an error message shows it: quoted, cut to 80 characters, never running user code that throws. */
function shown(value: unknown): string {
  let text: string;
  try {
    text = typeof value === 'string' ? value : String(value);
  } catch {
    text = `[${typeof value}]`;
  }
  return text.length > 200 ? `${text.slice(0, 200)}...` : text;
}
