// A span: what is recorded of one unit of work while it goes on. App thread; written once, when it ends, into the thread's ring.
import { SPAN_RECORD_ONLY, SPAN_UNENDED } from '../binding/generated/layout.js';
import type { FlatAttributes, SpanTime, WritableSpan } from '../binding/writable-span.js';
import { attachContext } from '../context/attach.js';
import { type Context, contextOfSpan, copyOf, type Extra, endedState, FLAGS_KNOWN, type LiveSpan } from '../context/context.js';
import { spanIdText, traceIdText } from '../context/id-text.js';
import { spanHigh, spanLow } from '../context/ids.js';
import { SpanContext } from '../context/span-context.js';
import {
  type Attributes,
  asObject,
  DROPPED,
  findPair,
  gather,
  giveEach,
  INDEXED_FROM,
  isKey,
  LONGEST_KEY,
  plainValue,
  setPair,
  textOf,
} from './attributes.js';
import { SpanEvent } from './events.js';
import { type DescribedException, describeException } from './exceptions.js';
import { DEFAULT_LIMITS } from './limits.js';
import { type LinkInput, makeLink, type SpanLink } from './links.js';
import { type AgentSpanKind, agentKindOf, kindOf, type SpanKind } from './span-kind.js';
import { tellOfEnd } from './span-listeners.js';
import { llmNumber, llmText, type SpanDict, type SpanJson, spanDict, spanJson } from './span-reading.js';
import { SpanRest } from './span-rest.js';
import { elapsedMs, epochMsOf, now } from './span-time.js';
import { mayReplace, type SpanStatus, STATUS_MASK, type StatusObject, statusBits, statusOf } from './status.js';
import { threadRing } from './thread-ring.js';
import { isTimeInput, type TimeInput, wallTime } from './time-input.js';
import type { Tracer } from './tracer.js';

/** In {@link Span.bits}, of no record: the end time is taken and processors have the last word. */
const ENDING = 1 << 29;
/** In {@link Span.bits}, of no record: it keeps nothing, because it is over or was never to be recorded. */
export const ENDED = 1 << 30;

/**
 * One unit of work. One that the sampler did not choose is a span as well: it has ids, so that the decision travels on, keeps nothing
 * and is never written; {@link isRecording} tells. Made by a {@link Tracer}; recorded when it ends, not before. After its end every call does nothing, and it can
 * still be a parent. No method throws, whatever it is given; what cannot be kept is counted in the dropped counts.
 *
 * Cost: starting, four attributes and ending take about 0.25 us, half of it two readings of the clock, and 500 bytes
 * (`npm run bench -- --only span`). The fields down to {@link extra} are what records and contexts are made of; read the accessors.
 */
export class Span implements LiveSpan, WritableSpan, Disposable {
  declare readonly live: true;
  /** Words of the trace id. */
  readonly t0: number;
  readonly t1: number;
  readonly t2: number;
  readonly t3: number;
  /** In [1, 2^30), from which the span id is derived; 0 for a span that was given its id. */
  readonly number: number;
  /** Words of the parent's id; 0, 0 without one. */
  readonly p0: number;
  readonly p1: number;
  /** Flags, kinds, status and state, as `SPAN_*` of the layout. */
  bits: number;
  /** Number of the wall-clock anchor of the local trace. */
  readonly clock: number;
  readonly tracer: Tracer;
  /** Change it by {@link updateName}. */
  name: string;
  readonly startedAt: SpanTime;
  /** 0 while it is open. */
  endedAt: SpanTime = 0;
  /** Attributes in the order in which they were first set: key, value, key, value. */
  pairs: FlatAttributes | undefined = undefined;
  /** A bit for each key in {@link pairs}, so that a new key is mostly known to be one without looking through them. */
  #keys = 0;
  /** Events, links and whatever else most spans have none of. */
  rest: SpanRest | undefined = undefined;
  /** What its contexts carry besides. */
  readonly extra: Extra | undefined;
  #own: Context | undefined = undefined;
  /** What a drop-in shows of it in another tracing API: one object, so that the same span is the same object there. */
  face: object | undefined = undefined;

  static {
    Object.defineProperty(Span.prototype, 'live', { value: true });
  }

  /** @internal Spans are made by tracers. */
  constructor(
    tracer: Tracer,
    name: string,
    t0: number,
    t1: number,
    t2: number,
    t3: number,
    number: number,
    p0: number,
    p1: number,
    bits: number,
    clock: number,
    startedAt: SpanTime,
    extra: Extra | undefined,
  ) {
    this.t0 = t0;
    this.t1 = t1;
    this.t2 = t2;
    this.t3 = t3;
    this.number = number;
    this.p0 = p0;
    this.p1 = p1;
    this.bits = bits;
    this.clock = clock;
    this.tracer = tracer;
    this.name = name;
    this.startedAt = startedAt;
    this.extra = extra;
  }

  /** Id of the tracer in records. */
  get scope(): number {
    return this.tracer.scope;
  }

  /** W3C trace flags. */
  get flags(): number {
    return this.bits & FLAGS_KNOWN;
  }

  /** High word of the span id. */
  get s0(): number {
    return this.number !== 0 ? spanHigh(this.number) : (this.rest?.s0 ?? 0);
  }

  /** Low word of the span id. */
  get s1(): number {
    return this.number !== 0 ? spanLow(this.number) : (this.rest?.s1 ?? 0);
  }

  /** The context in which it is the current span: run code in it by `runInContext`. Keeps nothing of the span once that has ended. */
  get context(): Context {
    return this.#own ?? this.#makeContext();
  }

  #makeContext(): Context {
    const own = contextOfSpan(this);
    if ((this.bits & ENDED) !== 0) own.state = this.#endedState();
    this.#own = own;
    return own;
  }

  #endedState(): number | Extra {
    if (this.number !== 0) return endedState(this);
    const extra = copyOf(this.extra);
    extra.number = 0;
    extra.s0 = this.s0;
    extra.s1 = this.s1;
    extra.flags = this.flags;
    extra.isRemote = false;
    extra.span = undefined;
    return extra;
  }

  /** Text form of the provider. */
  get traceId(): string {
    return traceIdText(this, this.tracer.provider.traceIdFormat);
  }

  /** Text form of the provider. */
  get spanId(): string {
    return spanIdText(this.s0, this.s1, this.tracer.provider.spanIdFormat);
  }

  /** Id of the parent; undefined for a root. */
  get parentSpanId(): string | undefined {
    return (this.p0 | this.p1) === 0 ? undefined : spanIdText(this.p0, this.p1, this.tracer.provider.spanIdFormat);
  }

  /** Same as {@link parentSpanId}. */
  get parentId(): string | undefined {
    return this.parentSpanId;
  }

  /** The ids for propagation, always hexadecimal. */
  spanContext(): SpanContext {
    return SpanContext.of(this.context) as SpanContext;
  }

  get kind(): SpanKind {
    return kindOf(this.bits);
  }

  /** What an agent does in it, where that was said. */
  get agentKind(): AgentSpanKind | undefined {
    return agentKindOf(this.bits);
  }

  get status(): SpanStatus {
    return statusOf(this.bits);
  }

  /** Of an error; empty without one. */
  get statusMessage(): string {
    return this.rest?.statusText ?? '';
  }

  /** A fresh object on each reading; {@link getAttribute} reads one. */
  get attributes(): Record<string, unknown> {
    return asObject(this.pairs);
  }

  /** The value of one attribute. */
  getAttribute(key: string): unknown {
    const { pairs } = this;
    const at = pairs === undefined ? -1 : findPair(pairs, key);
    return at < 0 ? undefined : (pairs as FlatAttributes)[at + 1];
  }

  get events(): readonly SpanEvent[] {
    return this.rest?.eventList ?? [];
  }

  get links(): readonly SpanLink[] {
    return this.rest?.linkList ?? [];
  }

  /** Spans started in it, where they are kept: in a trace object. The first 1,000. */
  get children(): readonly Span[] {
    return this.rest?.children ?? [];
  }

  /** Attributes that were beyond the limit, or that cannot be kept (functions, symbols, empty keys). */
  get droppedAttributes(): number {
    return this.rest?.droppedAttributes ?? 0;
  }

  get droppedEvents(): number {
    return this.rest?.droppedEvents ?? 0;
  }

  get droppedLinks(): number {
    return this.rest?.droppedLinks ?? 0;
  }

  /** Seconds since 1970, with fractions. */
  get startTime(): number {
    return epochMsOf(this.startedAt, this.clock) / 1_000;
  }

  /** Seconds since 1970, with fractions; undefined while it is open. */
  get endTime(): number | undefined {
    return this.hasEnded ? epochMsOf(this.endedAt, this.clock) / 1_000 : undefined;
  }

  /** Milliseconds from its start to its end, or to now while it is open. Never negative, and untouched by changes of the wall clock. */
  get durationMs(): number {
    return elapsedMs(this.startedAt, this.hasEnded ? this.endedAt : now(), this.clock);
  }

  /** Seconds from its start to its end; undefined while it is open. */
  getDuration(): number | undefined {
    return this.hasEnded ? this.durationMs / 1_000 : undefined;
  }

  /** True from the moment at which its end time was taken; always true of a span that is not recorded. */
  get hasEnded(): boolean {
    return (this.bits & (ENDED | ENDING)) !== 0;
  }

  /** True while what is set is kept. */
  isRecording(): boolean {
    return (this.bits & ENDED) === 0;
  }

  /** False for a span that is recorded for this process only. */
  get isExported(): boolean {
    return (this.bits & SPAN_RECORD_ONLY) === 0;
  }

  #restOf(): SpanRest {
    this.rest ??= new SpanRest();
    return this.rest;
  }

  /** What most spans have nothing of, made if need be. @internal */
  takeRest(): SpanRest {
    return this.#restOf();
  }

  /**
   * Sets an attribute, in place of an earlier one of that key. Undefined and null say nothing. Text, numbers and booleans are kept as they
   * are (10-20 ns); arrays and objects are copied now, cut to the limits. Beyond `maxAttributes` a new key is dropped and counted.
   */
  setAttribute(key: string, value: unknown): this {
    if ((this.bits & ENDED) !== 0) return this;
    const { limits } = this.tracer;
    const isPlain =
      typeof value === 'string' ? value.length <= limits.maxAttributeLength : typeof value === 'number' || typeof value === 'boolean';
    if (!isPlain || typeof key !== 'string') return this.#setOdd(key, value);
    const size = key.length;
    if (size === 0 || size > LONGEST_KEY) return this.#setOdd(key, value);
    const bit = 1 << ((size * 7) ^ key.charCodeAt(size - 1));
    const { pairs } = this;
    if (pairs === undefined) {
      if (limits.maxAttributes === 0) return this.#dropAttribute();
      this.pairs = [key, value];
      this.#keys = bit;
      return this;
    }
    const length = pairs.length;
    if (length >= 2 * INDEXED_FROM) return setPair(pairs, key, value, limits.maxAttributes) ? this : this.#dropAttribute();
    if ((this.#keys & bit) !== 0) {
      for (let index = 0; index < length; index += 2) {
        if (pairs[index] === key) {
          pairs[index + 1] = value;
          return this;
        }
      }
    }
    if (length >= 2 * limits.maxAttributes) return this.#dropAttribute();
    this.#keys |= bit;
    pairs.push(key, value);
    return this;
  }

  /** A value that has to be made plain, or a key that is none. */
  #setOdd(key: unknown, value: unknown): this {
    if (value === undefined || value === null) return this;
    const plain = plainValue(value, this.tracer.limits);
    if (plain === DROPPED || !isKey(key)) return this.#dropAttribute();
    // Reading the value may have run code that ended this span.
    if ((this.bits & ENDED) !== 0) return this;
    this.pairs ??= [];
    this.#keys = -1;
    return setPair(this.pairs, key, plain, this.tracer.limits.maxAttributes) ? this : this.#dropAttribute();
  }

  #dropAttribute(): this {
    this.#restOf().droppedAttributes++;
    return this;
  }

  /** Takes attributes as they are, where the limits allow: plain, each key once. @internal For new spans. */
  adopt(pairs: FlatAttributes): void {
    const { limits } = this.tracer;
    if (limits.maxAttributes < DEFAULT_LIMITS.maxAttributes || limits.maxAttributeLength !== DEFAULT_LIMITS.maxAttributeLength) {
      for (let index = 0; index < pairs.length; index += 2) this.setAttribute(pairs[index] as string, pairs[index + 1]);
    } else if (pairs.length > 0) {
      this.pairs = pairs;
      this.#keys = -1;
    }
  }

  /** Sets each attribute of an object. */
  setAttributes(attributes: Attributes | null | undefined): this {
    if (typeof attributes !== 'object' || attributes === null || (this.bits & ENDED) !== 0) return this;
    const unread = giveEach(attributes, this);
    if (unread > 0) this.#restOf().droppedAttributes += unread;
    return this;
  }

  /**
   * Adds something that happened now, or at `time`; a time in place of the attributes is taken for one. Returns the event, also when
   * it is dropped because there are `maxEvents`.
   */
  addEvent(name: string, attributes?: Attributes | TimeInput | null, time?: TimeInput): SpanEvent {
    const { limits } = this.tracer;
    const isTime = time === undefined && isTimeInput(attributes);
    const at = wallTime(isTime ? attributes : time) ?? now();
    const { pairs, dropped } = gather(isTime ? undefined : (attributes as Attributes), limits, limits.maxAttributesPerEvent);
    const event = new SpanEvent(textOf(name), at, this.clock, pairs, dropped);
    if ((this.bits & ENDED) !== 0) return event;
    const rest = this.#restOf();
    if (limits.maxEvents === 0 || (rest.eventList !== undefined && rest.eventList.length >= limits.maxEvents)) rest.droppedEvents++;
    else if (rest.eventList === undefined) rest.eventList = [event];
    else rest.eventList.push(event);
    return event;
  }

  /** Points to another span: `{ context, attributes }`, a span, or a span context. Samplers do not see it. */
  addLink(link: LinkInput): this {
    if ((this.bits & ENDED) !== 0) return this;
    const { limits } = this.tracer;
    const made = makeLink(link, limits);
    if (made === undefined) return this;
    const rest = this.#restOf();
    if (limits.maxLinks === 0 || (rest.linkList !== undefined && rest.linkList.length >= limits.maxLinks)) rest.droppedLinks++;
    else if (rest.linkList === undefined) rest.linkList = [made];
    else rest.linkList.push(made);
    return this;
  }

  /** Adds each of some links. */
  addLinks(links: readonly LinkInput[] | undefined): this {
    if (Array.isArray(links)) for (const link of links) this.addLink(link);
    return this;
  }

  /**
   * Says how it went: a word, or OpenTelemetry's `{ code, message }`. `ok` is final, `unset` changes nothing, and a message is kept with
   * errors only.
   */
  setStatus(status: SpanStatus | StatusObject, message?: string): this {
    if ((this.bits & ENDED) !== 0) return this;
    const isObject = typeof status === 'object' && status !== null;
    const next = statusBits(isObject ? status.code : status);
    if (!mayReplace(this.bits, next)) return this;
    this.bits = (this.bits & ~STATUS_MASK) | next;
    const text = isObject ? (status.message ?? message) : message;
    const shown = statusOf(next) === 'ok' || text === undefined ? '' : textOf(text);
    if (shown !== '' || this.rest !== undefined) this.#restOf().statusText = shown;
    return this;
  }

  /** Gives it another name. Samplers decided by the one it was started with. */
  updateName(name: string): this {
    if ((this.bits & ENDED) === 0) this.name = textOf(name);
    return this;
  }

  /**
   * Marks it as failed: status `error` (or `timeout`, when an error given is one) with the text, which is also kept as attribute `error`.
   * Of an `Error` the type is kept in `error.type`.
   */
  setError(error: unknown): void {
    if ((this.bits & ENDED) !== 0) return;
    const described = describeException(error);
    if (typeof error === 'object') this.setAttribute('error.type', described.type);
    this.setAttribute('error', described.message);
    this.setStatus(described.timedOut ? 'timeout' : 'error', described.message);
  }

  /**
   * Records what was thrown and failed this span: an event `exception` with type, message and stack (causes included), the attribute
   * `error.type`, and status `error`, or `timeout` for a time-out. Does not end it. For errors that were handled use
   * {@link addException}.
   */
  recordException(exception: unknown, time?: TimeInput): this {
    if ((this.bits & ENDED) !== 0) return this;
    const described = this.#addDescribed(exception, time);
    const style = this.tracer.provider.errorAttributes;
    this.setAttribute('error.type', described.type);
    if (style === 'text') this.setAttribute('error', described.message);
    else if (style === 'typed') this.setAttribute('error', true).setAttribute('error.message', described.message);
    return this.setStatus(described.timedOut ? 'timeout' : 'error', described.message);
  }

  /** Adds the event of {@link recordException} and leaves the status alone: for what was handled or will be tried again. */
  addException(exception: unknown, time?: TimeInput): this {
    if ((this.bits & ENDED) === 0) this.#addDescribed(exception, time);
    return this;
  }

  #addDescribed(exception: unknown, time: TimeInput | undefined): DescribedException {
    const described = describeException(exception);
    this.addEvent(
      'exception',
      {
        'exception.type': described.type,
        'exception.message': described.message,
        'exception.stacktrace': described.stack === '' ? undefined : described.stack,
      },
      time,
    );
    return described;
  }

  /**
   * Makes it the current span of the running code until it ends: `using span = tracer.startSpan('work').activate()`. What `attachContext`
   * says of async functions holds here.
   */
  activate(): this {
    if ((this.bits & ENDED) !== 0 && this.endedAt !== 0) return this;
    this.#restOf().attachment ??= attachContext(this.context);
    return this;
  }

  /**
   * Ends it, now or at `time`, and writes it. Ending it again changes nothing. An end before the start counts as the start.
   * Costs about 0.1 us and one reading of the clock; no call into native code.
   */
  end(time?: TimeInput): void {
    const { tracer, extra, rest } = this;
    if ((this.bits & (ENDED | ENDING)) !== 0) {
      rest?.attachment?.detach(); // Of a span that is not recorded.
      return;
    }
    let at: SpanTime = time === undefined ? now() : (wallTime(time) ?? now());
    if (typeof at === 'number' && typeof this.startedAt === 'number') {
      if (at < this.startedAt) at = this.startedAt;
    } else if (elapsedMs(this.startedAt, at, this.clock) === 0) at = this.startedAt;
    this.endedAt = at;
    const { processors } = tracer.provider;
    if (processors !== undefined) {
      this.bits |= ENDING;
      processors.onEnding(this);
    }
    this.bits |= ENDED;
    if (extra !== undefined) {
      if (extra.traceState !== '') this.#restOf().traceStateText = extra.traceState;
      if (extra.exporter !== undefined) this.bits |= SPAN_RECORD_ONLY;
    }
    const own = this.#own;
    if (own !== undefined) own.state = this.#endedState();
    if (rest !== undefined) {
      rest.attachment?.detach();
      if (rest.openAs !== 0) tracer.provider.open?.delete(this);
    }
    threadRing().write(this, this.s0, this.s1);
    if (extra !== undefined && (extra.trace !== undefined || extra.exporter !== undefined)) tellOfEnd(this, extra);
    if (processors !== undefined) processors.onEnd(this);
  }

  /** Same as {@link end}. */
  finish(time?: TimeInput): void {
    this.end(time);
  }

  /** Ends it as one that never was: for spans that are open when the process goes. @internal */
  abandon(): void {
    this.bits |= SPAN_UNENDED;
    this.end();
  }

  /** Ends it. */
  [Symbol.dispose](): void {
    this.end();
  }

  /** The model called in it; empty where nobody said. A view of the attribute `llm.model` or `gen_ai.request.model`. */
  get modelName(): string {
    return llmText(this, 'model');
  }

  set modelName(name: string) {
    this.setAttribute(this.tracer.provider.llmWords.model, name);
  }

  /** Tokens read by the model; 0 where nobody said. */
  get inputTokens(): number {
    return llmNumber(this, 'inputTokens');
  }

  set inputTokens(tokens: number) {
    this.setAttribute(this.tracer.provider.llmWords.inputTokens, tokens);
  }

  /** Tokens written by the model; 0 where nobody said. */
  get outputTokens(): number {
    return llmNumber(this, 'outputTokens');
  }

  set outputTokens(tokens: number) {
    this.setAttribute(this.tracer.provider.llmWords.outputTokens, tokens);
  }

  /** US dollars; 0 where nobody said. */
  get costUsd(): number {
    return llmNumber(this, 'costUsd');
  }

  set costUsd(dollars: number) {
    this.setAttribute(this.tracer.provider.llmWords.costUsd, dollars);
  }

  /** A snake-case map of exactly twelve keys; nothing in it is shared with the span. */
  toDict(): SpanDict {
    return spanDict(this);
  }

  /** For `JSON.stringify`: camel case, with times, events and links. */
  toJSON(): SpanJson {
    return spanJson(this);
  }
}
