// What the five older systems and Kymo's own preset make of tracing: plain options, each of which can be overridden by itself. Pure
// data; any thread.
import { KymoError } from '../core/errors.js';
import type { AgentSpanKind } from './span-kind.js';

/** Name of a preset. */
export type TracingPreset = 'default' | 'converge' | 'hearthnet' | 'agentos' | 'civitas' | 'lexigram';

/** The options that a preset sets. */
export interface TracingTraits {
  /** Text form of trace ids; inside they are always 128 bits. */
  readonly traceIdFormat: 'hex' | 'ulid' | 'uuid' | 'prefixed';
  /** Text form of span ids; inside they are always 64 bits. */
  readonly spanIdFormat: 'hex' | 'uuid' | 'prefixed';
  /** `service.name` where nobody gave one; undefined: as configured for the process. */
  readonly serviceName: string | undefined;
  /** Name and version of the instrumentation scope. */
  readonly scopeName: string;
  readonly scopeVersion: string;
  /** True when `startSpan` makes its span current until it ends, so that `using` a span does. */
  readonly activates: boolean;
  /** Has spans keep those started in them. */
  readonly keepsChildren: boolean;
  /** Name of a span without one. */
  readonly defaultSpanName: string;
  /** What an agent does in a span that was started without any kind; undefined: nothing said. */
  readonly defaultAgentKind: AgentSpanKind | undefined;
  /** Completed traces that are retained. */
  readonly retainedTraces: number;
  /** Ended spans that the thread keeps as objects, for `getAllSpans`, in [0, 1,000,000]. */
  readonly retainedSpans: number;
  /** Attributes that a failed span gets beside the exception's event: `error` with the text, `error` = true with type and message, or none. */
  readonly errorAttributes: 'none' | 'text' | 'typed';
}

/** Completed traces that are retained unless told otherwise; the oldest gives way. */
export const TRACE_RING_BUFFER = 10_000;

/** Spans that an in-memory provider retains unless told otherwise; the oldest gives way. */
export const DEFAULT_MAX_SPANS = 1_000;

const DEFAULT: TracingTraits = Object.freeze({
  traceIdFormat: 'hex',
  spanIdFormat: 'hex',
  serviceName: undefined,
  scopeName: 'kymo',
  scopeVersion: '',
  activates: false,
  keepsChildren: false,
  defaultSpanName: 'operation',
  defaultAgentKind: undefined,
  retainedTraces: TRACE_RING_BUFFER,
  retainedSpans: 0,
  errorAttributes: 'none',
});

/** The options of each preset. */
export const TRACING_PRESETS: Readonly<Record<TracingPreset, TracingTraits>> = Object.freeze({
  default: DEFAULT,
  converge: Object.freeze({ ...DEFAULT, traceIdFormat: 'uuid', spanIdFormat: 'uuid', activates: true }),
  hearthnet: Object.freeze({ ...DEFAULT, traceIdFormat: 'ulid' }),
  agentos: Object.freeze({
    ...DEFAULT,
    traceIdFormat: 'prefixed',
    spanIdFormat: 'prefixed',
    serviceName: 'agentos',
    activates: true,
    keepsChildren: true,
    defaultSpanName: '',
    defaultAgentKind: 'agent',
    retainedTraces: 1_000,
    errorAttributes: 'text',
  }),
  civitas: Object.freeze({
    ...DEFAULT,
    serviceName: 'civitas',
    scopeName: 'civitas',
    scopeVersion: '0.1.0',
    errorAttributes: 'typed',
  }),
  lexigram: Object.freeze({ ...DEFAULT, serviceName: 'lexigram-service', retainedSpans: DEFAULT_MAX_SPANS }),
} as const);

/** The options of `preset`. @throws KymoError `KYMO_CONFIG_VALUE` for a name that is none. */
export function traitsOf(preset: TracingPreset): TracingTraits {
  if (Object.hasOwn(TRACING_PRESETS, preset)) return TRACING_PRESETS[preset];
  const expected = `one of ${Object.keys(TRACING_PRESETS).join(', ')}`;
  throw new KymoError('KYMO_CONFIG_VALUE', { source: 'preset', value: preset, expected });
}
