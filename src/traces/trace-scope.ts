// How spans find the trace object that they were started in. App threads; types and one small class.

/** What a trace object is told of the spans inside it, on the thread that runs them. */
export interface SpanKeeper<S = object> {
  /** A span was started in a context of the trace; right after its first attributes are set. */
  spanStarted(span: S): void;
  /** That span has ended. */
  spanEnded(span: S): void;
}

/**
 * What the contexts of a trace object carry in its place. When the trace ends it lets go of the object, so that a promise that
 * still waits in such a context keeps neither the trace nor its spans alive.
 */
export class TraceScope<S = object> {
  keeper: SpanKeeper<S> | undefined;

  constructor(keeper: SpanKeeper<S>) {
    this.keeper = keeper;
  }
}
