// Log records to an OTLP collector, from a thread of their own. Declared on an app thread.
import { type OpenTelemetryEnvironment, readOpenTelemetry } from '../../config/opentelemetry.js';
import type { LogSink, OpenedSink, SinkOpening } from '../../logs/sinks/sink.js';
import type { BatchSettings } from '../batch-options.js';
import { checkOtlpTarget, type OtlpTarget, type OtlpTargetOptions } from '../otlp/options.js';
import type { ResourceAttributes } from '../resource.js';
import { checkLogBatch, checkLogRecords, type LogBatchOptions, type LogRecordChoices, logResource } from './options.js';
import { openRecords } from './record-pipeline.js';

/**
 * Options of {@link otlpLogSink}. What is left out comes from the `OTEL_EXPORTER_OTLP_*`, `OTEL_BLRP_*` and `OTEL_LOGRECORD_*` variables, then
 * from the defaults.
 */
export interface OtlpLogSinkOptions extends OtlpTargetOptions, LogBatchOptions, LogRecordChoices {
  /** URL that is used as it is; goes before `endpoint`. */
  readonly logsEndpoint?: string;
  /** Further attributes of the resource, beside what is detected. */
  readonly resource?: ResourceAttributes;
}

/** An OTLP sink, checked. */
export interface OtlpLogSettings {
  readonly label: string;
  readonly target: OtlpTarget;
  readonly timeoutMs: number;
  readonly batch: BatchSettings;
  readonly records: LogRecordChoices;
}

type Environment = Partial<OpenTelemetryEnvironment>;

/** OpenTelemetry's limit of a record's attributes. */
const MAX_ATTRIBUTES = 128;

/**
 * Checks and completes options.
 * @throws KymoError `KYMO_EXPORT_OPTION` names the first one that cannot be used; values of headers are never shown.
 */
export function checkOtlpLogs(options: OtlpLogSinkOptions = {}, env: Environment = readOpenTelemetry().values): OtlpLogSettings {
  const { logsEndpoint: signalEndpoint, ...target } = options;
  const { levelNames, maxAttributes = env.logAttributeCount ?? MAX_ATTRIBUTES, maxAttributeLength = env.logAttributeValueLength } = options;
  return {
    ...checkOtlpTarget(
      'logs',
      { ...target, signalEndpoint },
      {
        endpoint: env.endpoint,
        signalEndpoint: env.logsEndpoint,
        protocol: env.logsProtocol,
        headers: [...(env.headers ?? []), ...(env.logsHeaders ?? [])],
        compression: env.logsCompression,
        timeoutMs: env.logsTimeoutMs,
        certificate: env.logsCertificate,
        clientKey: env.logsClientKey,
        clientCertificate: env.logsClientCertificate,
        insecure: env.logsInsecure,
      },
    ),
    batch: checkLogBatch(options, env),
    records: {
      ...(levelNames === undefined ? {} : { levelNames }),
      maxAttributes,
      ...(maxAttributeLength === undefined ? {} : { maxAttributeLength }),
    },
  };
}

/**
 * A sink that sends records as OTLP over HTTP (protobuf or JSON) or gRPC. They are encoded and packed natively and sent from a thread of
 * their own; what is not taken in time is dropped, and counted in `kymo_log_lines_dropped_total{level,reason,sink}`.
 * @throws KymoError `KYMO_EXPORT_OPTION`
 * @example configureLogging({ sinks: [otlpLogSink({ endpoint: 'http://collector:4318' })] })
 */
export function otlpLogSink(options: OtlpLogSinkOptions = {}): LogSink {
  const { label, target, timeoutMs, batch, records } = checkOtlpLogs(options);
  checkLogRecords(records);
  return {
    name: 'otlp',
    key: JSON.stringify(['otlp', label, target, timeoutMs, batch, records, options.resource]),
    open({ service }: SinkOpening): OpenedSink {
      return openRecords(
        {
          label,
          format: target.protocol === 'http/json' ? 'otlp-json' : 'otlp-protobuf',
          compression: target.compression,
          batch,
          retry: { timeoutMs, exportTimeoutMs: batch.exportTimeoutMs },
          to: { kind: 'otlp', target },
        },
        checkLogRecords(records, logResource(service, options.resource)),
      );
    },
  };
}
