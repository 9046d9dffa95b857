// The one table of options: name, type, default, unit, environment variable and meaning. Types, parsing and the
// documentation are derived from it. Any thread; read once at start.
import { isAbsolute } from 'node:path';
import { KymoError } from '../core/errors.js';

interface OptionRow {
  /** Name of the environment variables that set it, first one wins. */
  readonly env: readonly string[];
  readonly type: 'string' | 'path' | 'integer' | 'bytes' | 'boolean';
  readonly default: string | number | boolean | undefined;
  /** Words allowed for a string. */
  readonly words?: readonly string[];
  /** The words are read in any case. */
  readonly anyCase?: boolean;
  /** First and last accepted value of a number. */
  readonly range?: readonly [number, number];
  readonly doc: string;
}

/** Process-wide options: the environment sets them, since memory is laid out before any code of the application runs. */
export const OPTIONS = {
  disabled: {
    env: ['KYMO_DISABLED'],
    type: 'boolean',
    default: false,
    doc: 'switches everything off: the addon is not loaded, instruments and servers do nothing',
  },
  memory: {
    env: ['KYMO_MEMORY'],
    type: 'string',
    default: 'file',
    words: ['file', 'anonymous', 'internal'],
    doc: 'where segments live: `file` on tmpfs (survives the process), `anonymous` (does not), `internal` (buffers made by the runtime, for runtimes that refuse external ones)',
  },
  memoryDir: {
    env: ['KYMO_MEMORY_DIR'],
    type: 'path',
    default: '/dev/shm',
    doc: 'folder on a memory file system in which `kymo-<uid>` is made',
  },
  memoryLimitBytes: {
    env: ['KYMO_MEMORY_LIMIT'],
    type: 'bytes',
    default: undefined,
    range: [1 << 20, 2 ** 40],
    doc: 'upper bound of all segments together, beside 1/16 of the cgroup headroom and 1/2 of the free tmpfs',
  },
  logLevel: {
    env: ['KYMO_LOG_LEVEL'],
    type: 'string',
    default: undefined,
    words: ['trace', 'debug', 'info', 'warn', 'warning', 'error', 'fatal', 'critical', 'silent'],
    anyCase: true,
    doc: 'lowest level of log lines where the code names none; without it `info`, or `debug` for a program started with `--debug`',
  },
  serviceName: {
    env: ['KYMO_SERVICE_NAME', 'OTEL_SERVICE_NAME'],
    type: 'string',
    default: undefined,
    doc: 'name of the service in segments; without it, `name` of the nearest package.json of the main module, else `node`',
  },
} as const satisfies Record<string, OptionRow>;

/** Name of a row of {@link OPTIONS}. */
export type OptionName = keyof typeof OPTIONS;

type ValueOf<R extends OptionRow> =
  | (R['words'] extends readonly (infer W)[]
      ? W
      : R['type'] extends 'string' | 'path'
        ? string
        : R['type'] extends 'boolean'
          ? boolean
          : number)
  | (R['default'] extends undefined ? undefined : never);

/** All options with their types, as {@link readOptions} gives them. */
export type Options = { readonly [N in OptionName]: ValueOf<(typeof OPTIONS)[N]> };

const BYTES = /^(\d+)\s*(|k|m|g|ki|mi|gi|kb|mb|gb|kib|mib|gib)b?$/i;
const FACTOR: Record<string, number> = { k: 2 ** 10, m: 2 ** 20, g: 2 ** 30 };

function parse(source: string, row: OptionRow, text: string): string | number | boolean {
  const fail = (expected: string): KymoError => new KymoError('KYMO_CONFIG_VALUE', { source, value: JSON.stringify(text), expected });
  if (row.type === 'boolean') {
    if (/^(1|true|yes|on)$/i.test(text)) return true;
    if (/^(0|false|no|off)$/i.test(text)) return false;
    throw fail('true or false');
  }
  if (row.type === 'string') {
    if (row.words === undefined) return text;
    const word = row.words.find((one) => one === (row.anyCase ? text.toLowerCase() : text));
    if (word === undefined) throw fail(`one of ${row.words.join(', ')}`);
    return word;
  }
  if (row.type === 'path') {
    if (!isAbsolute(text)) throw fail('an absolute path');
    return text;
  }
  const match = row.type === 'bytes' ? BYTES.exec(text) : /^(\d+)()$/.exec(text);
  const value = match ? Number(match[1]) * (FACTOR[(match[2] ?? '').charAt(0).toLowerCase()] ?? 1) : Number.NaN;
  const [low, high] = row.range ?? [0, Number.MAX_SAFE_INTEGER];
  if (!(value >= low && value <= high))
    throw fail(`${row.type === 'bytes' ? 'bytes (suffixes k, m, g)' : 'a whole number'} in [${low}, ${high}]`);
  return value;
}

/**
 * Reads every option from `env` (default `process.env`); an empty variable counts as unset.
 * @throws KymoError `KYMO_CONFIG_VALUE` names the variable, the value and what is expected.
 */
export function readOptions(env: Readonly<Record<string, string | undefined>> = process.env): Options {
  const values: Record<string, unknown> = {};
  for (const [name, row] of Object.entries<OptionRow>(OPTIONS)) {
    const source = row.env.find((key) => env[key] !== undefined && env[key] !== '');
    values[name] = source === undefined ? row.default : parse(source, row, env[source] as string);
  }
  return values as Options;
}
