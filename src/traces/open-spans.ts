// Which spans are open and where they were started: to find those that nobody ends. Off unless asked for; app threads.
import { native } from '../binding/load.js';
import { KymoError } from '../core/errors.js';
import type { Span } from './span.js';
import { epochMsOf, now } from './span-time.js';

/** Options of the report of open spans. */
export interface OpenSpanOptions {
  /** Spans that are remembered, in [1, 1,000,000]; default 10,000. The oldest are forgotten, and counted. */
  readonly maxSpans?: number;
  /** Whether to remember where each was started, at some 5 us per span; default true. */
  readonly sites?: boolean;
}

/** A span that has not ended. */
export interface OpenSpan {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  /** Seconds since 1970. */
  readonly startTime: number;
  /** Milliseconds since it was started. */
  readonly ageMs: number;
  /** The line that started it, as stacks write it; undefined when sites are not remembered. */
  readonly site: string | undefined;
  /** True when the program has lost it: it was collected and can never end. */
  readonly lost: boolean;
}

/** Spans remembered unless told otherwise. */
export const MOST_OPEN_SPANS = 10_000;

interface Entry {
  readonly span: WeakRef<Span>;
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly startedMs: number;
  readonly startTime: number;
  readonly site: Error | undefined;
  lost: boolean;
}

/** Where the code of this folder lies, as stacks write it. */
const HERE = /((?:file:\/\/)?[^\s()]*[\\/])[^\\/]*$/.exec((new Error().stack ?? '').split('\n')[1]?.replace(/:\d+:\d+\)?$/, '') ?? '')?.[1];
/** Frames of ours above the caller's. */
const OWN_FRAMES = 8;

function captureSite(): Error {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = OWN_FRAMES + 1;
  const site = new Error('started here');
  Error.stackTraceLimit = stackTraceLimit;
  return site;
}

/** The first frame outside this folder. */
function shownSite(site: Error): string | undefined {
  const frames = (site.stack ?? '').split('\n').slice(1);
  const caller = frames.find((frame) => HERE === undefined || !frame.includes(HERE));
  return (caller ?? frames.at(-1))?.trim().replace(/^at /, '');
}

/** The open spans of one provider. */
export class OpenSpans {
  readonly #most: number;
  readonly #sites: boolean;
  readonly #entries = new Map<number, Entry>();
  readonly #collected = new FinalizationRegistry<number>((key) => this.#lose(key));
  #next = 1;
  #forgotten = 0;

  /** @throws KymoError `KYMO_CONFIG_VALUE` for a number of spans out of range. */
  constructor({ maxSpans = MOST_OPEN_SPANS, sites = true }: OpenSpanOptions) {
    if (!Number.isInteger(maxSpans) || maxSpans < 1 || maxSpans > 1_000_000) {
      const expected = 'a whole number in [1, 1000000]';
      throw new KymoError('KYMO_CONFIG_VALUE', { source: 'openSpans.maxSpans', value: maxSpans, expected });
    }
    this.#most = maxSpans;
    this.#sites = sites;
  }

  /** Spans that were forgotten because too many were open. */
  get forgotten(): number {
    return this.#forgotten;
  }

  add(span: Span): void {
    if (this.#entries.size >= this.#most) this.#forgetOldest();
    const key = this.#next++;
    this.#entries.set(key, {
      span: new WeakRef(span),
      name: span.name,
      traceId: span.traceId,
      spanId: span.spanId,
      startedMs: now(),
      startTime: epochMsOf(span.startedAt, span.clock) / 1_000,
      site: this.#sites ? captureSite() : undefined,
      lost: false,
    });
    span.takeRest().openAs = key;
    this.#collected.register(span, key, span);
  }

  delete(span: Span): void {
    const key = span.rest?.openAs ?? 0;
    if (this.#entries.delete(key)) this.#collected.unregister(span);
  }

  /** Oldest first. */
  list(): OpenSpan[] {
    const at = now();
    return [...this.#entries.values()].map(({ name, traceId, spanId, startTime, startedMs, site, lost }) => ({
      name,
      traceId,
      spanId,
      startTime,
      ageMs: Math.max(0, at - startedMs),
      site: site === undefined ? undefined : shownSite(site),
      lost,
    }));
  }

  /** Ends all, and has their records say that nobody did. */
  abandon(): void {
    for (const { span } of [...this.#entries.values()]) span.deref()?.abandon();
    this.#entries.clear();
  }

  #forgetOldest(): void {
    const [key] = this.#entries.keys();
    if (key !== undefined && this.#entries.delete(key)) this.#forgotten++;
  }

  #lose(key: number): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    entry.lost = true;
    native.tracesDropped('never_ended', 1);
  }
}
