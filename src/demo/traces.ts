// Traces of the demo: the gateway's thread and the upstream's each have a provider of their own, as two services would, and each has
// its HTTP requests instrumented. Where spans go is Kymo's own affair: into `/trace`, and to a collector if the environment names one.
import { configureTracing, instrument, metrics } from '../index.js';

/** Longest wait for a collector at the end. */
const FLUSH_WITHIN_MS = 2_000;

/** Tracing of a thread that is on. */
export interface Traces {
  /** Ends it; resolves when what is still queued has been sent, at the latest after two seconds. */
  close(): Promise<void>;
}

/** Traces the requests of this thread as those of `serviceName`. */
export async function traceRequests(serviceName: string): Promise<Traces> {
  const tracing = await configureTracing({ serviceName });
  // The demo asks its own ops server now and then; those requests belong to no trace.
  const onlyInTrace = { onlyInTrace: true };
  const instrumentation = instrument({ provider: tracing.provider, registry: metrics, client: onlyInTrace, fetch: onlyInTrace });
  return {
    async close() {
      instrumentation.stop();
      await tracing.shutdown(FLUSH_WITHIN_MS);
    },
  };
}

/** Where the environment has traces sent; undefined: nowhere. */
export function collector(env: Readonly<Record<string, string | undefined>> = process.env): string | undefined {
  return env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT || env.OTEL_EXPORTER_OTLP_ENDPOINT || undefined;
}
