// What the rows of this folder measure: the same span in our library and in OpenTelemetry's, each with all that a service sets up.
import type { Span as PeerSpan, Tracer as PeerTracer } from '@opentelemetry/api';
import type { SpanExporter } from '@opentelemetry/sdk-trace-base';
import { MetricsRegistry, OpsServer, type Tracer, TracerProvider, type TracerProviderOptions } from 'kymo';
import { exposedSum } from '../runner/exposed.js';
import { loadOpenTelemetryApi, loadOpenTelemetryContexts, loadOpenTelemetryTraces } from '../runner/peers.js';

/** A tracer of ours. */
export function ourTracer(options: TracerProviderOptions = {}): Tracer {
  return new TracerProvider({ serviceName: 'bench', ...options }).getTracer('bench');
}

/** A tracer of OpenTelemetry JS with a batch processor, its context manager, and an exporter that only counts. */
export function peerTracer(): { readonly tracer: PeerTracer; exported(): Promise<number> } {
  const { BasicTracerProvider, BatchSpanProcessor } = loadOpenTelemetryTraces();
  const { AsyncLocalStorageContextManager } = loadOpenTelemetryContexts();
  loadOpenTelemetryApi().context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  let spans = 0;
  const exporter: SpanExporter = {
    export(batch, done) {
      spans += batch.length;
      done({ code: 0 });
    },
    shutdown: async () => undefined,
    forceFlush: async () => undefined,
  };
  const provider = new BasicTracerProvider({ spanProcessors: [new BatchSpanProcessor(exporter)] });
  return {
    tracer: provider.getTracer('bench'),
    async exported() {
      await provider.forceFlush();
      return spans;
    },
  };
}

/** Spans of ours that native code has taken or counted as lost, in this process so far. */
export async function spansAccounted(): Promise<number> {
  const server = new OpsServer({ registries: [new MetricsRegistry()] });
  await server.start();
  try {
    // The ring is drained every few ms.
    await new Promise((resolve) => setTimeout(resolve, 100));
    const port = (server.address as { readonly port: number }).port;
    const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
    const lost = text
      .split('\n')
      .filter((line) => line.startsWith('kymo_ring_dropped_total{') && line.includes('signal="traces"'))
      .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
    return exposedSum(text, 'kymo_spans_total') + lost;
  } finally {
    await server.stop();
  }
}

/** What both APIs' spans have: enough for a bench. */
export interface AnySpan {
  setAttribute(key: string, value: string | number | boolean): unknown;
  end(): void;
}

/** A request as servers describe it: four attributes of ten. */
export function setFour(span: AnySpan | PeerSpan): void {
  span.setAttribute('http.request.method', 'GET');
  span.setAttribute('http.route', '/users/:id');
  span.setAttribute('http.response.status_code', 200);
  span.setAttribute('app.cost', 1.5);
}

/** The other six. */
export function setSixMore(span: AnySpan | PeerSpan): void {
  span.setAttribute('url.path', '/users/4711');
  span.setAttribute('url.scheme', 'https');
  span.setAttribute('server.address', 'api.example.com');
  span.setAttribute('server.port', 443);
  span.setAttribute('user_agent.original', 'bench/1.0');
  span.setAttribute('network.protocol.version', '1.1');
}
