// What can be read of a span, made from what it keeps: ids as text, kinds, status, times, maps. App threads; cold, each reading makes its
// answer anew.
import { SPAN_RECORD_ONLY } from '../binding/generated/layout.js';
import type { FlatAttributes, SpanTime } from '../binding/writable-span.js';
import { spanIdText, traceIdText } from '../context/id-text.js';
import { asObject, findPair } from './attributes.js';
import type { SpanEvent } from './events.js';
import type { SpanLink } from './links.js';
import type { Span } from './span.js';
import { type AgentSpanKind, agentKindOf, kindOf, type SpanKind } from './span-kind.js';
import { llmNumber, llmText, type SpanDict, type SpanJson, spanDict, spanJson } from './span-reading.js';
import type { SpanRest } from './span-rest.js';
import { elapsedMs, epochMsOf, now } from './span-time.js';
import { type SpanStatus, statusOf } from './status.js';
import type { Tracer } from './tracer.js';

/** The readings of a {@link Span}. A class of its own for its length alone: it has no fields. */
export abstract class ReadableSpan {
  abstract readonly t0: number;
  abstract readonly t1: number;
  abstract readonly t2: number;
  abstract readonly t3: number;
  abstract readonly bits: number;
  abstract readonly tracer: Tracer;
  abstract readonly name: string;
  abstract get s0(): number;
  abstract get s1(): number;
  abstract get p0(): number;
  abstract get p1(): number;
  abstract get clock(): number;
  abstract get startedAt(): SpanTime;
  abstract get endedAt(): SpanTime;
  abstract get pairs(): FlatAttributes | undefined;
  abstract get rest(): SpanRest | undefined;
  abstract get hasEnded(): boolean;
  abstract setAttribute(key: string, value: unknown): this;

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

  /** False for a span that is recorded for this process only. */
  get isExported(): boolean {
    return (this.bits & SPAN_RECORD_ONLY) === 0;
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
