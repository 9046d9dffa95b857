// A span of Kymo as the OpenTelemetry API has spans. App threads; no method throws, and after the end all of them do nothing.
import type { Attributes, Exception, Span as Face, Link, SpanAttributeValue, SpanContext, SpanStatus, TimeInput } from '@opentelemetry/api';
import { describeException } from '../../traces/exceptions.js';
import type { Span } from '../../traces/span.js';
import { isTimeInput } from '../../traces/time-input.js';
import { timeOfInput } from './hr-time.js';
import { spanContextOf } from './span-context.js';

/** Under this key an object of this class has Kymo's span, in every copy of this package. */
const OWN: unique symbol = Symbol.for('kymo.opentelemetry.span') as never;

/** Two fields in front of Kymo's span, of which it is the one face: {@link faceOf}. */
export class ApiSpan implements Face {
  protected readonly own: Span;
  #spanContext: SpanContext | undefined;

  constructor(own: Span) {
    this.own = own;
  }

  /** See {@link ownSpanOf}. */
  get [OWN](): Span {
    return this.own;
  }

  /** The same object each time. */
  spanContext(): SpanContext {
    this.#spanContext ??= spanContextOf(this.own.context);
    return this.#spanContext;
  }

  isRecording(): boolean {
    return this.own.isRecording();
  }

  setAttribute(key: string, value: SpanAttributeValue): this {
    this.own.setAttribute(key, value);
    return this;
  }

  setAttributes(attributes: Attributes): this {
    this.own.setAttributes(attributes);
    return this;
  }

  /** A time in the place of the attributes is the event's, unless another one follows. */
  addEvent(name: string, attributesOrTime?: Attributes | TimeInput, time?: TimeInput): this {
    const isTime = isTimeInput(attributesOrTime);
    const at = time ?? (isTime ? attributesOrTime : undefined);
    if (this.own.isRecording()) this.own.addEvent(name, isTime ? undefined : (attributesOrTime as Attributes), timeOfInput(at));
    return this;
  }

  addLink(link: Link): this {
    this.own.addLink(link);
    return this;
  }

  addLinks(links: Link[]): this {
    this.own.addLinks(links);
    return this;
  }

  /** A message that is no text is none. */
  setStatus(status: SpanStatus): this {
    const message: unknown = status?.message;
    this.own.setStatus(typeof message === 'string' ? { code: status.code, message } : { code: status?.code });
    return this;
  }

  updateName(name: string): this {
    this.own.updateName(name);
    return this;
  }

  end(time?: TimeInput): void {
    this.own.end(timeOfInput(time));
  }

  /** Adds an event, and nothing else: Kymo's own method of that name says as well that the span has failed. */
  recordException(exception: Exception, time?: TimeInput): void {
    if (!this.own.isRecording()) return;
    const attributes = exceptionAttributes(exception);
    if (attributes !== undefined) this.addEvent('exception', attributes, time);
  }

  /** For logs. */
  toJSON(): SpanContext {
    return this.spanContext();
  }
}

/** Kymo's span behind an object of the API; undefined for spans of others. */
export function ownSpanOf(span: object): Span | undefined {
  return (span as { readonly [OWN]?: Span })[OWN];
}

/** Under this key a span of Kymo has its face. Added when there is one: a field would cost every span 8 bytes. */
const FACE: unique symbol = Symbol.for('kymo.opentelemetry.face') as never;

interface WithFace {
  [FACE]?: ApiSpan;
}

/** The object of the API for a span of Kymo: one, for as long as there is the span. */
export function faceOf(span: Span): ApiSpan {
  return faceIfAny(span) ?? giveFace(span, new ApiSpan(span));
}

/** The face of `span`, if it has one. */
export function faceIfAny(span: Span): ApiSpan | undefined {
  return (span as WithFace)[FACE];
}

/** Has `face` stand for `span` from now on. */
export function giveFace<F extends ApiSpan>(span: Span, face: F): F {
  (span as WithFace)[FACE] = face;
  return face;
}

/** What an exception says of itself; undefined when it is none: neither text nor an object with a type or a message. */
function exceptionAttributes(exception: unknown): Attributes | undefined {
  if (typeof exception === 'string') return exception === '' ? undefined : { 'exception.message': exception };
  if (typeof exception !== 'object' || exception === null) return undefined;
  const { type, message, stack } = describeException(exception);
  const named = exception instanceof Error || type !== 'Object';
  const shown = named ? type : codeOf(exception);
  const said = messageOf(exception) ? message : '';
  if (shown === undefined && said === '') return undefined;
  return {
    ...(shown === undefined ? {} : { 'exception.type': shown }),
    ...(said === '' ? {} : { 'exception.message': said }),
    ...(stack === '' ? {} : { 'exception.stacktrace': stack }),
  };
}

/** The `code` of an object of no class, which the API lets stand for its type. */
function codeOf(exception: object): string | undefined {
  try {
    const { code } = exception as { code?: unknown };
    return typeof code === 'string' || typeof code === 'number' ? String(code) : undefined;
  } catch {
    return undefined;
  }
}

/** True for an object with a message of its own; without one, Kymo describes the object itself. */
function messageOf(exception: object): boolean {
  try {
    return typeof (exception as { message?: unknown }).message === 'string';
  } catch {
    return false;
  }
}
