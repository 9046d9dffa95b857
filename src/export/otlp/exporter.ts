// OTLP as an exporter that can be configured: a declaration, which becomes a pipeline of its own. App thread.
import { checkOtlpOptions, type OtlpExporterOptions, type OtlpSettings } from './options.js';

/** An OTLP exporter, for `configureTracing`. Its spans are encoded and packed natively and sent from a thread of their own. */
export class OtlpExporter {
  readonly settings: OtlpSettings;

  /** @throws KymoError `KYMO_EXPORT_OPTION` */
  constructor(options: OtlpExporterOptions = {}) {
    this.settings = checkOtlpOptions(options);
  }

  get name(): string {
    return this.settings.label;
  }
}

/**
 * Declares an OTLP exporter: over HTTP with protobuf by default.
 * @throws KymoError `KYMO_EXPORT_OPTION`
 * @example configureTracing({ exporters: [otlpExporter({ endpoint: 'http://collector:4318', compression: 'gzip' })] })
 */
export function otlpExporter(options?: OtlpExporterOptions): OtlpExporter {
  return new OtlpExporter(options);
}
