// Spans as native memory has them: what came out of a record, in the JSON of retained traces.
import { native } from '../../src/binding/load.js';
import type { TracerProvider } from '../../src/traces/provider.js';

/** A span of a retained trace. */
export interface RecordedSpan {
  readonly spanId: string;
  readonly parentSpanId: string | null;
  readonly name: string;
  readonly kind: string;
  readonly agentKind?: string;
  readonly status: string;
  readonly statusMessage?: string;
  readonly startTime: number;
  readonly endTime: number;
  readonly durationMs: number;
  readonly attributes: Record<string, unknown>;
  readonly events: readonly { readonly name: string; readonly time: number; readonly attributes: Record<string, unknown> }[];
  readonly links?: readonly { readonly traceId: string; readonly spanId: string; readonly attributes: Record<string, unknown> }[];
  readonly recordOnly?: boolean;
  readonly unended?: boolean;
}

/** Every span of the completed traces of a provider. */
export function recordedSpans(provider: TracerProvider): RecordedSpan[] {
  const traces = JSON.parse(native.tracesRecent(provider.host, 10_000)) as
    | { traces?: { spans: RecordedSpan[] }[] }
    | { spans: RecordedSpan[] }[];
  return (Array.isArray(traces) ? traces : (traces.traces ?? [])).flatMap(({ spans }) => spans);
}
