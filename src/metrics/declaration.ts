// Checks of a declaration: every error a user can make when declaring a metric, found before anything native happens.
// Pure functions, any thread.
import { KymoError } from '../core/errors.js';
import type { Counter } from './counter.js';
import type { Declaration, MissingLabels } from './declared.js';
import type { Gauge } from './gauge.js';
import { type BucketOptions, checkHistogram } from './histogram-options.js';
import { checkStates, checkWindow, type SummaryWindow } from './kind-options.js';
import { type LabelValue, labelText } from './labels.js';
import { MAX_OBSERVATIONS } from './observations.js';

/** What every kind of metric may be told beside its name and help. */
export interface InstrumentOptions<N extends string = string, D extends string = N> {
  /**
   * Letters, digits, `_`, `:`, and characters that Prometheus's text writes as `_` (such as `.` and `-`); not empty, no leading
   * digit, no white space. Base unit and suffix: `_seconds`, `_bytes`, `_total`.
   */
  readonly name: string;
  /** Base unit, which OpenMetrics shows and which the name must end in, before `_total`: `seconds`, `bytes`. Default none. */
  readonly unit?: string;
  /**
   * Distinct, not empty, not starting with `__`, not `le` or `quantile`; at most 64. Characters other than letters, digits and
   * `_` are shown as they are to scrapers that ask for it, as `_` to others. Default: the names in `labels`.
   */
  readonly labelNames?: readonly N[];
  /** Label values where a call gives none. */
  readonly labels?: { readonly [K in D]?: LabelValue };
  /** What a missing, `undefined` or `null` label value without a default means; default `throw`. */
  readonly missingLabels?: MissingLabels;
  /** Series at most, in [1, 4294967295]; what is more is counted in one overflow series. Default 10,000. */
  readonly maxSeries?: number;
  /** Time without a change after which a series is hidden, in ms; 0 (default) = never. */
  readonly idleMs?: number;
  /** How many of the values that it recorded last an instrument remembers, in [0, 10,000]; default 0, which costs nothing. */
  readonly keepObservations?: number;
}

/** Options of every kind of metric. */
export interface MetricOptions<N extends string = string, D extends string = N> extends InstrumentOptions<N, D> {
  /** One sentence for whoever reads the graph. */
  readonly help: string;
}

/** What the constructor of an instrument is told beside the options of its kind. */
export interface StandaloneOptions<M> {
  /** One sentence for whoever reads the graph; default empty. */
  readonly help?: string;
  /** Same as `help`. */
  readonly description?: string;
  /** Registries that it joins at once; default none. */
  readonly registers?: readonly { register(metric: M): unknown }[];
}

/** What sets a value that is only known when it is asked for; see `collect.ts` for when that is. */
export interface CollectOptions<M> {
  /** Called before a scrape, and every `collectIntervalMs` of the registry, with the metric as `this`. */
  readonly collect?: (this: M) => void | Promise<void>;
}

/** Options of a counter. */
export interface CounterOptions<N extends string = string, D extends string = N>
  extends MetricOptions<N, D>,
    CollectOptions<Counter<N | D, D>> {}

/** How the values of several threads become one. */
export type GaugeAggregate = 'sum' | 'last' | 'min' | 'max' | 'avg';

/** Options of a gauge. */
export interface GaugeOptions<N extends string = string, D extends string = N>
  extends MetricOptions<N, D>,
    CollectOptions<Gauge<N | D, D>> {
  /**
   * Several threads: `sum`, `min`, `max` or `avg` over those alive (default `sum`), or `last`: one value for the process, whoever
   * wrote it last.
   */
  readonly aggregate?: GaugeAggregate;
}

/** Options of a histogram. */
export interface HistogramOptions<N extends string = string> extends MetricOptions<N>, BucketOptions {}

/** Everything that a declaration may say; what a kind does not know is left out by its type. */
export interface AnyOptions extends InstrumentOptions, BucketOptions, SummaryWindow {
  readonly help?: string;
  /** Same as `help`. */
  readonly description?: string;
  readonly aggregate?: GaugeAggregate;
  readonly states?: readonly string[];
  readonly collect?: unknown;
}

/** The kinds, with the number that the addon knows each by. */
export const KINDS = { counter: 1, gauge: 2, histogram: 3, summary: 4, info: 5, stateset: 6 } as const;

/** A key of {@link KINDS}. */
export type Kind = keyof typeof KINDS;

/** Ways to add threads up, by the addon's number. */
const AGGREGATES: readonly GaugeAggregate[] = ['sum', 'last', 'min', 'max', 'avg'];

const NAME = /^[^\s\d"{}\\,=#\p{Cc}][^\s"{}\\,=#\p{Cc}]*$/u;
const UNIT = /^[a-zA-Z0-9_]+$/;
const RESERVED_LABELS: readonly string[] = ['le', 'quantile', 'otel_metric_overflow'];
const MAX_LABELS = 64;
const MAX_NAME = 512;
const MAX_SERIES = 2 ** 32 - 1;

/** One value for the process. */
const SHARED = { aggregate: AGGREGATES.indexOf('last'), last: true };

type Refuse = (problem: string) => KymoError;

/**
 * The declaration of an options object.
 * @throws KymoError `KYMO_METRICS_DECLARATION` with the metric and what is wrong.
 */
export function checkDeclaration(kind: Kind, options: AnyOptions): Declaration {
  const { name, description, help = description, unit = '', labels, missingLabels = 'throw', collect } = options ?? {};
  const refuse: Refuse = (problem) => new KymoError('KYMO_METRICS_DECLARATION', { metric: name, problem });
  if (typeof name !== 'string' || !NAME.test(name) || name.length > MAX_NAME) throw refuse('its name is not a metric name');
  if (typeof help !== 'string') throw refuse('`help` is not a string');
  const defaults = checkDefaults(labels, refuse);
  const labelNames = checkLabelNames(options.labelNames === undefined ? Object.keys(defaults ?? {}) : options.labelNames, refuse);
  for (const label of Object.keys(defaults ?? {})) {
    if (!labelNames.includes(label)) throw refuse(`${JSON.stringify(label)} has a default, but is not in \`labelNames\``);
  }
  if (missingLabels !== 'throw' && missingLabels !== 'empty') throw refuse("`missingLabels` is neither 'throw' nor 'empty'");
  const aggregate = checkAggregate(options.aggregate, refuse);
  if (collect !== undefined && typeof collect !== 'function') throw refuse('`collect` is not a function');
  return {
    // The suffix is written in any case, as with a counter's `_total`.
    name: kind === 'info' ? name.replace(/(?<=.)_info$/, '') : name,
    help,
    unit: checkUnit(name, unit, refuse),
    kind: KINDS[kind],
    labelNames,
    missingLabels,
    aggregate,
    last: aggregate === AGGREGATES.indexOf('last'),
    ...(defaults === undefined ? {} : { defaults }),
    ...(collect === undefined ? {} : { collect: collect as NonNullable<Declaration['collect']> }),
    ...checkLimits(options, refuse),
    ...(kind === 'histogram' ? checkHistogram(options, refuse) : {}),
    ...(kind === 'summary' ? { summary: checkWindow(options, refuse) } : {}),
    ...(kind === 'stateset' ? { states: checkStates(options.states, name, labelNames, refuse), ...SHARED } : {}),
  };
}

/** As {@link checkDeclaration}, for a constructor: there the help text may be left out. */
export function checkStandalone(kind: Kind, options: AnyOptions): Declaration {
  return checkDeclaration(kind, { ...options, help: options?.help ?? options?.description ?? '' });
}

function checkLabelNames(labelNames: unknown, refuse: Refuse): readonly string[] {
  if (!Array.isArray(labelNames)) throw refuse('`labelNames` is not an array');
  if (labelNames.length > MAX_LABELS) throw refuse(`it has ${labelNames.length} labels, at most ${MAX_LABELS} are possible`);
  const underscored = new Map<string, string>();
  for (const label of labelNames) {
    const shown = JSON.stringify(label);
    if (typeof label !== 'string' || label === '' || label.length > MAX_NAME || !label.isWellFormed()) {
      throw refuse(`${shown} is not a label name`);
    }
    // As formats write it that have no quoted names: there, too, labels are distinct and none begins with `__`.
    const written = label.replace(/[^a-zA-Z0-9_]/gu, '_').replace(/^\d/, '_');
    if (written.startsWith('__') || RESERVED_LABELS.includes(label)) throw refuse(`the label ${shown} is reserved`);
    const other = underscored.get(written);
    if (other === label) throw refuse(`the label ${shown} is there twice`);
    if (other !== undefined) throw refuse(`the labels ${JSON.stringify(other)} and ${shown} are both written as ${written}`);
    underscored.set(written, label);
  }
  return [...labelNames];
}

/** Default label values as text: what is missing is no default. */
function checkDefaults(labels: unknown, refuse: Refuse): Readonly<Record<string, string>> | undefined {
  if (labels === undefined) return undefined;
  if (typeof labels !== 'object' || labels === null || Array.isArray(labels)) throw refuse('`labels` is no object of default values');
  const given = Object.entries(labels).filter(([, value]) => value !== undefined && value !== null);
  const texts = given.map(([label, value]) => {
    const text = labelText(value);
    if (text === undefined) throw refuse(`the default of the label ${JSON.stringify(label)} is no label value`);
    return [label, text] as const;
  });
  return texts.length === 0 ? undefined : Object.freeze(Object.fromEntries(texts));
}

function checkUnit(name: string, unit: unknown, refuse: Refuse): string {
  if (unit === '') return '';
  if (typeof unit !== 'string' || !UNIT.test(unit)) throw refuse('`unit` is not a word of letters, digits and underscores');
  const base = name.replace(/_total$/, '');
  if (!base.endsWith(unit) || !/[_.-]/.test(base.charAt(base.length - unit.length - 1)))
    throw refuse(`its name does not end in its unit, _${unit}`);
  return unit;
}

function checkAggregate(aggregate: unknown, refuse: Refuse): number {
  const at = aggregate === undefined ? 0 : AGGREGATES.indexOf(aggregate as GaugeAggregate);
  if (at < 0) throw refuse(`\`aggregate\` is none of ${AGGREGATES.join(', ')}`);
  return at;
}

function checkLimits(
  { maxSeries, idleMs, keepObservations }: AnyOptions,
  refuse: Refuse,
): Pick<Declaration, 'maxSeries' | 'idleMs' | 'keepObservations'> {
  if (maxSeries !== undefined && !(Number.isInteger(maxSeries) && maxSeries >= 1 && maxSeries <= MAX_SERIES)) {
    throw refuse(`\`maxSeries\` is ${String(maxSeries)}, not a whole number in [1, ${MAX_SERIES}]`);
  }
  if (idleMs !== undefined && !(Number.isSafeInteger(idleMs) && idleMs >= 0)) {
    throw refuse(`\`idleMs\` is ${String(idleMs)}, not a whole number of milliseconds`);
  }
  if (
    keepObservations !== undefined &&
    !(Number.isInteger(keepObservations) && keepObservations >= 0 && keepObservations <= MAX_OBSERVATIONS)
  ) {
    throw refuse(`\`keepObservations\` is ${String(keepObservations)}, not a whole number in [0, ${MAX_OBSERVATIONS}]`);
  }
  return {
    ...(maxSeries === undefined ? {} : { maxSeries }),
    ...(idleMs === undefined ? {} : { idleMs }),
    ...(keepObservations === undefined ? {} : { keepObservations }),
  };
}
