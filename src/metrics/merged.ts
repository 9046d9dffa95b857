// Several registries read as one. App threads; nothing is copied: what is declared or recorded later is there, too.
import { type Readable, RegistryReadings } from './readings.js';

/**
 * A view of registries in an order, with one scrape, one snapshot and one report for all. Where they clash it does what the ops
 * server does: see {@link RegistryReadings.snapshot}; `kymo_scrape_left_out` counts what a scrape left out.
 */
export class MergedRegistries<R extends Readable = Readable> extends RegistryReadings {
  /** For `OpsServer` and `metricsHandler`. */
  readonly registries: readonly R[];

  constructor(registries: readonly R[]) {
    super();
    this.registries = Object.freeze([...new Set(registries)]);
  }

  protected sources(): readonly R[] {
    return this.registries;
  }

  /** What a log line shows of it. */
  toJSON(): unknown {
    return { registries: this.registries.map(({ id }) => id) };
  }
}
