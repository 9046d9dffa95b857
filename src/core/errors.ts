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
  KYMO_CONFIG_IGNORED: {
    what: 'the variable {variable} is {value}, expected {expected}: it is ignored',
    fix: 'correct the variable or unset it',
  },
  KYMO_EXPORT_FAILED: {
    what: 'the exporter {exporter} could not export: {reason}',
    fix: 'see what answers at its endpoint; kymo_exporter_errors_total and what else counts drops tell what it costs',
  },
  KYMO_EXPORT_FALLBACK: {
    what: '{what} cannot be had: {reason}; {used} is used in its place',
    fix: 'make it available, or configure what is used now',
  },
  KYMO_EXPORT_OPTION: {
    what: 'the option {option} of an exporter is {value}, expected {expected}',
    fix: 'correct the option, or the variable that it comes from',
  },
  KYMO_EXPORT_UNKNOWN: {
    what: 'this pipeline is not known natively: {reason}',
    fix: 'report this: it is a fault in Kymo',
  },
  KYMO_LOG_SINK: {
    what: 'a log sink cannot be used: {reason}',
    fix: 'correct its options, or do not use it after it was closed',
  },
  KYMO_LOG_FORMAT: {
    what: 'a log format cannot be made: {reason}',
    fix: 'correct its options; the guide of formats lists them all',
  },
  KYMO_MEMORY_FOLDER: {
    what: 'the segment folder cannot be used: {reason}',
    fix: 'name a folder on a memory file system in which `kymo-<uid>` belongs to this user, with mode 700',
  },
  KYMO_OPS_BIND: {
    what: 'the ops server cannot listen: {address}',
    fix: 'use an address of this machine and a port above 1023, or a socketPath in a folder that this user may write',
  },
  KYMO_OPS_CLUSTER_WORKER: {
    what: 'this cluster worker serves no ops port, because {address} belongs to its primary',
    fix: "start the server in the primary, and set clusterWorkers: 'own-port' to scrape each worker on a port of its own",
  },
  KYMO_OPS_OPTION: {
    what: 'the option {option} of the ops server is {value}, expected {expected}',
    fix: 'correct the option',
  },
  KYMO_OPS_PORT_IN_USE: {
    what: 'the ops server cannot listen: {address} is in use',
    fix: "stop what listens there (`ss -ltnp` shows it), choose another port (0 takes a free one), or set onPortInUse: 'next-free'",
  },
  KYMO_INSTRUMENT_ACTIVE: {
    what: 'the HTTP requests of this thread are instrumented already',
    fix: 'stop the other instrumentation first, or use the one that is on',
  },
  KYMO_LOG_REDACT_OPTION: {
    what: 'the option {option} of redaction is {value}, expected {expected}',
    fix: 'correct the option',
  },
  KYMO_LOG_REDACT_PATH: {
    what: 'the redaction path or name {path} cannot be used: {problem}',
    fix: 'correct it; explainRedaction(object, options) shows what rules do to an object',
  },
  KYMO_LOG_REDACT_PATTERN: {
    what: 'the redaction pattern {pattern} cannot be used: {problem}',
    fix: 'correct it, or set beforeRing: true to have the expression run on the app thread as it is',
  },
  KYMO_RING_OPEN: {
    what: 'a ring could not be opened: {reason}',
    fix: 'check its size, its spool file and the memory limits',
  },
  KYMO_MEMORY_REFUSED: {
    what: 'no memory for telemetry is to be had: {reason}',
    fix: 'raise KYMO_MEMORY_LIMIT or the memory limit of the container, or set KYMO_MEMORY=anonymous',
  },
  KYMO_METRICS_CONFLICT: {
    what: 'the metric {name} cannot be declared: its name, or that of one of its samples, belongs to {existing}',
    fix: 'choose another name, or declare both with the same kind, help, labels and buckets',
  },
  KYMO_METRICS_DECLARATION: {
    what: 'the metric {metric} cannot be declared: {problem}',
    fix: 'correct the declaration; names are made of letters, digits and underscores, with base unit and suffix (_seconds, _bytes, _total)',
  },
  KYMO_METRICS_LABELS: {
    what: 'labels of {metric} do not fit its declaration ({names}): {problem}',
    fix: "give one value for each declared label, or declare the metric with missingLabels: 'empty'",
  },
  KYMO_METRICS_NOT_FOUND: {
    what: 'no metric is called {name}',
    fix: 'declare it first, or correct the name',
  },
  KYMO_METRICS_PRIVATE: {
    what: 'a series of kymo/prom-client is shown by registry.metrics() only, since {why}',
    fix: 'use shorter labels or give more memory, or scrape registry.metrics() in place of the ops server',
  },
  KYMO_METRICS_UNKNOWN: {
    what: 'this metric or registry is not known natively: {reason}',
    fix: 'report this: it is a fault in Kymo',
  },
  KYMO_METRICS_VALUE: {
    what: 'the counter {metric} cannot go up by {value}',
    fix: 'pass a finite number that is not negative',
  },
  KYMO_TRACES_UNKNOWN: {
    what: 'this provider of tracers is not known natively: {reason}',
    fix: 'do not use it after its shutdown; otherwise report this: it is a fault in Kymo',
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

/** Codes that say something about a metric's declaration, labels or value. */
const INVALID_METRIC: readonly ErrorCode[] = [
  'KYMO_METRICS_CONFLICT',
  'KYMO_METRICS_DECLARATION',
  'KYMO_METRICS_LABELS',
  'KYMO_METRICS_VALUE',
];

/**
 * Any error about a metric: a bad declaration, a name in use for something else, labels that were not declared, an increment
 * that is none. It is the code that decides, so `error instanceof InvalidMetricError` also holds across two copies of the package.
 */
export class InvalidMetricError extends KymoError {
  static override [Symbol.hasInstance](error: unknown): boolean {
    return KymoError.is(error) && INVALID_METRIC.includes(error.code);
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
