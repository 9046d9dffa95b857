// Makes the sender of a destination: the one place that knows all of them. Exporter threads, or the main thread where there can be none.
import { VERSION } from '../core/version.js';
import type { BatchSender } from './delivery.js';
import type { Destination } from './export-task.js';
import type { SpanExporter } from './exporter.js';
import type { LogExporter } from './logs/log-exporter.js';
import { loadExporter } from './module-exporter.js';
import { GrpcSender } from './otlp/grpc-sender.js';
import { HttpSender } from './otlp/http-sender.js';
import { logSender, spanSender } from './user-sender.js';

const USER_AGENT = `OTel-OTLP-Exporter-Kymo/${VERSION}`;

/**
 * @param onHung called when an exporter of the application has not settled in time, once its batch was counted
 * @throws what the module of an exporter throws
 */
export async function createSender(destination: Destination, onHung?: () => void): Promise<BatchSender> {
  if (destination.kind === 'module') {
    const { signal, url, options, idFormat } = destination;
    if (signal === 'logs') return logSender(await loadExporter<LogExporter>(url, 'createLogSink', options), onHung);
    return spanSender(await loadExporter<SpanExporter>(url, 'createExporter', options), idFormat, onHung);
  }
  const { target } = destination;
  return target.protocol === 'grpc' ? new GrpcSender(target, USER_AGENT) : new HttpSender(target, USER_AGENT);
}
