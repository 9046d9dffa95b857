// A span as OpenTelemetry's SDK shows it to processors and exporters: `Span` of the API and `ReadableSpan` in one. Built only when somebody
// added a processor, and read from Kymo's span when it is asked. App threads.
import type { Attributes, AttributeValue, HrTime, Link, SpanContext, SpanKind, SpanStatus } from '@opentelemetry/api';
import type { FlatAttributes, WritableLink } from '../../binding/writable-span.js';
import type { Context } from '../../context/context.js';
import { spanIdText, traceIdText } from '../../context/id-text.js';
import { asObject } from '../../traces/attributes.js';
import type { SpanEvent } from '../../traces/events.js';
import type { Span } from '../../traces/span.js';
import { ApiSpan } from './api-span.js';
import { durationOf, hrTimeOf } from './hr-time.js';
import { liveAttributes } from './live-attributes.js';
import { hasSpan, spanContextOf } from './span-context.js';
import { TraceStateView } from './trace-state.js';

/** Where a span comes from, as `InstrumentationScope` of the SDK. */
export interface InstrumentationScope {
  readonly name: string;
  readonly version?: string | undefined;
  readonly schemaUrl?: string | undefined;
}

/** What `Resource` of the SDK is to exporters. */
export interface ResourceView {
  readonly attributes: Attributes;
  readonly schemaUrl?: string;
  readonly asyncAttributesPending: false;
  /** Resolves at once: nothing of a resource of ours is found out later. */
  waitForAsyncAttributes(): Promise<void>;
  /** Names and values. */
  getRawAttributes(): [string, AttributeValue | undefined][];
  /** A resource with the attributes of both; those of `other` win. */
  merge(other: { readonly attributes?: Attributes } | null): ResourceView;
}

/** An event of a `ReadableSpan`. */
export interface TimedEvent {
  readonly time: HrTime;
  readonly name: string;
  readonly attributes?: Attributes;
  readonly droppedAttributesCount?: number;
}

/** A resource of these attributes. */
export function resourceView(attributes: Attributes, schemaUrl = ''): ResourceView {
  return {
    attributes,
    ...(schemaUrl === '' ? {} : { schemaUrl }),
    asyncAttributesPending: false,
    waitForAsyncAttributes: async () => undefined,
    getRawAttributes: () => Object.entries(attributes),
    merge: (other) => resourceView({ ...attributes, ...other?.attributes }, schemaUrl),
  };
}

/** Bits of a span: kind in 8 to 10, status in 11 and 12. */
const KIND_SHIFT = 8;
const STATUS_SHIFT = 11;

const UNENDED: HrTime = Object.freeze([0, 0]) as unknown as HrTime;
const UNKNOWN: HrTime = Object.freeze([-1, -1]) as unknown as HrTime;

/**
 * What a processor is given. What processors write to it (`attributes`, `name`, `status`) after the span has ended, later processors see.
 */
export class SpanView extends ApiSpan {
  readonly #parent: Context | undefined;
  readonly #resource: ResourceView;
  readonly #scope: InstrumentationScope;
  #parentSpanContext: SpanContext | undefined;
  #attributes: Attributes | undefined;
  #events: TimedEvent[] | undefined;
  #links: Link[] | undefined;
  #name: string | undefined;
  #status: SpanStatus | undefined;

  /** @param parent the context in which it was started */
  constructor(span: Span, parent: Context, resource: ResourceView, scope: InstrumentationScope) {
    super(span);
    this.#parent = hasSpan(parent) && (span.p0 | span.p1) !== 0 ? parent : undefined;
    this.#resource = resource;
    this.#scope = scope;
  }

  get name(): string {
    return this.#name ?? this.own.name;
  }

  set name(name: string) {
    if (this.ended) this.#name = name;
    else this.updateName(name);
  }

  get kind(): SpanKind {
    return (this.own.bits >> KIND_SHIFT) & 7;
  }

  get parentSpanContext(): SpanContext | undefined {
    if (this.#parent === undefined) return undefined;
    this.#parentSpanContext ??= spanContextOf(this.#parent);
    return this.#parentSpanContext;
  }

  /** The same for exporters of the SDK's first version. */
  get parentSpanId(): string | undefined {
    const { p0, p1 } = this.own;
    return (p0 | p1) === 0 ? undefined : spanIdText(p0, p1);
  }

  get startTime(): HrTime {
    return hrTimeOf(this.own.startedAt, this.own.clock);
  }

  /** `[0, 0]` while the span is open. */
  get endTime(): HrTime {
    return this.ended ? hrTimeOf(this.own.endedAt, this.own.clock) : UNENDED;
  }

  /** `[-1, -1]` while the span is open. */
  get duration(): HrTime {
    const { startedAt, endedAt, clock } = this.own;
    return this.ended ? durationOf(startedAt, endedAt, clock) : UNKNOWN;
  }

  get ended(): boolean {
    return this.own.hasEnded;
  }

  get status(): SpanStatus {
    if (this.#status !== undefined) return this.#status;
    const code = (this.own.bits >> STATUS_SHIFT) & 3;
    const message = this.own.rest?.statusText ?? '';
    return code === 2 && message !== '' ? { code, message } : { code };
  }

  set status(status: SpanStatus) {
    if (this.ended) this.#status = status;
    else this.setStatus(status);
  }

  /** While the span is open its attributes as they are, and writing to them sets them; afterwards one object that processors share. */
  get attributes(): Attributes {
    if (!this.ended) return liveAttributes(this.own);
    this.#attributes ??= attributesOf(this.own.pairs);
    return this.#attributes;
  }

  set attributes(attributes: Attributes) {
    if (this.ended) this.#attributes = attributes;
    else this.setAttributes(attributes);
  }

  get events(): TimedEvent[] {
    if (!this.ended) return eventsOf(this.own);
    this.#events ??= eventsOf(this.own);
    return this.#events;
  }

  get links(): Link[] {
    if (!this.ended) return linksOf(this.own);
    this.#links ??= linksOf(this.own);
    return this.#links;
  }

  get resource(): ResourceView {
    return this.#resource;
  }

  get instrumentationScope(): InstrumentationScope {
    return this.#scope;
  }

  /** The same for exporters of the SDK's first version. */
  get instrumentationLibrary(): InstrumentationScope {
    return this.#scope;
  }

  get droppedAttributesCount(): number {
    return this.own.rest?.droppedAttributes ?? 0;
  }

  get droppedEventsCount(): number {
    return this.own.rest?.droppedEvents ?? 0;
  }

  get droppedLinksCount(): number {
    return this.own.rest?.droppedLinks ?? 0;
  }
}

/** Attributes with values that every exporter takes: a bigint becomes a number where it is one exactly, else text. */
export function attributesOf(pairs: FlatAttributes | undefined): Attributes {
  const attributes = asObject(pairs);
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === 'bigint') attributes[key] = Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  }
  return attributes as Attributes;
}

function eventsOf(span: Span): TimedEvent[] {
  return (span.rest?.eventList ?? []).map((event: SpanEvent) => ({
    name: event.name,
    time: hrTimeOf(event.time, span.clock),
    attributes: attributesOf(event.pairs),
    droppedAttributesCount: event.dropped,
  }));
}

function linksOf(span: Span): Link[] {
  return (span.rest?.linkList ?? []).map((link: WritableLink) => ({
    context: {
      traceId: traceIdText(link),
      spanId: spanIdText(link.s0, link.s1),
      traceFlags: link.flags & 0xff,
      ...((link.flags & 0x200) === 0 ? {} : { isRemote: true }),
      ...(link.traceStateText === '' ? {} : { traceState: new TraceStateView(link.traceStateText) }),
    },
    ...(link.pairs === undefined ? {} : { attributes: attributesOf(link.pairs) }),
    ...(link.dropped === 0 ? {} : { droppedAttributesCount: link.dropped }),
  }));
}
