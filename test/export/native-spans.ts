// Spans straight into the ring of the thread, for tests of what comes behind it.
import { native } from '../../src/binding/load.js';
import { now } from '../../src/binding/span-clock.js';
import { spanRing } from '../../src/binding/span-ring.js';
import { type ExportPipeline, exportSpans } from '../../src/export/pipeline.js';
import { type ExporterChoice, type PlanContext, planExporter } from '../../src/export/plan.js';

/** A provider in native without one in JavaScript. */
export class NativeSpans {
  readonly host: number;
  readonly #scope: number;
  #written = 0;

  constructor(service = 'shop') {
    this.host = native.tracesHost({
      resource: ['service.name', service],
      schemaUrl: '',
      retainedTraces: 100,
      retainedBytes: 1 << 20,
    });
    this.#scope = native.tracesScope(this.host, 'tests', '1.0', '', []);
  }

  /** Ends `count` spans, each a trace of its own, with names that count up. */
  write(count: number, pairs: unknown[] = ['k', 'v']): void {
    const ring = spanRing();
    for (let n = 0; n < count; n++) {
      this.#written += 1;
      const at = now();
      const ids = { t0: 0, t1: 0, t2: 1, t3: this.#written, p0: 0, p1: 0 };
      const name = `span ${this.#written}`;
      const rest = { bits: 1, scope: this.#scope, clock: ring.clock, name, startedAt: at, endedAt: at + 1, pairs, rest: undefined };
      ring.write({ ...ids, ...rest }, 0, this.#written);
    }
  }

  pipeline(choice: ExporterChoice, context: Partial<PlanContext> = {}): ExportPipeline {
    const planned = planExporter(choice, { ids: { trace: 'hex', span: 'hex' }, batch: undefined, logger: undefined, ...context });
    if (!('pipeline' in planned)) throw new Error('no pipeline');
    return exportSpans(this.host, planned.pipeline);
  }
}

/** Waits until `done` gives true. @throws after `ms` */
export async function until(done: () => boolean, what: string, ms = 20_000): Promise<void> {
  const end = performance.now() + ms;
  while (!done()) {
    if (performance.now() > end) throw new Error(`timed out: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
