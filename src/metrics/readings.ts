// What registries give: text, snapshots, samples, reports. App threads; all of it is native work, of which this file asks.
import { native } from '../binding/load.js';
import { KymoError } from '../core/errors.js';
import { type CardinalityReport, readCardinality } from './cardinality.js';
import { runCollectors } from './collect.js';
import { checkExposition, type ExpositionOptions, type Scrape } from './exposition.js';
import { collectSamples, type Meaning, type MetricSample, type MetricsSnapshot, readSnapshot, type SnapshotPart } from './snapshot.js';

/** A registry to read. */
export interface Readable {
  /** Its number in the addon. */
  readonly id: number;
}

/** Reads of one registry, or of several as one. */
export abstract class RegistryReadings {
  /** What is read, in this order; none when it is switched off. */
  protected abstract sources(): readonly Readable[];

  /**
   * A copy of all values at this moment, grouped by kind. Series of several registries that have one name and equal labels are
   * shown once, with the value of the first; a name that is of two kinds is the first registry's.
   */
  snapshot(): MetricsSnapshot {
    return readSnapshot(this.#parts());
  }

  /**
   * A copy of all values at this moment, one entry per series, all with one timestamp in seconds since 1970: counters first, then
   * histograms, gauges, summaries, infos and state sets. Buckets are not cumulative here.
   */
  collect(): MetricSample[] {
    return collectSamples(this.#parts(), Date.now() / 1000);
  }

  /** Prometheus text 0.0.4, rendered on this thread; `''` for an empty registry. Opens no port, waits for no `collect` callback. */
  formatPrometheus(): string {
    return native.renderSync(this.#ids(), 0, false);
  }

  /** The same as {@link formatPrometheus}. */
  toPrometheusText(): string {
    return this.formatPrometheus();
  }

  /**
   * The text of a scrape, rendered on another thread: this one pays for the copy into a string only. Runs `collect` callbacks
   * first, and waits for each as long as the registry says.
   * @throws KymoError `KYMO_CONFIG_VALUE` for an unknown option, and for `protobuf`, which is no text: see {@link scrape}.
   */
  metrics(options: ExpositionOptions = {}): Promise<string> {
    const { format, created, escaping, names } = checkExposition(options, true);
    return this.#collected(() => native.renderAsync(this.#ids(), format, created, escaping, names));
  }

  /**
   * A scrape in any format as bytes, with its content type: {@link metrics} otherwise.
   * @throws KymoError `KYMO_CONFIG_VALUE` for an unknown option.
   */
  async scrape(options: ExpositionOptions = {}): Promise<Scrape> {
    const { format, created, escaping, names, contentType } = checkExposition(options, false);
    const body = await this.#collected(() => native.renderBytes(this.#ids(), format, created, escaping, names));
    return { contentType, body };
  }

  /**
   * The bytes of a scrape in memory of the caller, rendered on this thread: no string, no garbage when the buffer is used again.
   * Gives the length in bytes; when that is more than `target` has, nothing was written: come again with more room.
   * @throws KymoError `KYMO_CONFIG_VALUE` when `target` is no Uint8Array, and for an unknown option.
   */
  renderInto(target: Uint8Array, options: ExpositionOptions = {}): number {
    const { format, created, escaping, names } = checkExposition(options, false);
    if (!(target instanceof Uint8Array)) {
      throw new KymoError('KYMO_CONFIG_VALUE', { source: 'target', value: typeof target, expected: 'a Uint8Array' });
    }
    return native.renderInto(this.#ids(), format, created, target, escaping, names);
  }

  /** Which metrics and labels have many values: metrics with most series first. Reads every series; cold. */
  cardinality(): CardinalityReport {
    return readCardinality(this.sources().map(({ id }) => native.cardinality(id)));
  }

  /** Runs `render` behind the `collect` callbacks, at once when there are none. */
  #collected<T>(render: () => Promise<T>): Promise<T> {
    const collecting = this.sources().flatMap((source) => runCollectors(source) ?? []);
    return collecting.length === 0 ? render() : Promise.all(collecting).then(render);
  }

  #parts(): SnapshotPart[] {
    return this.sources().map(({ id }) => ({ json: native.snapshotRegistry(id), meaningOf: meanings(id) }));
  }

  #ids(): number[] {
    return this.sources().map(({ id }) => id);
  }
}

const NOTHING: Meaning = { bounds: [], quantiles: [], states: [] };

/** What the numbers of the metrics of a registry stand for, whichever thread declared them. */
function meanings(registry: number): (name: string) => Meaning {
  return (name) => {
    const id = native.findMetric(registry, name);
    if (id < 0) return NOTHING; // Taken out since its rows were read.
    const { bounds, states, summary } = JSON.parse(native.describeMetric(id)) as Omit<Meaning, 'quantiles'> & {
      readonly summary: Pick<Meaning, 'quantiles'> | null;
    };
    return { bounds, states, quantiles: summary?.quantiles ?? [] };
  };
}
