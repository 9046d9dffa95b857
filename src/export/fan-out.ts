// Several exporters as one, each shielded from the others. Any thread.
import { KymoError } from '../core/errors.js';
import type { ExportedSpan } from './exported-span.js';
import { exporterName, type SpanExporter } from './exporter.js';
import { RateLimitedWarning } from './warnings.js';

/** Options of {@link FanOutExporter}. */
export interface FanOutOptions {
  readonly name?: string;
  /** Called for each error of an exporter; default a process warning, at most one a minute. */
  readonly onError?: (exporter: SpanExporter, error: unknown) => void;
}

/** Gives each batch to several exporters in sequence, in the order of the list. It never rejects: an error of one is reported, and the others are called all the same. */
export class FanOutExporter implements SpanExporter {
  readonly name: string;
  readonly #exporters: readonly SpanExporter[];
  readonly #warning = new RateLimitedWarning();
  readonly #onError: ((exporter: SpanExporter, error: unknown) => void) | undefined;

  constructor(exporters: readonly SpanExporter[], options: FanOutOptions = {}) {
    this.#exporters = [...exporters];
    this.name = options.name ?? 'fan-out';
    this.#onError = options.onError;
  }

  export(spans: readonly ExportedSpan[]): Promise<void> {
    return this.#each((exporter) => exporter.export(spans));
  }

  forceFlush(): Promise<void> {
    return this.#each((exporter) => exporter.forceFlush?.());
  }

  /** Shuts all of them down, whatever one of them does. */
  shutdown(): Promise<void> {
    return this.#each((exporter) => exporter.shutdown?.());
  }

  async #each(call: (exporter: SpanExporter) => unknown): Promise<void> {
    for (const exporter of this.#exporters) {
      try {
        await call(exporter);
      } catch (error) {
        this.#report(exporter, error);
      }
    }
  }

  #report(exporter: SpanExporter, error: unknown): void {
    try {
      if (this.#onError) this.#onError(exporter, error);
      else this.#warning.emit(() => new KymoError('KYMO_EXPORT_FAILED', { exporter: exporterName(exporter), reason: error }));
    } catch {
      // Whoever reports must not stop the others.
    }
  }
}
