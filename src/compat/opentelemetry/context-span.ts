// A span that is known by its ids alone: one from another process, or one of ours that has ended and is no longer kept. Any thread.
import type { Span, SpanContext } from '@opentelemetry/api';
import type { Context } from '../../context/context.js';
import { spanContextOf } from './span-context.js';

/** Propagates and records nothing: every call but {@link spanContext} does nothing. */
export class ContextSpan implements Span {
  /** Where its ids are. */
  readonly context: Context;
  #spanContext: SpanContext | undefined;

  constructor(context: Context) {
    this.context = context;
  }

  /** The same object each time. */
  spanContext(): SpanContext {
    this.#spanContext ??= spanContextOf(this.context);
    return this.#spanContext;
  }

  setAttribute(): this {
    return this;
  }

  setAttributes(): this {
    return this;
  }

  addEvent(): this {
    return this;
  }

  addLink(): this {
    return this;
  }

  addLinks(): this {
    return this;
  }

  setStatus(): this {
    return this;
  }

  updateName(): this {
    return this;
  }

  end(): void {}

  isRecording(): boolean {
    return false;
  }

  recordException(): void {}
}
