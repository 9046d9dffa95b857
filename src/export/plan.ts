// What becomes of each exporter that is configured: a pipeline, or a processor that is told at once. App thread, when tracing is configured.

import { KymoError } from '../core/errors.js';
import { type BatchOptions, checkBatchOptions, refusedOption } from './batch-options.js';
import { ConsoleSpanExporter, LogSpanExporter } from './console/console-exporter.js';
import type { SpanLogger } from './console/logger.js';
import { exporterName, isSpanExporter, type SpanExporter } from './exporter.js';
import { ModuleExporter } from './module-exporter.js';
import { OtlpExporter } from './otlp/exporter.js';
import type { OtlpSettings } from './otlp/options.js';
import type { SpanPipelinePlan } from './pipeline.js';
import { SimpleSpanProcessor } from './simple-processor.js';
import type { SpanIdText } from './span-batch.js';
import { spanSender } from './user-sender.js';
import { warn } from './warnings.js';

/**
 * Where spans may go: OTLP or a module, each from a thread of its own; an exporter of the application, on this thread; `console`, a line per
 * span as it ends; `log`, lines of sends, model calls and tool calls at level debug.
 */
export type ExporterChoice = OtlpExporter | ModuleExporter | SpanExporter | 'otlp' | 'console' | 'log';

/** What exporters are made with. */
export interface PlanContext {
  /** Text forms of ids, for exporters of the application. */
  readonly ids: SpanIdText;
  /** For exporters of the application that have no batch options of their own. */
  readonly batch: BatchOptions | undefined;
  /** For `console` and `log`; default the standard streams. */
  readonly logger: SpanLogger | undefined;
}

/** What is to be made of one exporter. */
export type Planned = { readonly pipeline: SpanPipelinePlan } | { readonly processor: SimpleSpanProcessor };

/**
 * Plans one exporter. A module that is missing is replaced by the console, with a warning.
 * @throws KymoError `KYMO_EXPORT_OPTION` for what is no exporter, or has an option that cannot be used
 */
export function planExporter(choice: ExporterChoice, context: PlanContext): Planned {
  const logger = context.logger === undefined ? {} : { logger: context.logger };
  if (choice === 'otlp') return { pipeline: otlpPlan(new OtlpExporter().settings) };
  if (choice === 'console') return simple(new ConsoleSpanExporter(logger));
  if (choice === 'log') return simple(new LogSpanExporter(logger));
  if (choice instanceof OtlpExporter) return { pipeline: otlpPlan(choice.settings) };
  if (choice instanceof ModuleExporter) {
    if (choice.exists()) return { pipeline: modulePlan(choice, context.ids) };
    const values = { what: `the exporter ${choice.url}`, reason: 'there is no such file', used: 'the console' };
    warn(new KymoError('KYMO_EXPORT_FALLBACK', values));
    return simple(new ConsoleSpanExporter(logger));
  }
  if (choice instanceof ConsoleSpanExporter || choice instanceof LogSpanExporter) return simple(choice);
  if (isSpanExporter(choice)) return { pipeline: ownPlan(choice, context) };
  throw refusedOption('exporters', choice, 'otlp, console, log, or an object with a method `export`');
}

function simple(exporter: ConsoleSpanExporter | LogSpanExporter): Planned {
  return { processor: new SimpleSpanProcessor(exporter) };
}

function otlpPlan({ label, target, timeoutMs, batch }: OtlpSettings): SpanPipelinePlan {
  return {
    label,
    format: target.protocol === 'http/json' ? 'json' : 'protobuf',
    compression: target.compression,
    batch,
    retry: { timeoutMs, exportTimeoutMs: batch.exportTimeoutMs },
    to: { kind: 'otlp', target },
  };
}

function modulePlan({ name, url, options, batch }: ModuleExporter, ids: SpanIdText): SpanPipelinePlan {
  const { exportTimeoutMs } = batch;
  return {
    label: name,
    format: 'msgpack',
    compression: 'none',
    batch,
    retry: { timeoutMs: exportTimeoutMs, exportTimeoutMs },
    to: { kind: 'module', signal: 'traces', url, options, idFormat: ids },
  };
}

function ownPlan(exporter: SpanExporter, { ids, batch: options = {} }: PlanContext): SpanPipelinePlan {
  const batch = checkBatchOptions(options);
  const { exportTimeoutMs } = batch;
  return {
    label: exporterName(exporter),
    format: 'msgpack',
    compression: 'none',
    batch,
    retry: { timeoutMs: exportTimeoutMs, exportTimeoutMs },
    to: { kind: 'here', sender: spanSender(exporter, ids) },
  };
}
