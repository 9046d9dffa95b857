// A completed span as exporters get it: its data, and everything else that OTLP would say of it. Types only; any thread.
import type { SpanData } from '../traces/span-data.js';
import type { AgentSpanKind, SpanKind } from '../traces/span-kind.js';

type Attributes = Readonly<Record<string, unknown>>;

/** Something that happened within a span. */
export interface ExportedEvent {
  readonly name: string;
  /** Seconds since 1970. */
  readonly time: number;
  /** The same, exact, in decimal digits. */
  readonly timeUnixNano: string;
  readonly attributes: Attributes;
  readonly droppedAttributesCount: number;
}

/** Another span that a span has to do with. */
export interface ExportedLink {
  readonly traceId: string;
  readonly spanId: string;
  readonly flags: number;
  readonly isRemote: boolean;
  readonly traceState: string;
  readonly attributes: Attributes;
  readonly droppedAttributesCount: number;
}

/** A span with all its details. What is not there has no key. */
export interface ExportedSpan extends SpanData {
  /** True when the parent is in another process. */
  readonly parentIsRemote: boolean;
  readonly statusCode: 'unset' | 'ok' | 'error';
  /** The times in nanoseconds since 1970, exact, in decimal digits. */
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly kind: SpanKind;
  readonly agentKind?: AgentSpanKind;
  /** Flags of W3C Trace Context. */
  readonly flags: number;
  readonly traceState: string;
  /** True when the process ended before the span did. */
  readonly unended: boolean;
  readonly droppedAttributesCount: number;
  readonly droppedEventsCount: number;
  readonly droppedLinksCount: number;
  readonly events: readonly ExportedEvent[];
  readonly links: readonly ExportedLink[];
  readonly resource: { readonly attributes: Attributes; readonly schemaUrl: string };
  readonly scope: { readonly name: string; readonly version: string; readonly schemaUrl: string; readonly attributes: Attributes };
}
