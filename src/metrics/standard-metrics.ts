// The thirteen metrics of a node that serves capabilities to others. App threads; declared once, cold.
import type { Counter } from './counter.js';
import type { Gauge } from './gauge.js';
import type { Histogram } from './histogram.js';
import { type MetricsRegistry, metrics } from './registry.js';

/** Options of {@link createStandardMetrics}. */
export interface StandardMetricsOptions {
  /** In front of each name; default `hearthnet_`. */
  readonly prefix?: string;
  /** States of `emergency_mode`, the first of which holds until another one is set; default `normal` and `emergency`. */
  readonly emergencyStates?: readonly string[];
}

/** What {@link createStandardMetrics} gives; the names are those of the default prefix. */
export interface StandardMetrics {
  /** `hearthnet_requests_total{capability,result}` */
  readonly requests: Counter<'capability' | 'result'>;
  /** `hearthnet_request_duration_ms{capability}`, in milliseconds. */
  readonly requestDuration: Histogram<'capability'>;
  /** `hearthnet_active_streams{capability}` */
  readonly activeStreams: Gauge<'capability'>;
  /** `hearthnet_nodes_online{community}` */
  readonly nodesOnline: Gauge<'community'>;
  /** `hearthnet_event_log_size{community}` */
  readonly eventLogSize: Gauge<'community'>;
  /** `hearthnet_event_log_lamport_head{community}` */
  readonly eventLogLamportHead: Gauge<'community'>;
  /** `hearthnet_emergency_mode{state}` */
  readonly emergencyMode: StateGauge;
  /** `hearthnet_blob_storage_bytes` */
  readonly blobStorageBytes: Gauge<never>;
  /** `hearthnet_llm_tokens_generated_total{model,backend}` */
  readonly llmTokensGenerated: Counter<'model' | 'backend'>;
  /** `hearthnet_llm_concurrent{model}` */
  readonly llmConcurrent: Gauge<'model'>;
  /** `hearthnet_capability_health_success_rate{capability,node}`, in [0, 1]. */
  readonly capabilityHealthSuccessRate: Gauge<'capability' | 'node'>;
  /** `hearthnet_rate_limited_total{capability,reason}` */
  readonly rateLimited: Counter<'capability' | 'reason'>;
  /** `hearthnet_signature_failures_total{reason}` */
  readonly signatureFailures: Counter<'reason'>;
}

/**
 * A gauge with a label `state` of which exactly one is 1 and all others are 0. The state that begins is written before the one
 * that ends, so a scrape between the two stores sees both rather than none.
 */
export class StateGauge {
  /** The metric below; its series are written by {@link set} only. */
  readonly gauge: Gauge<'state'>;
  readonly #states = new Set<string>();

  /** `states` are shown from the beginning; the first one holds. */
  constructor(gauge: Gauge<'state'>, states: readonly string[]) {
    this.gauge = gauge;
    for (const state of states) this.#states.add(state);
    const [first] = states;
    if (first !== undefined) this.set(first);
  }

  /** Makes `state` the one that holds; one that was not known before is added. */
  set(state: string): void {
    this.#states.add(state);
    this.gauge.set({ state }, 1);
    for (const other of this.#states) if (other !== state) this.gauge.set({ state: other }, 0);
  }
}

/**
 * Declares the thirteen metrics, or gives those that the registry has. They are in a scrape before any traffic.
 * @throws InvalidMetricError `KYMO_METRICS_CONFLICT` when the registry uses one of the names for something else.
 */
export function createStandardMetrics(registry: MetricsRegistry, options: StandardMetricsOptions = {}): StandardMetrics {
  const { prefix = 'hearthnet_', emergencyStates = ['normal', 'emergency'] } = options;
  const describe = (name: string, help: string) => ({ name: prefix + name, help });
  // A fact about the whole process is its last value; what threads have each of their own is added up.
  const fact = { aggregate: 'last' } as const;
  return {
    requests: registry.counter({ ...describe('requests_total', 'Requests answered.'), labelNames: ['capability', 'result'] }),
    requestDuration: registry.histogram({
      ...describe('request_duration_ms', 'Time to answer a request, in milliseconds.'),
      labelNames: ['capability'],
      buckets: [1, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000],
    }),
    activeStreams: registry.gauge({ ...describe('active_streams', 'Streams that are open.'), labelNames: ['capability'] }),
    nodesOnline: registry.gauge({ ...describe('nodes_online', 'Nodes that are online.'), labelNames: ['community'], ...fact }),
    eventLogSize: registry.gauge({ ...describe('event_log_size', 'Events in the log.'), labelNames: ['community'], ...fact }),
    eventLogLamportHead: registry.gauge({
      ...describe('event_log_lamport_head', 'Lamport time of the newest event.'),
      labelNames: ['community'],
      ...fact,
    }),
    emergencyMode: new StateGauge(
      registry.gauge({ ...describe('emergency_mode', '1 for the state that holds, 0 for the others.'), labelNames: ['state'], ...fact }),
      emergencyStates,
    ),
    blobStorageBytes: registry.gauge({ ...describe('blob_storage_bytes', 'Bytes of stored blobs.'), ...fact }),
    llmTokensGenerated: registry.counter({
      ...describe('llm_tokens_generated_total', 'Tokens that models generated.'),
      labelNames: ['model', 'backend'],
    }),
    llmConcurrent: registry.gauge({ ...describe('llm_concurrent', 'Calls of a model under way.'), labelNames: ['model'] }),
    capabilityHealthSuccessRate: registry.gauge({
      ...describe('capability_health_success_rate', 'Share of health probes that succeeded, from 0 to 1.'),
      labelNames: ['capability', 'node'],
      ...fact,
    }),
    rateLimited: registry.counter({
      ...describe('rate_limited_total', 'Requests refused by a rate limit.'),
      labelNames: ['capability', 'reason'],
    }),
    signatureFailures: registry.counter({
      ...describe('signature_failures_total', 'Signatures that did not verify.'),
      labelNames: ['reason'],
    }),
  };
}

/** The set of that name in the registry of the process, with the set's prefix. */
export function standardMetrics(preset: 'hearthnet'): StandardMetrics {
  return createStandardMetrics(metrics, { prefix: `${preset}_` });
}
