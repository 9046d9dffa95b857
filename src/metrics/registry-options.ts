// Options of a registry: types and checks. Pure functions, any thread.
import { DISABLED } from '../binding/load.js';
import { KymoError } from '../core/errors.js';
import type { CollectTiming } from './collect.js';
import type { AnyOptions, Kind } from './declaration.js';
import type { MissingLabels } from './declared.js';
import { SELF_REGISTRY } from './drops.js';
import { checkBuckets } from './histogram-options.js';
import { type LabelValue, labelText } from './labels.js';

/** What {@link MetricsRegistry.configure} takes; what is left out gets its default. */
export interface RegistryConfig {
  /** False makes the registry do nothing: its factories give instruments that do nothing, and it shows nothing. Default true. */
  readonly enabled?: boolean;
  /** Put in front of the name of each metric that is declared from then on, unless the name begins with it; default none. */
  readonly prefix?: string;
  /** Labels of every series, in front of its own; a metric's own label of that name wins. Default none. */
  readonly defaultLabels?: Readonly<Record<string, LabelValue>>;
  /** What a missing label value means where a declaration does not say it; default `throw`. */
  readonly missingLabels?: MissingLabels;
  /** Series per metric where a declaration does not say it; default 10,000. */
  readonly maxSeries?: number;
  /** Time after which a series without a change is hidden where a declaration does not say it, in ms; default 0 = never. */
  readonly idleMs?: number;
  /** Upper bounds of histograms where a declaration does not say them; default `DEFAULT_BUCKETS`. */
  readonly histogramBuckets?: readonly number[];
  /** Time between two runs of `collect` callbacks without a scrape, in [10, 2147483647] ms; default 5,000. */
  readonly collectIntervalMs?: number;
  /** How long `metrics()` waits for one `collect` callback, in [10, 2147483647] ms; default 5,000. */
  readonly collectTimeoutMs?: number;
}

/** Options of a registry. */
export interface RegistryOptions extends RegistryConfig {
  /** Registries of one name are the same on every thread of the process; without a name a registry is its own. */
  readonly name?: string;
}

/** A checked {@link RegistryConfig}. */
export interface RegistrySettings {
  readonly enabled: boolean;
  readonly prefix: string;
  /** Names and values in turn. */
  readonly defaultLabels: readonly string[];
  /** What a declaration takes from its registry. */
  readonly declared: Pick<AnyOptions, 'missingLabels' | 'maxSeries' | 'idleMs'>;
  readonly histogramBuckets: readonly number[] | undefined;
  readonly collecting: Required<CollectTiming>;
}

const PREFIX = /^[^\s\d"{}\\,=#\p{Cc}][^\s"{}\\,=#\p{Cc}]*$/u;
const LABEL_NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/;

function refuse(problem: string): KymoError {
  return new KymoError('KYMO_METRICS_DECLARATION', { metric: 'registry', problem });
}

/** @throws KymoError `KYMO_METRICS_DECLARATION` for an empty name, or one that Kymo uses itself. */
export function checkName(name: unknown): void {
  if (name !== undefined && (typeof name !== 'string' || name === '' || name === SELF_REGISTRY)) {
    throw refuse(`its name is ${JSON.stringify(name)}`);
  }
}

/**
 * Checks and completes what a registry is configured with. Limits and the policy for missing labels are checked by the
 * declarations that take them.
 * @throws KymoError `KYMO_METRICS_DECLARATION` names what cannot be used.
 */
export function checkConfig(config: RegistryConfig): RegistrySettings {
  const { enabled = true, prefix = '', defaultLabels = {}, missingLabels = 'throw', maxSeries, idleMs, histogramBuckets } = config ?? {};
  const { collectIntervalMs: intervalMs = 5_000, collectTimeoutMs: timeoutMs = 5_000 } = config ?? {};
  if (typeof enabled !== 'boolean') throw refuse('`enabled` is neither true nor false');
  if (prefix !== '' && (typeof prefix !== 'string' || !PREFIX.test(prefix))) throw refuse('`prefix` is not the beginning of a metric name');
  if (missingLabels !== 'throw' && missingLabels !== 'empty') throw refuse("`missingLabels` is neither 'throw' nor 'empty'");
  if (maxSeries !== undefined && !(Number.isInteger(maxSeries) && maxSeries >= 1 && maxSeries < 2 ** 32)) {
    throw refuse('`maxSeries` is not a whole number in [1, 4294967295]');
  }
  if (idleMs !== undefined && !(Number.isSafeInteger(idleMs) && idleMs >= 0)) {
    throw refuse('`idleMs` is not a whole number of milliseconds');
  }
  for (const [option, ms] of Object.entries({ collectIntervalMs: intervalMs, collectTimeoutMs: timeoutMs })) {
    if (!(typeof ms === 'number' && ms >= 10 && ms < 2 ** 31))
      throw refuse(`\`${option}\` is not a number of milliseconds in [10, 2147483647]`);
  }
  return {
    enabled: enabled && !DISABLED,
    prefix,
    defaultLabels: checkDefaultLabels(defaultLabels),
    declared: {
      missingLabels,
      ...(maxSeries === undefined ? {} : { maxSeries }),
      ...(idleMs === undefined ? {} : { idleMs }),
    },
    histogramBuckets: histogramBuckets === undefined ? undefined : checkBuckets(histogramBuckets, refuse),
    collecting: { intervalMs, timeoutMs },
  };
}

/** Options of a declaration with what its registry says where they say nothing. */
export function settingsFor(kind: Kind, { declared, histogramBuckets }: RegistrySettings, options: AnyOptions): AnyOptions {
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as unknown as AnyOptions;
  const buckets = kind === 'histogram' && histogramBuckets !== undefined ? { buckets: histogramBuckets } : {};
  return { ...declared, ...buckets, ...given };
}

/**
 * Names and values in turn.
 * @throws KymoError `KYMO_METRICS_DECLARATION` for a name or value that no series can have.
 */
export function checkDefaultLabels(labels: Readonly<Record<string, LabelValue>>): readonly string[] {
  if (typeof labels !== 'object' || labels === null || Array.isArray(labels)) throw refuse('`defaultLabels` is no object of labels');
  return Object.entries(labels).flatMap(([name, value]) => {
    const shown = JSON.stringify(name);
    if (!LABEL_NAME.test(name) || name.startsWith('__') || name === 'le' || name === 'quantile')
      throw refuse(`${shown} is no default label`);
    const text = value === undefined || value === null ? undefined : labelText(value);
    if (text === undefined) throw refuse(`the value of the default label ${shown} is missing`);
    return [name, text];
  });
}
