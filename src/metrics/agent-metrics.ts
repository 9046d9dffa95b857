// The metrics of a program of agents that call models and tools. App threads; each method is one to three stores.
import type { Counter } from './counter.js';
import type { Gauge } from './gauge.js';
import type { Histogram } from './histogram.js';
import type { MetricsRegistry } from './registry.js';
import { secondsSince, timestamp } from './timer.js';

/** Upper bounds in milliseconds that fit agents, model calls and tools. */
export const AGENT_LATENCY_BUCKETS_MS: readonly number[] = Object.freeze([1, 5, 10, 25, 50, 100, 250, 500, 1000, 5000, 10_000]);

/**
 * Six metrics under stable names: `agent_invocations_total`, `agent_latency_ms`, `llm_latency_ms`, `tool_calls_total`,
 * `tool_errors_total`, `active_agents`. All are in the registry from the beginning; two objects on one registry count together.
 */
export class AgentMetrics {
  readonly #invocations: Counter<never>;
  readonly #agentLatency: Histogram<never>;
  readonly #llmLatency: Histogram<never>;
  readonly #toolCalls: Counter<never>;
  readonly #toolErrors: Counter<never>;
  readonly #active: Gauge<never>;

  /** @throws InvalidMetricError `KYMO_METRICS_CONFLICT` when the registry uses one of the names for something else. */
  constructor(registry: MetricsRegistry) {
    const buckets = AGENT_LATENCY_BUCKETS_MS;
    this.#invocations = registry.counter({ name: 'agent_invocations_total', help: 'Total agent invocations' });
    this.#agentLatency = registry.histogram({ name: 'agent_latency_ms', help: 'Agent end-to-end latency', buckets });
    this.#llmLatency = registry.histogram({ name: 'llm_latency_ms', help: 'LLM call latency', buckets });
    this.#toolCalls = registry.counter({ name: 'tool_calls_total', help: 'Total tool calls' });
    this.#toolErrors = registry.counter({ name: 'tool_errors_total', help: 'Total tool errors' });
    this.#active = registry.gauge({ name: 'active_agents', help: 'Currently active agents' });
  }

  /**
   * An agent begins: one invocation, one more active. The function it gives says that the agent ended, observes how long it took,
   * and returns that in milliseconds; a second call does nothing and returns the same.
   */
  agentStarted(): () => number {
    const from = timestamp();
    this.#invocations.inc();
    this.#active.inc();
    let tookMs: number | undefined;
    return () => {
      if (tookMs === undefined) {
        tookMs = secondsSince(from) * 1000;
        this.#active.dec();
        this.#agentLatency.observe(tookMs);
      }
      return tookMs;
    };
  }

  /** A model answered after `latencyMs` milliseconds. */
  llmCalled(latencyMs: number): void {
    this.#llmLatency.observe(latencyMs);
  }

  /** A tool was called; `failed` counts an error as well. */
  toolCalled(failed = false): void {
    this.#toolCalls.inc();
    if (failed) this.#toolErrors.inc();
  }
}
