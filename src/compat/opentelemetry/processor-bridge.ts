// Processors of OpenTelemetry's SDK behind Kymo's spans: what they are told, and with which objects. App threads; nothing of this exists
// before the first processor or exporter is added.
import { ROOT_CONTEXT as API_ROOT, type Context as ApiContext, diag } from '@opentelemetry/api';
import { type Context, ROOT_CONTEXT } from '../../context/context.js';
import { countFailure, type SpanProcessor as KymoSpanProcessor } from '../../traces/processors.js';
import type { Span } from '../../traces/span.js';
import { faceIfAny, faceOf, giveFace } from './api-span.js';
import { viewOf } from './otel-context.js';
import { type InstrumentationScope, type ResourceView, SpanView } from './span-view.js';

/** `SpanProcessor` of OpenTelemetry's SDK, of either major version. */
export interface SpanProcessor {
  // biome-ignore lint/suspicious/noExplicitAny: the SDK's `Span` and `ReadableSpan`, whose types are in a package that is not needed here
  onStart(span: any, parentContext: ApiContext): void;
  // biome-ignore lint/suspicious/noExplicitAny: as above
  onEnding?(span: any): void;
  // biome-ignore lint/suspicious/noExplicitAny: as above
  onEnd(span: any): void;
  forceFlush(): Promise<void>;
  shutdown(): Promise<void>;
}

/** See the file. A span has one view, which all processors and the application share: what one changes, the next one sees. */
export class ProcessorBridge implements KymoSpanProcessor {
  readonly #processors: SpanProcessor[];
  readonly #resource: ResourceView;
  readonly #scopeOf: (span: Span) => InstrumentationScope;

  constructor(processors: readonly SpanProcessor[], resource: ResourceView, scopeOf: (span: Span) => InstrumentationScope) {
    this.#processors = [...processors];
    this.#resource = resource;
    this.#scopeOf = scopeOf;
  }

  onStart(span: Span, parent: Context): void {
    const given = faceIfAny(span);
    const view = given instanceof SpanView ? given : giveFace(span, new SpanView(span, parent, this.#resource, this.#scopeOf(span)));
    const context = parent === ROOT_CONTEXT ? API_ROOT : viewOf(parent);
    this.#each((processor) => processor.onStart(view, context));
  }

  onEnding(span: Span): void {
    this.#each((processor) => processor.onEnding?.(faceOf(span)));
  }

  onEnd(span: Span): void {
    this.#each((processor) => processor.onEnd(faceOf(span)));
  }

  /** @throws AggregateError with what processors rejected with, after all of them have settled */
  forceFlush(): Promise<void> {
    return settled(this.#processors.map((processor) => processor.forceFlush()));
  }

  /** As {@link forceFlush}. */
  shutdown(): Promise<void> {
    return settled(this.#processors.map((processor) => processor.shutdown()));
  }

  /** A processor that throws costs the others nothing, and the application neither. */
  #each(call: (processor: SpanProcessor) => void): void {
    for (const processor of this.#processors) {
      try {
        call(processor);
      } catch (error) {
        countFailure();
        diag.error('kymo: a span processor threw', error);
      }
    }
  }
}

async function settled(work: readonly Promise<void>[]): Promise<void> {
  const outcomes = await Promise.allSettled(work);
  const failures = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []));
  if (failures.length > 0) throw new AggregateError(failures, 'a span processor failed');
}
