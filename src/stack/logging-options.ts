// Options of logging: what can be said, what is refused, and what a preset makes of what was not said. App threads; cold.
import { isatty } from 'node:tty';
import { wantsColors } from '../config/terminal.js';
import { KymoError } from '../core/errors.js';
import { environmentSinks } from '../export/logs/environment.js';
import { type LogFormatOptions, nativeLogFormat } from '../logs/format/options.js';
import { LOG_PRESETS, type LogLineFormat, type LogPreset, logPreset } from '../logs/format/presets.js';
import { checkedLevels, initialLevel } from '../logs/gates.js';
import { DEBUG, declaredLevel, INFO, type LevelScale, type LevelWords, type LogLevelLike, SILENT } from '../logs/levels.js';
import { SECRET_NAMES } from '../logs/redaction/names.js';
import { type Redact, redactOptions } from '../logs/redaction/options.js';
import { type CompiledRedaction, compileRedaction } from '../logs/redaction/redaction.js';
import type { LogFields } from '../logs/settings.js';
import type { LogSink } from '../logs/sinks/sink.js';
import { stdoutSink } from '../logs/sinks/standard.js';
import type { PlannedSink } from './log-sinks.js';

/** How lines look: a word, or options, among them a preset of their own. `text` has colours where its sink is a terminal that wants them. */
export type FormatChoice = LogLineFormat | LogFormatOptions;

/** What happens to a line when the ring is full because sinks do not take what is in it. */
export type LogOverload = 'block' | 'drop-oldest' | 'drop-newest';

/** Logging as configuration files have it: plain data. */
export interface LoggingConfig {
  /** False: nothing is written, and no sink is opened. Default true. */
  readonly enabled?: boolean;
  /** Lowest level that is written by loggers for which {@link LoggingOptions.levels} say nothing. Default: `KYMO_LOG_LEVEL`, else `debug` with `--debug`, else `info`. */
  readonly level?: LogLevelLike;
  /** How lines look, for sinks without a format of their own; default as the preset says. */
  readonly format?: FormatChoice;
  /** Lines carry the ids of the trace and span around them. Default true. */
  readonly includeTraceContext?: boolean;
  /** Keys whose values are not written, at any depth and in any spelling: names of `redact`. */
  readonly redactFields?: readonly string[];
}

/** A sink with what it gets. */
export interface ConfiguredSink {
  readonly sink: LogSink;
  /** Lowest level that it gets; default all that loggers write. */
  readonly level?: LogLevelLike;
  /** How its lines look; default as configured for all. */
  readonly format?: FormatChoice;
}

/** A sink, or one with what it gets. */
export type SinkChoice = LogSink | ConfiguredSink;

/** Options of `configureLogging`. */
export interface LoggingOptions extends LoggingConfig {
  /** The dialect; everything that it sets can be set beside it. Default `default`. */
  readonly preset?: LogPreset;
  /** `true`: lines are JSON; `false`: they are text. In the place of {@link format}. */
  readonly jsonFormat?: boolean;
  /** Levels of loggers by pattern; see `setLogLevel`. */
  readonly levels?: Readonly<Record<string, LogLevelLike>>;
  /** Where lines go; default the standard output. */
  readonly sinks?: readonly SinkChoice[];
  /** What must not be written; see `src/logs/REDACTION.md`. */
  readonly redact?: Redact;
  /** First of the fields of every line. */
  readonly base?: LogFields;
  /** Name of the service: field `service` of every line, and `service.name` of what is exported. */
  readonly service?: string;
  /** What happens per level when the ring is full, from that level up to the next one that is named. Default: `info` and above block, below it the newest are dropped. */
  readonly overload?: Readonly<
    Partial<Record<'trace' | 'debug' | 'info' | 'warn' | 'warning' | 'error' | 'fatal' | 'critical', LogOverload>>
  >;
  /** Longest wait of `block` per stall of the sinks, in ms in [0, 60000]; default 100. */
  readonly blockBudgetMs?: number;
  /** Holds lines from this level on (`true`: `debug`) while a trace goes on, and writes them if it fails. Default false. */
  readonly debugBuffer?: boolean | { readonly level?: LogLevelLike };
}

/** What is done about options: all of it checked. */
export interface LoggingPlan {
  readonly enabled: boolean;
  readonly scale: LevelScale;
  readonly words: LevelWords;
  readonly root: number;
  readonly levels: readonly (readonly [pattern: string, level: number])[];
  readonly traced: boolean;
  readonly heldFrom: number;
  readonly base: LogFields | undefined;
  readonly service: string | undefined;
  readonly redact: Redact | undefined;
  readonly redaction: CompiledRedaction | undefined;
  readonly policies: readonly { readonly level: number; readonly onFull: LogOverload }[];
  readonly blockBudgetMs: number;
  readonly sinks: readonly PlannedSink[];
  /** For sinks without one of their own, and for those that are added later. */
  readonly format: LogFormatOptions;
}

const PRESETS = Object.keys(LOG_PRESETS) as readonly LogPreset[];
const OVERLOADS: readonly LogOverload[] = ['block', 'drop-oldest', 'drop-newest'];
const LONGEST_BUDGET_MS = 60_000;
const BLOCK_BUDGET_MS = 100;

/** Levels below info give way at once, unless told otherwise. */
const POLICIES = Object.freeze([
  { level: 0, onFull: 'drop-newest' },
  { level: INFO, onFull: 'block' },
] as const);

/** Checks options and fills in what they leave out. @throws KymoError `KYMO_CONFIG_VALUE`, and those of redaction, formats and sinks */
export function planLogging(options: LoggingOptions): LoggingPlan {
  const preset = wordOf('preset', options.preset ?? 'default', PRESETS);
  const scale = preset === 'default' ? 'pino' : 'python';
  const service = text('service', options.service);
  const format = formatOf(options, preset);
  const enabled = flag('enabled', options.enabled ?? true);
  const redact = redactOf(options);
  const sinks = options.sinks ?? [...(preset === 'agentos' ? [] : [stdoutSink()]), ...environmentSinks()];
  if (!Array.isArray(sinks)) throw refused('sinks', sinks, 'a list of sinks');
  return {
    enabled,
    scale,
    words: preset === 'default' ? 'short' : 'long',
    root: options.level === undefined ? (initialLevel() ?? INFO) : declaredLevel('level', options.level, scale),
    levels: options.levels === undefined ? [] : checkedLevels(options.levels, scale),
    traced: flag('includeTraceContext', options.includeTraceContext ?? true),
    heldFrom: heldFrom(options.debugBuffer, scale),
    base: baseOf(options),
    service,
    redact,
    redaction: redact === undefined ? undefined : compileRedaction(redact),
    policies: policiesOf(options.overload, scale),
    blockBudgetMs: budget(options.blockBudgetMs),
    sinks: enabled ? sinks.map((sink) => plannedSink(sink, { format, scale, service })) : [],
    format,
  };
}

/** What sinks need of a plan. */
export type PlanOfSinks = Pick<LoggingPlan, 'format' | 'scale' | 'service'>;

/** A sink as it is mounted. @throws KymoError `KYMO_CONFIG_VALUE`, `KYMO_LOG_FORMAT` */
export function plannedSink(choice: SinkChoice, { format, scale, service }: PlanOfSinks): PlannedSink {
  const given: Partial<ConfiguredSink> = isSink(choice) ? { sink: choice } : choice;
  if (!isSink(given?.sink)) throw refused('sinks', choice, 'a sink (stdoutSink(), fileSink(...), ...), or { sink, level, format }');
  return {
    sink: given.sink,
    minLevel: given.level === undefined ? 0 : Math.min(declaredLevel('level', given.level, scale), 0xffff),
    format: formatFor(given.sink, given.format === undefined ? format : { ...format, ...optionsOf(given.format) }, service),
  };
}

function isSink(value: unknown): value is LogSink {
  return typeof (value as LogSink | null | undefined)?.open === 'function';
}

/** The options of all sinks: the preset, and what was said about the format. */
function formatOf({ format, jsonFormat }: LoggingOptions, preset: LogPreset): LogFormatOptions {
  const word: LogFormatOptions = jsonFormat === undefined ? {} : { format: flag('jsonFormat', jsonFormat) ? 'json' : 'text' };
  return { preset, ...word, ...(format === undefined ? {} : optionsOf(format)) };
}

/** Keys of the name of the service, where a standard has one. */
const SERVICE_KEYS: Readonly<Partial<Record<LogLineFormat, string>>> = { ecs: 'service.name', otlp: 'service.name' };

function optionsOf(format: FormatChoice): LogFormatOptions {
  if (typeof format === 'string') return { format };
  if (typeof format === 'object' && format !== null) return format;
  throw refused('format', format, 'a word (json, text, ...) or options');
}

/** With what depends on the sink: colours, and the name of the service. */
function formatFor(sink: LogSink, given: LogFormatOptions, service: string | undefined): LogFormatOptions {
  const shape = given.format ?? logPreset(given.preset ?? 'default').format ?? 'json';
  const descriptor = sink.name === 'stdout' ? 1 : sink.name === 'stderr' ? 2 : undefined;
  const isColored = shape === 'text' && descriptor !== undefined && wantsColors({ isTTY: isatty(descriptor) });
  const format: LogFormatOptions = {
    ...given,
    ...(isColored ? { format: 'color' } : {}),
    ...(service === undefined ? {} : { base: { [SERVICE_KEYS[shape] ?? 'service']: service, ...given.base } }),
  };
  nativeLogFormat(format); // Refused here, before anything is changed.
  return format;
}

function redactOf({ redact, redactFields }: LoggingOptions): Redact | undefined {
  if (redactFields === undefined) return redact;
  if (!Array.isArray(redactFields)) throw refused('redactFields', redactFields, 'a list of names');
  if (redact === undefined) return { names: redactFields };
  const options = redactOptions(redact);
  return { ...options, names: [...(options.names === true ? SECRET_NAMES : (options.names ?? [])), ...redactFields] };
}

function baseOf({ base }: LoggingOptions): LogFields | undefined {
  if (base !== undefined && (typeof base !== 'object' || base === null)) throw refused('base', base, 'an object of fields');
  return base;
}

function heldFrom(given: LoggingOptions['debugBuffer'], scale: LevelScale): number {
  if (given === undefined || given === false) return SILENT;
  if (given === true) return DEBUG;
  if (typeof given !== 'object' || given === null) throw refused('debugBuffer', given, 'true, false, or { level }');
  return given.level === undefined ? DEBUG : declaredLevel('debugBuffer.level', given.level, scale);
}

function policiesOf(given: LoggingOptions['overload'], scale: LevelScale): LoggingPlan['policies'] {
  const own = Object.entries(given ?? {}).map(([level, onFull]) => ({
    level: declaredLevel('overload', level, scale),
    onFull: wordOf(`overload.${level}`, onFull, OVERLOADS),
  }));
  // A level that is named stands for those up to the next named one; below it all is as usual.
  return [...POLICIES.filter(({ level }) => !own.some((one) => one.level === level)), ...own].sort((a, b) => a.level - b.level);
}

function budget(given: unknown): number {
  if (given === undefined) return BLOCK_BUDGET_MS;
  if (typeof given === 'number' && given >= 0 && given <= LONGEST_BUDGET_MS) return given;
  throw refused('blockBudgetMs', given, `milliseconds in [0, ${LONGEST_BUDGET_MS}]`);
}

function wordOf<W extends string>(source: string, value: unknown, words: readonly W[]): W {
  if (words.includes(value as W)) return value as W;
  throw refused(source, value, `one of ${words.join(', ')}`);
}

function flag(source: string, value: unknown): boolean {
  if (typeof value === 'boolean') return value;
  throw refused(source, value, 'true or false');
}

function text(source: string, value: unknown): string | undefined {
  if (value === undefined || (typeof value === 'string' && value !== '')) return value;
  throw refused(source, value, 'a text that is not empty');
}

function refused(source: string, value: unknown, expected: string): KymoError {
  return new KymoError('KYMO_CONFIG_VALUE', { source, value, expected });
}
