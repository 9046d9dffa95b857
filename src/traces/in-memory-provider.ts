// A provider that keeps its last spans in memory, for tests and for small programs. App thread.
import { activeContext } from '../context/context.js';
import { enterContext } from '../context/enter.js';
import { getCurrentSpan } from './current-span.js';
import { DEFAULT_MAX_SPANS } from './presets.js';
import { TracerProvider } from './provider.js';
import type { Span } from './span.js';
import { type SpanBatchExporter, SpanBuffer } from './span-buffer.js';
import { withoutTrace } from './span-options.js';
import type { Tracer } from './tracer.js';

/** Options of {@link InMemoryTraceProvider}. */
export interface InMemoryTraceProviderOptions {
  /** Default `lexigram-service`. */
  readonly serviceName?: string;
  /** Ended spans that are kept, in [1, 1,000,000]; default 1,000. The oldest gives way. */
  readonly maxSpans?: number;
  /** Gets each span once, when {@link InMemoryTraceProvider.flush} is called. */
  readonly exporter?: SpanBatchExporter;
}

/** A tracer, and its spans to read back. */
export class InMemoryTraceProvider {
  readonly serviceName: string;
  readonly provider: TracerProvider;
  readonly tracer: Tracer;
  readonly #buffer: SpanBuffer;

  /** @throws KymoError `KYMO_CONFIG_VALUE` for a number of spans out of range. */
  constructor({ serviceName = 'lexigram-service', maxSpans = DEFAULT_MAX_SPANS, exporter }: InMemoryTraceProviderOptions = {}) {
    this.serviceName = serviceName;
    this.#buffer = new SpanBuffer({ maxSpans, exporter });
    this.provider = new TracerProvider({ serviceName, processors: [this.#buffer] });
    this.tracer = this.provider.getTracer(serviceName);
  }

  /** Starts a span: a child of `parent`, else of the current span, else a root. It does not become current. */
  createSpan(name: string, parent?: Span): Span {
    return this.tracer.startSpan(name, parent === undefined ? {} : { context: parent });
  }

  /** The span that is open in the running code. */
  getCurrentSpan(): Span | undefined {
    return getCurrentSpan();
  }

  /** Makes `span` the current one of the running code and of what it starts; without one, none is current any more. */
  setCurrentSpan(span?: Span): void {
    enterContext(span === undefined ? withoutTrace(activeContext()) : span.context);
  }

  /** The spans that ended, oldest first: as many as are kept. */
  getAllSpans(): Span[] {
    return this.#buffer.spans;
  }

  /** Gives the exporter what has ended and was not given to it before. Never rejects. */
  async flush(): Promise<void> {
    await this.#buffer.forceFlush();
  }

  /** Flushes, and records nothing any more. */
  async shutdown(): Promise<void> {
    await this.provider.shutdown();
  }
}
