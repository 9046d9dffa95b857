// Exporters of OpenTelemetry's SDK without its processors: spans wait in a bounded queue and are handed over one batch at a time, with
// tracing switched off for what the exporter itself does. App threads.
import { context, diag } from '@opentelemetry/api';
import { native } from '../../binding/load.js';
import { suppressed } from './otel-context.js';
import type { SpanProcessor } from './processor-bridge.js';
import type { SpanView } from './span-view.js';

/** `SpanExporter` of OpenTelemetry's SDK. */
export interface SpanExporter {
  // biome-ignore lint/suspicious/noExplicitAny: the SDK's `ReadableSpan[]` and `ExportResult`, whose package is not needed here
  export(spans: any, resultCallback: (result: any) => void): void;
  forceFlush?(): Promise<void>;
  shutdown(): Promise<void>;
}

/** How an exporter is served. Durations in ms. */
export interface ExportOptions {
  /** Spans that may wait; the oldest go first. Default 2,048. */
  readonly maxQueueSpans?: number;
  /** Spans of one batch; default 512. */
  readonly maxBatchSpans?: number;
  /** From the first span of a batch until it is handed over; default 5,000. */
  readonly delayMs?: number;
  /** How long a batch is waited for before its spans are given up; default 30,000. */
  readonly timeoutMs?: number;
}

const SAMPLED = 1;
/** `ExportResultCode.SUCCESS` of the SDK. */
const SUCCESS = 0;

/** See the file. Losses are counted in `kymo_spans_dropped_total`. */
export class ExportProcessor implements SpanProcessor {
  readonly #exporter: SpanExporter;
  readonly #options: Required<ExportOptions>;
  readonly #waiting: SpanView[] = [];
  #timer: NodeJS.Timeout | undefined;
  /** The batches that go out, one after another; none while there is nothing to send. */
  #sending: Promise<void> | undefined;
  #closed: Promise<void> | undefined;

  constructor(
    exporter: SpanExporter,
    { maxQueueSpans = 2_048, maxBatchSpans = 512, delayMs = 5_000, timeoutMs = 30_000 }: ExportOptions = {},
  ) {
    this.#exporter = exporter;
    this.#options = { maxQueueSpans, maxBatchSpans: Math.min(maxBatchSpans, maxQueueSpans), delayMs, timeoutMs };
  }

  onStart(): void {}

  onEnd(span: SpanView): void {
    if ((span.spanContext().traceFlags & SAMPLED) === 0) return;
    if (this.#closed !== undefined) return native.tracesDropped('shutdown', 1);
    this.#waiting.push(span);
    if (this.#waiting.length > this.#options.maxQueueSpans) {
      this.#waiting.shift();
      native.tracesDropped('queue_full', 1);
    }
    if (this.#waiting.length >= this.#options.maxBatchSpans) void this.#send();
    else this.#timer ??= setTimeout(() => void this.#send(), this.#options.delayMs).unref();
  }

  /** Resolves when every span that ended before is with the exporter, and the exporter has sent what it holds back. */
  async forceFlush(): Promise<void> {
    await this.#send();
    await this.#exporter.forceFlush?.();
  }

  async shutdown(): Promise<void> {
    this.#closed ??= this.#send().then(() => this.#exporter.shutdown());
    await this.#closed;
  }

  /** Sends what waits now and what comes meanwhile; never two batches at once. Never rejects. */
  #send(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#sending ??= this.#drain().finally(() => {
      this.#sending = undefined;
    });
    return this.#sending;
  }

  async #drain(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, this.#options.maxBatchSpans);
      try {
        await this.#export(batch);
      } catch (error) {
        native.tracesDropped('refused', batch.length);
        diag.error('kymo: an exporter failed', error);
      }
    }
  }

  #export(batch: SpanView[]): Promise<void> {
    return new Promise((resolve, reject) => {
      const { timeoutMs } = this.#options;
      const timer = setTimeout(() => reject(new Error(`the export did not settle within ${timeoutMs} ms`)), timeoutMs);
      const settle = (result: { readonly code: number; readonly error?: Error } | undefined): void => {
        clearTimeout(timer);
        if (result?.code === SUCCESS) resolve();
        else reject(result?.error ?? new Error('the exporter refused a batch'));
      };
      try {
        context.with(suppressed(context.active()), () => this.#exporter.export(batch, settle));
      } catch (error) {
        clearTimeout(timer);
        reject(error);
      }
    });
  }
}
