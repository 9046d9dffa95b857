// Sinks that the environment asks for, where the code names none. App thread, when logging is configured.
import { readOpenTelemetry } from '../../config/opentelemetry.js';
import { KymoError } from '../../core/errors.js';
import type { LogSink } from '../../logs/sinks/sink.js';
import { warn } from '../warnings.js';
import { otlpLogSink } from './otlp-log-sink.js';

/** Variables that are about logs alone; the others are warned of where tracing is configured. */
const OF_LOGS = /_(LOGS|BLRP|LOGRECORD)_/;

/**
 * OTLP where `OTEL_LOGS_EXPORTER` names it or, without that, where an endpoint is set. Variables that cannot be used are ignored with a warning.
 * @throws KymoError `KYMO_EXPORT_OPTION`
 */
export function environmentSinks(): LogSink[] {
  const { values, ignored } = readOpenTelemetry();
  for (const { variable, value, expected } of ignored) {
    if (OF_LOGS.test(variable)) warn(new KymoError('KYMO_CONFIG_IGNORED', { variable, value: JSON.stringify(value), expected }));
  }
  if (values.sdkDisabled === true) return [];
  const hasEndpoint = values.endpoint !== undefined || values.logsEndpoint !== undefined;
  const exporters = values.logsExporters ?? (hasEndpoint ? ['otlp'] : []);
  return exporters.includes('otlp') ? [otlpLogSink()] : [];
}
