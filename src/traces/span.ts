// A span: what is recorded of one unit of work while it goes on. App thread; written once, when it ends, into the thread's ring.
import { performance } from 'node:perf_hooks';
import { SPAN_RECORD_ONLY, SPAN_UNENDED } from '../binding/generated/layout.js';
import { ORIGIN_MS } from '../binding/span-clock.js';
import type { FlatAttributes, SpanTime, WallTime, WritableSpan } from '../binding/writable-span.js';
import { attachContext } from '../context/attach.js';
import { type Context, contextOfSpan, copyOf, type Extra, endedState, FLAGS_KNOWN, type LiveSpan } from '../context/context.js';
import { spanHigh, spanLow } from '../context/ids.js';
import { SpanContext } from '../context/span-context.js';
import { type Attributes, DROPPED, gather, giveEach, INDEXED_FROM, isKey, LONGEST_KEY, plainValue, setPair, textOf } from './attributes.js';
import { SpanEvent } from './events.js';
import { type DescribedException, describeException } from './exceptions.js';
import { DEFAULT_LIMITS } from './limits.js';
import { type LinkInput, makeLink } from './links.js';
import { ReadableSpan } from './readable-span.js';
import { tellOfEnd } from './span-listeners.js';
import { carriesMore } from './span-options.js';
import { SpanRest } from './span-rest.js';
import { elapsedMs, epochMsOf, now } from './span-time.js';
import { mayReplace, type SpanStatus, STATUS_MASK, type StatusObject, statusBits, statusOf } from './status.js';
import { threadRing } from './thread-ring.js';
import { isTimeInput, type TimeInput, wallTime } from './time-input.js';
import type { Tracer } from './tracer.js';

/** In {@link Span.bits}, of no record: the parent's id is that in {@link Span.extra}. */
export const PARENT_IN_EXTRA = 1 << 25;
/** In {@link Span.bits}, of no record: the parent's id is that in {@link Span.rest}. */
export const PARENT_IN_REST = 1 << 26;
/** In {@link Span.bits}, of no record: two bits with the number of the wall-clock anchor; all set: it is in {@link Span.rest}. */
export const CLOCK_SHIFT = 27;
export const CLOCK_IN_REST = 3;
/** In {@link Span.bits}, of no record: the end time is taken and processors have the last word. */
const ENDING = 1 << 29;
/** In {@link Span.bits}, of no record: it keeps nothing, because it is over or was never to be recorded. */
export const ENDED = 1 << 30;

const NO_PARENT = { s0: 0, s1: 0 };

/** Longest time from start to end, in ns, that is kept as a small integer: 2.1 s. */
const SMALL_NS = 0x7fff_ffff;

/**
 * One unit of work. One that the sampler did not choose is a span as well: it has ids, so that the decision travels on, keeps nothing
 * and is never written; {@link isRecording} tells. Made by a {@link Tracer}; recorded when it ends, not before. After its end every call
 * does nothing, and it can still be a parent. No method throws, whatever it is given; what cannot be kept is counted in the dropped counts.
 *
 * Cost: starting, four attributes and ending take about 0.25 us, half of it two readings of the clock, and 300 bytes
 * (`npm run bench -- --only 'span, start'`). Each field is 8 of them, so there are no more than records and contexts need.
 */
export class Span extends ReadableSpan implements LiveSpan, WritableSpan, Disposable {
  declare readonly live: true;
  /** Words of the trace id. */
  readonly t0: number;
  readonly t1: number;
  readonly t2: number;
  readonly t3: number;
  /** In [1, 2^30), from which the span id is derived; 0 for a span that was given its id. */
  readonly number: number;
  /** Number of the parent, where that is a span of this thread; else 0. */
  readonly #parent: number;
  /** Flags, kinds, status and state: `SPAN_*` of the layout, and those above. */
  bits: number;
  readonly tracer: Tracer;
  /** Change it by {@link updateName}. */
  name: string;
  /** `performance.now()`, or the wall time that was given. */
  readonly #started: SpanTime;
  /** Nanoseconds since the start, or the wall time of the end; undefined while it is open. Never a double at first, or V8 would box it. */
  #elapsed: SpanTime | undefined = undefined;
  /** Attributes in the order in which they were first set: key, value, key, value; what is behind {@link used} is room for more. */
  slots: FlatAttributes | undefined = undefined;
  used = 0;
  /** A bit for each key in {@link slots}, so that a new key is mostly known to be one without looking through them. */
  #keys = 0;
  /** {@link rest}, or {@link extra} alone. */
  #more: SpanRest | Extra | undefined;
  #own: Context | undefined = undefined;

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
    parent: number,
    bits: number,
    started: SpanTime,
    extra: Extra | undefined,
  ) {
    super();
    this.t0 = t0;
    this.t1 = t1;
    this.t2 = t2;
    this.t3 = t3;
    this.number = number;
    this.#parent = parent;
    this.bits = bits;
    this.tracer = tracer;
    this.name = name;
    this.#started = started;
    this.#more = extra;
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

  /** High word of the parent's id; 0 with a low word of 0: no parent. */
  get p0(): number {
    if (this.#parent !== 0) return spanHigh(this.#parent);
    return (this.bits & (PARENT_IN_EXTRA | PARENT_IN_REST)) === 0 ? 0 : foreignParent(this).s0;
  }

  /** Low word of the parent's id. */
  get p1(): number {
    if (this.#parent !== 0) return spanLow(this.#parent);
    return (this.bits & (PARENT_IN_EXTRA | PARENT_IN_REST)) === 0 ? 0 : foreignParent(this).s1;
  }

  /** Number of the wall-clock anchor of the local trace. */
  get clock(): number {
    const clock = (this.bits >>> CLOCK_SHIFT) & CLOCK_IN_REST;
    return clock !== CLOCK_IN_REST ? clock : (this.rest?.clock ?? 0);
  }

  /** For the writer. @internal */
  get started(): SpanTime {
    return this.#started;
  }

  /** For the writer. @internal */
  get elapsed(): SpanTime | undefined {
    return this.#elapsed;
  }

  /** When it began: ms of the monotonic clock, or the wall time that was given. 0 for a span that is not recorded. */
  get startedAt(): SpanTime {
    const started = this.#started;
    return typeof started === 'number' && started !== 0 ? started + ORIGIN_MS : started;
  }

  /** When it ended, as {@link startedAt}; 0 while it is open. */
  get endedAt(): SpanTime {
    const elapsed = this.#elapsed;
    if (elapsed === undefined) return 0;
    return typeof elapsed === 'number' && typeof this.#started === 'number' ? this.#started + ORIGIN_MS + elapsed / 1e6 : elapsed;
  }

  /** Attributes as records have them: key, value, key, value. */
  get pairs(): FlatAttributes | undefined {
    const { slots, used } = this;
    if (slots !== undefined && slots.length > used) slots.length = used;
    return slots;
  }

  /** What its contexts carry besides. */
  get extra(): Extra | undefined {
    const more = this.#more;
    return more === undefined ? undefined : more instanceof SpanRest ? more.extra : more;
  }

  /** Events, links and whatever else most spans have none of. */
  get rest(): SpanRest | undefined {
    const more = this.#more;
    return more !== undefined && more instanceof SpanRest ? more : undefined;
  }

  /** {@link rest}, made if need be. @internal */
  takeRest(): SpanRest {
    const more = this.#more;
    if (more !== undefined && more instanceof SpanRest) return more;
    const rest = new SpanRest(more);
    this.#more = rest;
    return rest;
  }

  /** The context in which it is the current span: run code in it by `runInContext`. Keeps nothing of the span once that has ended. */
  get context(): Context {
    if (this.#own === undefined) {
      this.#own = contextOfSpan(this);
      if ((this.bits & ENDED) !== 0) this.#own.state = stateAtEnd(this);
    }
    return this.#own;
  }

  /** The ids for propagation, always hexadecimal. */
  spanContext(): SpanContext {
    return SpanContext.of(this.context) as SpanContext;
  }

  /** True from the moment at which its end time was taken; always true of a span that is not recorded. */
  get hasEnded(): boolean {
    return (this.bits & (ENDED | ENDING)) !== 0;
  }

  /** True while what is set is kept. */
  isRecording(): boolean {
    return (this.bits & ENDED) === 0;
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
    if (!isPlain || typeof key !== 'string') return Span.#setOdd(this, key, value) as this;
    const size = key.length;
    if (size === 0 || size > LONGEST_KEY) return Span.#setOdd(this, key, value) as this;
    const bit = 1 << ((size * 7) ^ key.charCodeAt(size - 1));
    const { slots, used } = this;
    if (slots === undefined) {
      if (limits.maxAttributes === 0) return dropAttribute(this) as this;
      // Room for four: a list that grows by itself makes room for 19 texts at the second.
      this.slots = [key, value, undefined, undefined, undefined, undefined, undefined, undefined];
      this.used = 2;
      this.#keys = bit;
      return this;
    }
    if (used >= 2 * INDEXED_FROM) return Span.#setOdd(this, key, value) as this;
    if ((this.#keys & bit) !== 0) {
      for (let index = 0; index < used; index += 2) {
        if (slots[index] === key) {
          slots[index + 1] = value;
          return this;
        }
      }
    }
    if (used >= 2 * limits.maxAttributes) return dropAttribute(this) as this;
    this.#keys |= bit;
    if (used < slots.length) {
      slots[used] = key;
      slots[used + 1] = value;
    } else slots.push(key, value);
    this.used = used + 2;
    return this;
  }

  /** Sets a value that has to be made plain, or a key that may be none. */
  static #setOdd(span: Span, key: unknown, value: unknown): Span {
    if (value === undefined || value === null) return span;
    const plain = plainValue(value, span.tracer.limits);
    if (plain === DROPPED || !isKey(key)) return dropAttribute(span);
    // Reading the value may have run code that ended this span.
    if ((span.bits & ENDED) !== 0) return span;
    span.slots ??= [];
    span.#keys = -1;
    const pairs = span.pairs as FlatAttributes;
    if (!setPair(pairs, key, plain, span.tracer.limits.maxAttributes)) return dropAttribute(span);
    span.used = pairs.length;
    return span;
  }

  /** Takes attributes as they are, where the limits allow: plain, each key once. @internal For new spans. */
  adopt(pairs: FlatAttributes): void {
    const { limits } = this.tracer;
    if (limits.maxAttributes < DEFAULT_LIMITS.maxAttributes || limits.maxAttributeLength !== DEFAULT_LIMITS.maxAttributeLength) {
      for (let index = 0; index < pairs.length; index += 2) this.setAttribute(pairs[index] as string, pairs[index + 1]);
    } else if (pairs.length > 0) {
      this.slots = pairs;
      this.used = pairs.length;
      this.#keys = -1;
    }
  }

  /** Sets each attribute of an object. */
  setAttributes(attributes: Attributes | null | undefined): this {
    if (typeof attributes !== 'object' || attributes === null || (this.bits & ENDED) !== 0) return this;
    const unread = giveEach(attributes, this);
    if (unread > 0) this.takeRest().droppedAttributes += unread;
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
    const rest = this.takeRest();
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
    const rest = this.takeRest();
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
    if (shown !== '' || this.rest !== undefined) this.takeRest().statusText = shown;
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
    const described = addDescribed(this, exception, time);
    const style = this.tracer.provider.errorAttributes;
    this.setAttribute('error.type', described.type);
    if (style === 'text') this.setAttribute('error', described.message);
    else if (style === 'typed') this.setAttribute('error', true).setAttribute('error.message', described.message);
    return this.setStatus(described.timedOut ? 'timeout' : 'error', described.message);
  }

  /** Adds the event of {@link recordException} and leaves the status alone: for what was handled or will be tried again. */
  addException(exception: unknown, time?: TimeInput): this {
    if ((this.bits & ENDED) === 0) addDescribed(this, exception, time);
    return this;
  }

  /**
   * Makes it the current span of the running code until it ends: `using span = tracer.startSpan('work').activate()`. What `attachContext`
   * says of async functions holds here.
   */
  activate(): this {
    if (this.#elapsed !== undefined) return this;
    this.takeRest().attachment ??= attachContext(this.context);
    return this;
  }

  /**
   * Ends it, now or at `time`, and writes it. Ending it again changes nothing. An end before the start counts as the start.
   * Costs about 0.1 us and one reading of the clock; no call into native code.
   */
  end(time?: TimeInput): void {
    if ((this.bits & (ENDED | ENDING)) !== 0) {
      this.rest?.attachment?.detach(); // Of a span that is not recorded.
      return;
    }
    Span.#takeTime(this, time);
    const { processors } = this.tracer.provider;
    if (processors !== undefined) {
      this.bits |= ENDING;
      processors.onEnding(this);
    }
    this.bits |= ENDED;
    if (this.#more !== undefined) beforeWriting(this);
    if (this.#own !== undefined) this.#own.state = stateAtEnd(this);
    threadRing().write(this, this.s0, this.s1);
    if (this.#more !== undefined) afterWriting(this);
    if (processors !== undefined) processors.onEnd(this);
  }

  /** Takes the time of the end; not before the start. Two readings of the monotonic clock, or two times of the wall clock. */
  static #takeTime(span: Span, time: TimeInput | undefined): void {
    const started = span.#started;
    const given = time === undefined ? undefined : wallTime(time);
    if (given === undefined && typeof started === 'number') {
      const ns = (performance.now() - started) * 1e6;
      span.#elapsed = ns < SMALL_NS ? (ns > 0 ? (ns + 0.5) | 0 : 0) : ns;
      return;
    }
    const end = given ?? (wallTime(epochMsOf(now(), span.clock)) as WallTime);
    const ms = elapsedMs(span.startedAt, end, span.clock);
    span.#elapsed = ms > 0 ? end : typeof started === 'number' ? 0 : started;
  }

  /** Ends it without writing it, and tells nobody. False when it had ended. @internal */
  close(time?: TimeInput): boolean {
    if (this.hasEnded) return false;
    Span.#takeTime(this, time);
    this.bits |= ENDED;
    if (this.#own !== undefined) this.#own.state = stateAtEnd(this);
    return true;
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
}

function dropAttribute(span: Span): Span {
  span.takeRest().droppedAttributes++;
  return span;
}

/** Adds the event of an exception. */
function addDescribed(span: Span, exception: unknown, time: TimeInput | undefined): DescribedException {
  const described = describeException(exception);
  const attributes = {
    'exception.type': described.type,
    'exception.message': described.message,
    'exception.stacktrace': described.stack === '' ? undefined : described.stack,
  };
  span.addEvent('exception', attributes, time);
  return described;
}

/** The id of a parent that has no number here. */
function foreignParent(span: Span): { readonly s0: number; readonly s1: number } {
  return ((span.bits & PARENT_IN_EXTRA) !== 0 ? span.extra : span.rest?.parent) ?? NO_PARENT;
}

/** What takes the place of an ended span in its context. */
function stateAtEnd(span: Span): number | Extra {
  const { extra, number } = span;
  if (number !== 0) return extra === undefined || carriesMore(extra) ? endedState(span) : (number << 2) | span.flags;
  const ended = copyOf(extra);
  ended.number = 0;
  ended.s0 = span.s0;
  ended.s1 = span.s1;
  ended.flags = span.flags;
  ended.isRemote = false;
  ended.span = undefined;
  return ended;
}

/** What the record needs to know of a span that is not of the plainest kind. */
function beforeWriting(span: Span): void {
  const { extra, rest } = span;
  if (extra !== undefined) {
    if (extra.traceState !== '') span.takeRest().traceStateText = extra.traceState;
    if (extra.exporter !== undefined) span.bits |= SPAN_RECORD_ONLY;
  }
  if (rest === undefined) return;
  if (rest.openAs !== 0) span.tracer.provider.open?.delete(span);
}

function afterWriting(span: Span): void {
  const { extra, rest } = span;
  rest?.attachment?.detach(); // Now that its context is the small one, what goes on showing it can be a copy.
  if (extra !== undefined && (extra.trace !== undefined || extra.exporter !== undefined)) tellOfEnd(span, extra);
}

// The first span of all starts at a wall time. V8 then keeps starts as they come; had it only seen doubles, it would copy each into a
// box of 16 bytes that belongs to the span.
new Span(undefined as never, '', 0, 0, 0, 0, 0, 0, ENDED, [0, 0], undefined);
