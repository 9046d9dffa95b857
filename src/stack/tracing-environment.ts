// What the environment makes of tracing: sampler, limits and exporters, and warnings about what cannot be used. App thread, at start.
import type { IgnoredVariable, OpenTelemetryEnvironment } from '../config/opentelemetry.js';
import { parsePropagators } from '../context/propagator.js';
import { KymoError } from '../core/errors.js';
import { OtlpExporter } from '../export/otlp/exporter.js';
import type { OtlpExporterOptions } from '../export/otlp/options.js';
import type { ExporterChoice } from '../export/plan.js';
import { warn } from '../export/warnings.js';
import type { SpanLimits } from '../traces/limits.js';
import { samplerFromEnvironment } from '../traces/samplers/named.js';
import type { Sampler } from '../traces/samplers/sampler.js';

/** Which exporters were asked for in code. */
export interface ExporterOptions {
  readonly preset?: string | undefined;
  readonly exporters?: readonly ExporterChoice[] | undefined;
  readonly otlp?: OtlpExporterOptions | undefined;
  readonly otlpEndpoint?: string | undefined;
}

/**
 * The exporters: those of the code; else those that `OTEL_TRACES_EXPORTER` names; else OTLP where the environment has an endpoint; else, with
 * preset `civitas`, the console; else none.
 * @throws KymoError `KYMO_EXPORT_OPTION` for options in code; what the environment has wrong costs its exporter and a warning
 */
export function chooseExporters(options: ExporterOptions, env: OpenTelemetryEnvironment): readonly ExporterChoice[] {
  const { exporters, otlp, otlpEndpoint } = options;
  const own: ExporterChoice[] = [...(exporters ?? [])];
  if (otlp !== undefined || otlpEndpoint) own.push(new OtlpExporter({ ...otlp, ...(otlpEndpoint ? { endpoint: otlpEndpoint } : {}) }));
  if (exporters !== undefined || own.length > 0) return own;
  const hasEndpoint = env.endpoint !== undefined || env.tracesEndpoint !== undefined;
  const fallback = hasEndpoint ? (['otlp'] as const) : options.preset === 'civitas' ? (['console'] as const) : [];
  const named = (env.tracesExporters ?? fallback).filter((name) => name !== 'none');
  return named.flatMap((name) => (name === 'otlp' ? otlpOfEnvironment() : [name]));
}

function otlpOfEnvironment(): ExporterChoice[] {
  try {
    return [new OtlpExporter()];
  } catch (error) {
    if (!KymoError.is(error)) throw error;
    warn(error);
    return [];
  }
}

/** The sampler that `OTEL_TRACES_SAMPLER` names; undefined where it names none. */
export function samplerOf(env: OpenTelemetryEnvironment): Sampler | undefined {
  if (env.sampler === undefined) return undefined;
  const { sampler, problem } = samplerFromEnvironment(env.sampler, env.samplerArgument);
  if (problem !== undefined) {
    warnIgnored({ variable: 'OTEL_TRACES_SAMPLER', value: `${env.sampler} (${env.samplerArgument ?? ''})`, expected: `other: ${problem}` });
  }
  return sampler;
}

/** The limits that the `*_LIMIT` variables name. */
export function limitsOf(env: OpenTelemetryEnvironment): Partial<SpanLimits> {
  const limits: Partial<Record<keyof SpanLimits, number | undefined>> = {
    maxAttributes: env.attributeCount,
    maxAttributeLength: env.attributeValueLength,
    maxEvents: env.eventCount,
    maxLinks: env.linkCount,
    maxAttributesPerEvent: env.eventAttributeCount,
    maxAttributesPerLink: env.linkAttributeCount,
  };
  return withoutUndefined(limits) as Partial<SpanLimits>;
}

/** Warns of the words in `OTEL_PROPAGATORS` that name none; the others are used. */
export function warnOfPropagators(env: OpenTelemetryEnvironment): void {
  const { unknown } = parsePropagators(env.propagators);
  if (unknown.length > 0) warnIgnored({ variable: 'OTEL_PROPAGATORS', value: unknown.join(','), expected: 'names of propagators' });
}

/** Warns of a variable that is ignored. */
export function warnIgnored({ variable, value, expected }: IgnoredVariable): void {
  warn(new KymoError('KYMO_CONFIG_IGNORED', { variable, value: JSON.stringify(value), expected }));
}

/** A copy without the keys that are undefined, which would hide what is spread before. */
export function withoutUndefined<T extends object>(object: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}
