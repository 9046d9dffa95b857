// What a line of the log looks like: the options, and what native makes a format of. Any thread; cold.
import { asKymoError, native } from '../../binding/load.js';
import type { NativeLogConstant, NativeLogFormatOptions, NativeLogNames } from '../../binding/native-log-format.js';
import type { IdFormat } from '../../context/id-text.js';
import { KymoError } from '../../core/errors.js';
import type { LevelScale, LevelWords } from '../levels.js';
import { FORMAT_OPTIONS, type LogLineFormat, type LogPreset, logPreset } from './presets.js';
import { type TemplateStyle, templatePieces } from './template.js';

/** A part of a line: `base` stands for the fields that are the same in every line, `fields` for those of the caller. */
export type LogLinePart = 'time' | 'level' | 'logger' | 'message' | 'trace' | 'base' | 'fields';

/** Keys of what a line says itself; `false` leaves it out. */
export interface LogFieldNames {
  readonly time?: string | false;
  readonly level?: string | false;
  readonly logger?: string | false;
  readonly message?: string | false;
  readonly traceId?: string | false;
  readonly spanId?: string | false;
  readonly traceFlags?: string | false;
  /** Of the error that a call was given, where it is an object; default `err`. */
  readonly error?: string;
  /** `true` in a line from which something is missing, since the record was too long. */
  readonly truncated?: string | false;
}

/** Options of a format. An option given counts before that of the format, which counts before that of the preset. */
export interface LogFormatOptions {
  /** Dialect of one of the older systems; default: none. */
  readonly preset?: LogPreset;
  /** Default `json`, or what the preset says. */
  readonly format?: LogLineFormat;
  readonly fieldNames?: LogFieldNames;
  /** Order of the parts; one that is not named is not written. Of texts only what is behind the message follows it. */
  readonly keyOrder?: readonly LogLinePart[];
  /** `iso` (RFC 3339, UTC, ms), `epochSeconds`, `epochMs`, `epochNs`, or a pattern as of strftime, in UTC: `%Y-%m-%d %H:%M:%S.%L`. */
  readonly timeFormat?: 'iso' | 'epochSeconds' | 'epochMs' | 'epochNs' | (string & {});
  readonly levelFormat?: 'lower' | 'upper' | 'number';
  /** Numbers of levels: pino's 10 to 60, or Python's 5 (trace), 10 to 50. */
  readonly levelScale?: LevelScale;
  /** `warn` and `fatal`, or `warning` and `critical`. */
  readonly levelWords?: LevelWords;
  /** Words of further levels, by their number inside. */
  readonly levelNames?: Readonly<Record<number, string>>;
  readonly traceIdFormat?: IdFormat;
  readonly spanIdFormat?: Exclude<IdFormat, 'ulid'>;
  /** False leaves trace id, span id and flags out of the lines. Default true. */
  readonly includeTraceContext?: boolean;
  /** Key of an object that the caller's fields are put in; default: they stand beside the others. */
  readonly nestedKey?: string;
  /** Fields of every line, which no field of a caller replaces; for `otlp` those of the resource. */
  readonly base?: Readonly<Record<string, unknown>>;
  /** Fields of lines that have none of that key. */
  readonly defaults?: Readonly<Record<string, unknown>>;
  /** The error of a call: an object, one text (`exception`) with stack, causes and members, or the keys of a standard. */
  readonly errors?: 'object' | 'text' | 'otel' | 'ecs' | 'gcp';
  /** NaN and the infinities: `null`, as of `JSON.stringify`, or texts. */
  readonly nonFinite?: 'null' | 'text';
  /** Bigints: numbers where JavaScript reads them back exactly and texts otherwise, always numbers, or always texts. */
  readonly bigint?: 'exact' | 'number' | 'text';
  /** What stands before the fields of a text, and what is the message in JSON: `%(asctime)s [%(levelname)s] %(message)s`. */
  readonly template?: string;
  /** How the template names its parts: `%(message)s`, `{message}`, `${message}`. Default `%`. */
  readonly templateStyle?: TemplateStyle;
  /** False: a template that is malformed, or has no part, is taken as it is. Default true: it is refused. */
  readonly validateTemplate?: boolean;
  /** Texts only: stacks on indented lines behind the line. Default true with colours, otherwise false. */
  readonly stackLines?: boolean;
  /** Of `gcp`: the project whose traces are meant. */
  readonly gcpProject?: string;
}

const SHAPES: Readonly<Record<LogLineFormat, NonNullable<NativeLogFormatOptions['shape']>>> = {
  json: 'json',
  text: 'text',
  color: 'color',
  logfmt: 'logfmt',
  ecs: 'json',
  gcp: 'json',
  otlp: 'otlp',
};
const PARTS: readonly LogLinePart[] = ['time', 'level', 'logger', 'message', 'trace', 'base', 'fields'];

function refuse(option: string, value: unknown, expected: string): never {
  throw new KymoError('KYMO_LOG_FORMAT', { reason: `the option ${option} is ${shown(value)}, expected ${expected}` });
}

function shown(value: unknown): string {
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return typeof value;
  }
}

/** One of `words`, or undefined where nothing was said. */
function word<W extends string>(option: string, value: W | undefined, words: readonly W[]): W | undefined {
  return value === undefined || words.includes(value) ? value : refuse(option, value, `one of ${words.join(', ')}`);
}

function text(option: string, value: string | undefined): string | undefined {
  return value === undefined || (typeof value === 'string' && value.length > 0) ? value : refuse(option, value, 'a text that is not empty');
}

/** The options with those of preset and format under them. Later `fieldNames` and `base` add to earlier ones. */
function completed(given: LogFormatOptions): LogFormatOptions & { readonly format: LogLineFormat } {
  const preset = given.preset === undefined ? {} : logPreset(given.preset);
  const format = word('format', given.format, Object.keys(SHAPES) as LogLineFormat[]) ?? preset.format ?? 'json';
  const layers = [preset, FORMAT_OPTIONS[format], given];
  const merged: Record<string, unknown> = {};
  for (const layer of layers) {
    for (const [option, value] of Object.entries(layer)) if (value !== undefined) merged[option] = value;
  }
  const fieldNames: LogFieldNames = Object.assign({}, ...layers.map((layer) => layer.fieldNames));
  const base: Readonly<Record<string, unknown>> = Object.assign({}, ...layers.map((layer) => layer.base));
  return { ...merged, format, fieldNames, base };
}

/** Keys for native, where an empty one leaves something out. */
function namesOf(names: LogFieldNames, isTraced: boolean): NativeLogNames {
  const native: Record<string, string> = {};
  for (const [part, name] of Object.entries(names)) {
    if (name === undefined) continue;
    native[part] = name === false && part !== 'error' ? '' : (text(`fieldNames.${part}`, name as string) as string);
  }
  return isTraced ? native : { ...native, traceId: '', spanId: '', traceFlags: '' };
}

function orderOf(order: readonly LogLinePart[] = PARTS, names: LogFieldNames = {}): readonly LogLinePart[] {
  if (!Array.isArray(order) || new Set(order).size !== order.length || !order.every((part) => PARTS.includes(part))) {
    refuse('keyOrder', order, `some of ${PARTS.join(', ')}, each once`);
  }
  return order.filter((part) => (names as Readonly<Record<string, unknown>>)[part] !== false);
}

function constantsOf(option: string, fields: Readonly<Record<string, unknown>> = {}): NativeLogConstant[] {
  if (typeof fields !== 'object' || fields === null) refuse(option, fields, 'an object');
  return Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => {
      if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return { name, value };
      try {
        const json = value === null ? undefined : JSON.stringify(value);
        return json === undefined ? { name } : { name, json };
      } catch {
        return refuse(`${option}.${name}`, value, 'what JSON can say');
      }
    });
}

function levelsOf(names: Readonly<Record<number, string>> = {}): NativeLogFormatOptions['levels'] {
  return Object.entries(names).map(([level, name]) => {
    const number = Number(level);
    if (!Number.isInteger(number) || number < 0 || number > 0xffff) refuse('levelNames', level, 'numbers in [0, 65535]');
    return { level: number, name: text(`levelNames.${level}`, name) as string };
  });
}

/** What native makes a format of. @throws KymoError `KYMO_LOG_FORMAT` for options that make none */
export function nativeLogFormat(given: LogFormatOptions = {}): NativeLogFormatOptions {
  const options = completed(given);
  const { format, fieldNames = {}, template, gcpProject } = options;
  const levelCase = word('levelFormat', options.levelFormat, ['lower', 'upper', 'number']);
  const ids = ['hex', 'ulid', 'uuid', 'prefixed'] as const;
  const native: NativeLogFormatOptions = {
    shape: SHAPES[format],
    names: namesOf(fieldNames, options.includeTraceContext !== false),
    order: orderOf(options.keyOrder, fieldNames),
    time: timeOf(options.timeFormat),
    levelCase: format === 'gcp' && given.levelFormat === undefined ? 'severity' : (levelCase ?? 'lower'),
    levelScale: word('levelScale', options.levelScale, ['pino', 'python']) ?? 'pino',
    levelWords: word('levelWords', options.levelWords, ['short', 'long']) ?? 'short',
    levels: levelsOf(options.levelNames) ?? [],
    traceId: word('traceIdFormat', options.traceIdFormat, ids) ?? 'hex',
    tracePrefix: format === 'gcp' && gcpProject !== undefined ? `projects/${text('gcpProject', gcpProject)}/traces/` : '',
    spanId: word('spanIdFormat', options.spanIdFormat, ['hex', 'uuid', 'prefixed']) ?? 'hex',
    traceFlags: format === 'gcp' ? 'sampled' : 'hex',
    nestedKey: text('nestedKey', options.nestedKey) ?? '',
    base: constantsOf('base', options.base),
    defaults: constantsOf('defaults', options.defaults),
    error: word('errors', options.errors, ['object', 'text', 'otel', 'ecs', 'gcp']) ?? 'object',
    nonFinite: word('nonFinite', options.nonFinite, ['null', 'text']) ?? 'null',
    bigint: word('bigint', options.bigint, ['exact', 'number', 'text']) ?? 'exact',
    multiline: options.stackLines === true,
  };
  if (template === undefined) return native;
  return { ...native, template: templatePieces(template, options.templateStyle, options.validateTemplate !== false) };
}

function timeOf(form: string | undefined): string {
  if (form === undefined) return 'iso';
  if (typeof form === 'string' && (['iso', 'epochSeconds', 'epochMs', 'epochNs'].includes(form) || form.includes('%'))) return form;
  return refuse('timeFormat', form, 'iso, epochSeconds, epochMs, epochNs, or a pattern such as %Y-%m-%d %H:%M:%S');
}

/** Number of a compiled format, the same for the same options. @throws KymoError `KYMO_LOG_FORMAT` for options that make none */
export function compileLogFormat(options: LogFormatOptions = {}): number {
  const complete = nativeLogFormat(options);
  try {
    return native.logFormat(complete);
  } catch (error) {
    throw asKymoError(error);
  }
}
