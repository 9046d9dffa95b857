// Program: a service that ends spans at a steady rate and exports them, or not. Tells what that costs its main thread, and how late its
// loop runs meanwhile.
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { mainThreadNs } from '../runner/cpu-time.js';
import { loadOpenTelemetryApi, loadOpenTelemetryContexts, loadOpenTelemetryOtlp, loadOpenTelemetryTraces } from '../runner/peers.js';
import { answer } from '../runner/program.js';
import { type AnySpan, setFour } from './subjects.js';

/** What exports. `nothing` makes no spans, `Kymo, not exported` keeps them in its ring. */
export type Exporting = 'nothing' | 'Kymo' | 'Kymo, not exported' | 'OpenTelemetry JS';

/** What to produce. */
export interface Production {
  readonly seconds: number;
  readonly perSecond: number;
}

/** What that cost. */
export interface Produced {
  readonly spans: number;
  /** Time of the main thread on a core, in ns. */
  readonly mainThreadNs: number;
  /** 99.9th percentile of the loop's delay beyond the 1 ms timer that probes it, in us. */
  readonly delayP999: number;
}

interface Service {
  start(name: string): AnySpan;
  /** Spans that the other side took, once all are out. */
  exported(): Promise<number>;
}

const TICK_MS = 10;
const NAME = 'GET /users/:id';

async function byKymo(endpoint: string | undefined): Promise<Service> {
  const { configureTracing } = await import('kymo');
  const stack = await configureTracing({
    serviceName: 'bench',
    exporters: [],
    ...(endpoint === undefined ? {} : { otlpEndpoint: endpoint }),
  });
  const { tracer } = stack.tracing;
  return {
    start: (name) => tracer.startSpan(name),
    async exported() {
      await stack.flush(60_000);
      return stack.pipelines[0]?.state.exported ?? 0;
    },
  };
}

async function byPeer(endpoint: string): Promise<Service> {
  const { BasicTracerProvider, BatchSpanProcessor } = loadOpenTelemetryTraces();
  const { OTLPTraceExporter } = loadOpenTelemetryOtlp();
  const { AsyncLocalStorageContextManager } = loadOpenTelemetryContexts();
  loadOpenTelemetryApi().context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  let taken = 0;
  const exporter = new OTLPTraceExporter({ url: `${endpoint}/v1/traces` });
  const counting: ConstructorParameters<typeof BatchSpanProcessor>[0] = {
    export(batch, done) {
      exporter.export(batch, (result) => {
        if (result.code === 0) taken += batch.length;
        done(result);
      });
    },
    shutdown: () => exporter.shutdown(),
    forceFlush: () => exporter.forceFlush(),
  };
  // Room for what ends while a batch is on its way: the default, 2,048 spans, loses some at this rate.
  const provider = new BasicTracerProvider({ spanProcessors: [new BatchSpanProcessor(counting, { maxQueueSize: 65_536 })] });
  const tracer = provider.getTracer('bench');
  return {
    start: (name) => tracer.startSpan(name),
    async exported() {
      await provider.forceFlush();
      return taken;
    },
  };
}

let service: Service | undefined;

answer({
  async start({ exporting, endpoint }: { exporting: Exporting; endpoint: string }): Promise<void> {
    if (exporting === 'Kymo') service = await byKymo(endpoint);
    else if (exporting === 'Kymo, not exported') service = await byKymo(undefined);
    else if (exporting === 'OpenTelemetry JS') service = await byPeer(endpoint);
  },

  async produce({ seconds, perSecond }: Production): Promise<Produced> {
    const probe = monitorEventLoopDelay({ resolution: 1 });
    const perTick = (perSecond * TICK_MS) / 1_000;
    const ticks = Math.round((seconds * 1_000) / TICK_MS);
    let spans = 0;
    probe.enable();
    const from = mainThreadNs();
    const start = performance.now();
    await new Promise<void>((done) => {
      let tick = 0;
      const next = (): void => {
        for (let n = 0; service !== undefined && n < perTick; n++) {
          const span = service.start(NAME);
          setFour(span);
          span.end();
          spans += 1;
        }
        tick += 1;
        if (tick === ticks) return done();
        // By the clock, so that a late tick is followed by an early one.
        setTimeout(next, Math.max(0, start + tick * TICK_MS - performance.now()));
      };
      next();
    });
    const mainThread = mainThreadNs() - from;
    probe.disable();
    return { spans, mainThreadNs: mainThread, delayP999: Math.max(0, probe.percentile(99.9) / 1e3 - 1_000) };
  },

  exported: (): Promise<number> => service?.exported() ?? Promise.resolve(0),
});
