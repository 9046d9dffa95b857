// The meter provider: instruments of the OpenTelemetry API over Kymo's cells, shown by Kymo's registries. App threads.
import type { Meter, MeterOptions, MeterProvider } from '@opentelemetry/api';
import { native } from '../../../binding/load.js';
import { KymoError } from '../../../core/errors.js';
import { collectorsOf } from '../../../metrics/collect.js';
import { metrics } from '../../../metrics/registry.js';
import { registryId, type ServedRegistry } from '../../../metrics/registry-id.js';
import { Instruments, KymoMeter } from './meter.js';
import { Observables } from './observables.js';

/** Options of {@link KymoMeterProvider}. */
export interface KymoMeterProviderOptions {
  /** Where its metrics are shown: a `MetricsRegistry` of `kymo`. Default: `metrics`, the registry of the process. */
  readonly registry?: ServedRegistry;
}

let providers = 0;

/**
 * For `metrics.setGlobalMeterProvider`. Names keep their dots; text formats without quoted names show them as `_`. Two instruments of one
 * name and kind are one metric, whichever meters made them. Meters have no names in a scrape. Views are those of the registry of Kymo's own
 * instruments; they do not apply here.
 */
export class KymoMeterProvider implements MeterProvider {
  readonly #meter: KymoMeter;
  readonly #observables: Observables;
  readonly #registry: object;
  readonly #collector: string;
  #collects = false;

  /** @throws KymoError `KYMO_CONFIG_VALUE` for a registry that is none of Kymo's */
  constructor({ registry }: KymoMeterProviderOptions = {}) {
    const id = registry === undefined ? native.openRegistry('default') : registryId(registry);
    if (id === undefined) {
      throw new KymoError('KYMO_CONFIG_VALUE', { source: 'registry', value: typeof registry, expected: 'a registry of kymo' });
    }
    this.#registry = registry ?? metrics;
    this.#collector = `kymo/opentelemetry ${++providers}`;
    this.#observables = new Observables(() => this.#collectRegularly());
    this.#meter = new KymoMeter(new Instruments(id, this.#observables));
  }

  /** All meters of a provider are the same: see the class. */
  getMeter(_name: string, _version?: string, _options?: MeterOptions): Meter {
    return this.#meter;
  }

  /** Asks all callbacks for their values now. Never rejects: a callback that fails leaves its instruments as they were. */
  async forceFlush(): Promise<void> {
    await this.#observables.collect().catch(() => undefined);
  }

  /** Collects once more and calls no callback any more. What was recorded stays in the registry. */
  async shutdown(): Promise<void> {
    await this.forceFlush();
    collectorsOf(this.#registry).remove(this.#collector);
  }

  #collectRegularly(): void {
    if (this.#collects) return;
    this.#collects = true;
    collectorsOf(this.#registry).add(this.#collector, () => this.#observables.collect());
  }
}
