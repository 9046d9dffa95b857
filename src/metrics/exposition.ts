// What a scrape made in JavaScript may be asked for: formats, their content types, and how the addon numbers them. Any thread.
import { KymoError } from '../core/errors.js';

/** Text 0.0.4, OpenMetrics 1.0.0, or the version named; OpenMetrics 2.0.0 as its release candidate has it. */
export type ExpositionFormat = 'text' | 'text-1.0.0' | 'openmetrics' | 'openmetrics-0.0.1' | 'openmetrics-2.0.0' | 'protobuf';

/**
 * How names are written that only newer scrapers know: in quotes, or replaced (`.` by `_`, by `_dot_`, by `_2E_`). Names that
 * every scraper knows stay as they are.
 */
export type NameEscaping = 'allow-utf-8' | 'underscores' | 'dots' | 'values';

/** Options of `metrics()`, `scrape()` and `renderInto()`. */
export interface ExpositionOptions {
  /** Default `text`. */
  readonly format?: ExpositionFormat;
  /** Default `underscores`. */
  readonly escaping?: NameEscaping;
  /**
   * Adds a `_created` sample per series of counters, histograms and summaries to OpenMetrics 1.0.0 and 0.0.1; default false.
   * OpenMetrics 2.0.0 and protobuf always say when a series began, text never does.
   */
  readonly created?: boolean;
  /** Families to write, by their name or that of one of their samples; default all, and none for an empty list. */
  readonly names?: readonly string[];
}

/** A scrape, ready to be sent. */
export interface Scrape {
  readonly contentType: string;
  readonly body: Buffer;
}

/** Content types of the formats, as a scraper expects them that named no escaping scheme. */
export const CONTENT_TYPES = Object.freeze({
  text: 'text/plain; version=0.0.4; charset=utf-8',
  'text-1.0.0': 'text/plain; version=1.0.0; charset=utf-8; escaping=underscores',
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
  'openmetrics-0.0.1': 'application/openmetrics-text; version=0.0.1; charset=utf-8',
  'openmetrics-2.0.0': 'application/openmetrics-text; version=2.0.0; charset=utf-8',
  protobuf: 'application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited',
}) satisfies Readonly<Record<ExpositionFormat, string>>;

/** Numbers of native/core/src/metrics/exposition/format.rs. */
const FORMATS: Readonly<Record<ExpositionFormat, number>> = {
  text: 0,
  openmetrics: 1,
  'text-1.0.0': 2,
  'openmetrics-0.0.1': 3,
  'openmetrics-2.0.0': 4,
  protobuf: 5,
};

/** The order of native/core/src/metrics/exposition/escape.rs. */
const ESCAPINGS: readonly NameEscaping[] = ['allow-utf-8', 'underscores', 'dots', 'values'];

/** A name that no family has: an empty list asks for nothing, where the addon takes it for everything. */
const NO_NAME = [''];

/** Options as the addon wants them. */
export interface CheckedExposition {
  readonly format: number;
  readonly created: boolean;
  readonly escaping: number;
  readonly names: string[];
  readonly contentType: string;
}

/**
 * Options as the addon wants them.
 * @param text whether the answer is to be a string, so that a binary format will not do.
 * @throws KymoError `KYMO_CONFIG_VALUE` for a format or a scheme that there is not.
 */
export function checkExposition(options: ExpositionOptions, text: boolean): CheckedExposition {
  const { format = 'text', escaping, created = false, names } = options;
  if (!Object.hasOwn(FORMATS, format) || (text && format === 'protobuf')) {
    const known = Object.keys(FORMATS).filter((name) => !text || name !== 'protobuf');
    throw new KymoError('KYMO_CONFIG_VALUE', { source: 'format', value: format, expected: oneOf(known) });
  }
  if (escaping !== undefined && !ESCAPINGS.includes(escaping)) {
    throw new KymoError('KYMO_CONFIG_VALUE', { source: 'escaping', value: escaping, expected: oneOf(ESCAPINGS) });
  }
  return {
    format: FORMATS[format],
    created,
    escaping: ESCAPINGS.indexOf(escaping ?? 'underscores'),
    names: names === undefined ? [] : names.length === 0 ? NO_NAME : names.map(String),
    contentType: contentType(format, escaping),
  };
}

function contentType(format: ExpositionFormat, escaping: NameEscaping | undefined): string {
  const base = CONTENT_TYPES[format];
  return escaping === undefined ? base : `${base.replace('; escaping=underscores', '')}; escaping=${escaping}`;
}

function oneOf(words: readonly string[]): string {
  return words.map((word) => `'${word}'`).join(', ');
}
