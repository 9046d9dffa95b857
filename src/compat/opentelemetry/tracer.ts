// Tracers of the OpenTelemetry API: each starts spans of one tracer of Kymo. App threads.
import { type Context as ApiContext, type Span, SpanKind, type SpanOptions, type Tracer } from '@opentelemetry/api';
import { activeContext, type Context, ROOT_CONTEXT, runInContext } from '../../context/context.js';
import type { SpanKind as KymoKind } from '../../traces/span-kind.js';
import { type SpanOptions as KymoSpanOptions, withoutTrace } from '../../traces/span-options.js';
import type { Tracer as KymoTracer } from '../../traces/tracer.js';
import { faceOf } from './api-span.js';
import { ContextSpan } from './context-span.js';
import { timeOfInput } from './hr-time.js';
import { contextOf, isSuppressed, withSpan } from './otel-context.js';

type Work = (span: Span) => unknown;

const NOTHING: SpanOptions = Object.freeze({});

/** See the file. Where OpenTelemetry's SDK asks not to be traced, its spans record nothing and propagate nothing. */
export class ApiTracer implements Tracer {
  readonly #tracer: KymoTracer;

  constructor(tracer: KymoTracer) {
    this.#tracer = tracer;
  }

  startSpan(name: string, options?: SpanOptions, context?: ApiContext): Span {
    return this.#start(name, options ?? NOTHING, context === undefined ? activeContext() : contextOf(context));
  }

  startActiveSpan<F extends (span: Span) => unknown>(name: string, fn: F): ReturnType<F>;
  startActiveSpan<F extends (span: Span) => unknown>(name: string, options: SpanOptions, fn: F): ReturnType<F>;
  startActiveSpan<F extends (span: Span) => unknown>(name: string, options: SpanOptions, context: ApiContext, fn: F): ReturnType<F>;
  startActiveSpan(name: string, second?: SpanOptions | Work, third?: ApiContext | Work, fourth?: Work): unknown {
    if (typeof second === 'function') return this.#run(name, NOTHING, activeContext(), second);
    if (typeof third === 'function') return this.#run(name, second ?? NOTHING, activeContext(), third);
    if (typeof fourth !== 'function') return undefined;
    return this.#run(name, second ?? NOTHING, third === undefined ? activeContext() : contextOf(third), fourth);
  }

  #run(name: string, options: SpanOptions, parent: Context, fn: Work): unknown {
    const span = this.#start(name, options, parent);
    return runInContext(withSpan(parent, span), fn, span);
  }

  #start(name: string, { root, kind, attributes, links, startTime }: SpanOptions, context: Context): Span {
    if (isSuppressed(context)) return new ContextSpan(ROOT_CONTEXT);
    const parent = root === true ? withoutTrace(context) : context;
    // Kinds have the API's numbers in Kymo, too. Most spans are started with no more than one.
    if (attributes === undefined && links === undefined && startTime === undefined)
      return faceOf(this.#tracer.begin(name, parent, (kind ?? SpanKind.INTERNAL) as unknown as KymoKind, undefined));
    const given: KymoSpanOptions = { kind: kind as KymoSpanOptions['kind'], attributes, links, startTime: timeOfInput(startTime) };
    return faceOf(this.#tracer.startSpan(name, given, parent));
  }
}
