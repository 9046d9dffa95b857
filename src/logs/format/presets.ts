// What the older systems make of a log line, and what Elastic, Google Cloud and OpenTelemetry do: plain options, each of which can be
// overridden by itself. Pure data; any thread.
import { KymoError } from '../../core/errors.js';
import type { LogFormatOptions } from './options.js';

/** Name of a preset. */
export type LogPreset = 'default' | 'converge' | 'hearthnet' | 'agentos' | 'civitas' | 'lexigram';

/** What a line is: JSON, text with or without colours, logfmt, or JSON as Elastic, Google Cloud or OpenTelemetry reads it. */
export type LogLineFormat = 'json' | 'text' | 'color' | 'logfmt' | 'ecs' | 'gcp' | 'otlp';

/** The systems that were written in Python: its words and numbers of levels, exceptions as one text. */
const PYTHON: LogFormatOptions = {
  keyOrder: ['time', 'level', 'message', 'logger', 'trace', 'base', 'fields'],
  fieldNames: { time: 'timestamp', message: 'message', traceFlags: false },
  levelWords: 'long',
  levelScale: 'python',
  errors: 'text',
};

/** The options of each preset. */
export const LOG_PRESETS: Readonly<Record<LogPreset, LogFormatOptions>> = Object.freeze({
  default: { format: 'json' },
  converge: { ...PYTHON, format: 'text', levelFormat: 'upper', traceIdFormat: 'uuid', spanIdFormat: 'uuid' },
  hearthnet: {
    ...PYTHON,
    format: 'json',
    keyOrder: ['time', 'level', 'logger', 'message', 'trace', 'base', 'fields'],
    fieldNames: { time: 'ts', message: 'msg', spanId: false, traceFlags: false },
    traceIdFormat: 'ulid',
  },
  agentos: { ...PYTHON, format: 'json', timeFormat: 'epochSeconds', traceIdFormat: 'prefixed', spanIdFormat: 'prefixed' },
  civitas: { ...PYTHON, format: 'text', levelFormat: 'upper' },
  lexigram: { ...PYTHON, format: 'json', levelFormat: 'upper' },
});

/** What a format sets on top of a preset. */
export const FORMAT_OPTIONS: Readonly<Record<LogLineFormat, LogFormatOptions>> = Object.freeze({
  json: {},
  text: { levelFormat: 'upper', errors: 'text' },
  color: { levelFormat: 'upper', errors: 'text', stackLines: true },
  logfmt: { errors: 'text' },
  ecs: {
    keyOrder: ['time', 'level', 'message', 'base', 'logger', 'trace', 'fields'],
    fieldNames: {
      time: '@timestamp',
      level: 'log.level',
      logger: 'log.logger',
      message: 'message',
      traceId: 'trace.id',
      spanId: 'span.id',
      traceFlags: false,
    },
    timeFormat: 'iso',
    levelFormat: 'lower',
    traceIdFormat: 'hex',
    spanIdFormat: 'hex',
    errors: 'ecs',
    base: { 'ecs.version': '8.11.0' },
  },
  gcp: {
    keyOrder: ['time', 'level', 'message', 'logger', 'trace', 'base', 'fields'],
    fieldNames: {
      time: 'time',
      level: 'severity',
      logger: 'logger',
      message: 'message',
      traceId: 'logging.googleapis.com/trace',
      spanId: 'logging.googleapis.com/spanId',
      traceFlags: 'logging.googleapis.com/trace_sampled',
    },
    timeFormat: 'iso',
    traceIdFormat: 'hex',
    spanIdFormat: 'hex',
    errors: 'gcp',
  },
  otlp: { levelFormat: 'upper', levelWords: 'short', errors: 'otel' },
});

/** The options of `preset`. @throws KymoError `KYMO_LOG_FORMAT` for a name that is none */
export function logPreset(preset: LogPreset): LogFormatOptions {
  if (Object.hasOwn(LOG_PRESETS, preset)) return LOG_PRESETS[preset];
  const expected = Object.keys(LOG_PRESETS).join(', ');
  throw new KymoError('KYMO_LOG_FORMAT', { reason: `the preset ${JSON.stringify(preset)} is none of ${expected}` });
}
