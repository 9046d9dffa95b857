// Reads what only JavaScript can tell about its runtime into gauges, on a timer. Runs on the app thread it samples.
import { getHeapSpaceStatistics, getHeapStatistics } from 'node:v8';
import type { BoundGauge, Gauge } from './gauge.js';
import type { MetricsRegistry } from './registry.js';

/** The sampler of each registry that has one, in this thread. */
const samplers = new WeakMap<MetricsRegistry, RuntimeSampler>();

/** Samples one thread's runtime into one registry while at least one user holds it. */
export class RuntimeSampler {
  readonly #registry: MetricsRegistry;
  readonly #timer: NodeJS.Timeout;
  #users = 1;
  #gauges: RuntimeGauges;

  /** The registry's sampler, one user more; made with a first sample when there is none. The first user's interval holds. */
  static of(registry: MetricsRegistry, intervalMs: number): RuntimeSampler {
    const running = samplers.get(registry);
    if (!running) {
      const sampler = new RuntimeSampler(registry, intervalMs);
      samplers.set(registry, sampler);
      return sampler;
    }
    // The registry may have been cleared since.
    if (!running.#gauges.areIn(registry)) running.#gauges = new RuntimeGauges(registry);
    running.#users++;
    return running;
  }

  private constructor(registry: MetricsRegistry, intervalMs: number) {
    this.#registry = registry;
    this.#gauges = new RuntimeGauges(registry);
    this.#timer = setInterval(() => this.#gauges.sample(), intervalMs).unref();
  }

  /** One user less; the last one ends the sampling and takes the gauges out of the registry. */
  release(): void {
    if (--this.#users > 0) return;
    clearInterval(this.#timer);
    samplers.delete(this.#registry);
    this.#gauges.withdraw(this.#registry);
  }
}

/** The gauges in one registry; made with a first sample in them. */
class RuntimeGauges {
  readonly #all: Gauge[] = [];
  readonly #heapTotal: Gauge;
  readonly #heapUsed: Gauge;
  readonly #external: Gauge;
  readonly #spaceTotal: Gauge;
  readonly #spaceUsed: Gauge;
  readonly #spaceAvailable: Gauge;
  readonly #resources: Gauge;
  readonly #sampledAt: Gauge;
  /** Series by type of resource: one that is gone must fall to 0, not stay. */
  readonly #byType = new Map<string, { readonly series: BoundGauge; count: number }>();

  constructor(registry: MetricsRegistry) {
    const gauge = (name: string, help: string, labelNames: readonly string[] = []): Gauge => {
      const made = registry.gauge({ name, help, labelNames });
      this.#all.push(made);
      return made;
    };
    try {
      this.#heapTotal = gauge('nodejs_heap_size_total_bytes', 'Process heap size from Node.js in bytes.');
      this.#heapUsed = gauge('nodejs_heap_size_used_bytes', 'Process heap size used from Node.js in bytes.');
      this.#external = gauge('nodejs_external_memory_bytes', 'Node.js external memory size in bytes.');
      this.#spaceTotal = gauge('nodejs_heap_space_size_total_bytes', 'Process heap space size total from Node.js in bytes.', ['space']);
      this.#spaceUsed = gauge('nodejs_heap_space_size_used_bytes', 'Process heap space size used from Node.js in bytes.', ['space']);
      this.#spaceAvailable = gauge('nodejs_heap_space_size_available_bytes', 'Process heap space size available from Node.js in bytes.', [
        'space',
      ]);
      this.#resources = gauge('nodejs_active_resources', 'Number of resources that keep the event loop alive, by type.', ['type']);
      this.#sampledAt = gauge(
        'kymo_runtime_sample_timestamp_seconds',
        'When the event loop last sampled the JavaScript runtime, in seconds since unix epoch.',
      );
      const [major, minor, patch] = process.versions.node.split('.', 3) as [string, string, string];
      gauge('nodejs_version_info', 'Node.js version info.', ['version', 'major', 'minor', 'patch'])
        .labels(process.version, major, minor, Number.parseInt(patch, 10).toString())
        .set(1);
    } catch (error) {
      // A name is in use for something else: nothing half-made stays behind.
      this.withdraw(registry);
      throw error;
    }
    this.sample();
  }

  areIn(registry: MetricsRegistry): boolean {
    return registry.get('kymo_runtime_sample_timestamp_seconds') === this.#sampledAt;
  }

  withdraw(registry: MetricsRegistry): void {
    // What the registry has under that name now may be someone else's.
    for (const { name } of this.#all.filter((gauge) => registry.get(gauge.name) === gauge)) registry.unregister(name);
  }

  sample(): void {
    const heap = getHeapStatistics();
    this.#heapTotal.set(heap.total_heap_size);
    this.#heapUsed.set(heap.used_heap_size);
    this.#external.set(heap.external_memory);
    for (const space of getHeapSpaceStatistics()) {
      const label = space.space_name.replace(/_space$/, '');
      this.#spaceTotal.labels(label).set(space.space_size);
      this.#spaceUsed.labels(label).set(space.space_used_size);
      this.#spaceAvailable.labels(label).set(space.space_available_size);
    }
    for (const entry of this.#byType.values()) entry.count = 0;
    for (const type of process.getActiveResourcesInfo()) {
      const entry = this.#byType.get(type);
      if (entry) entry.count++;
      else this.#byType.set(type, { series: this.#resources.labels(type), count: 1 });
    }
    for (const { series, count } of this.#byType.values()) series.set(count);
    this.#sampledAt.set(Date.now() / 1e3);
  }
}
