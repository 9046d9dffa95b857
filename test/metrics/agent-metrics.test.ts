// The metrics of agents: stable names, and what feeds them.
import { describe, expect, it } from 'vitest';
import { AGENT_LATENCY_BUCKETS_MS, AgentMetrics, MetricsRegistry } from '../../src/index.js';

describe('the metrics of agents', () => {
  it('[A-090 A-091 A-092 A-093 A-094 A-095] are in the registry from the beginning', () => {
    const registry = new MetricsRegistry();
    new AgentMetrics(registry);
    const text = registry.formatPrometheus();
    const described = [...text.matchAll(/^# HELP (\S+) (.*)\n# TYPE \S+ (\S+)$/gm)].map(([, ...parts]) => parts);
    expect(described).toEqual([
      ['agent_invocations_total', 'Total agent invocations', 'counter'],
      ['agent_latency_ms', 'Agent end-to-end latency', 'histogram'],
      ['llm_latency_ms', 'LLM call latency', 'histogram'],
      ['tool_calls_total', 'Total tool calls', 'counter'],
      ['tool_errors_total', 'Total tool errors', 'counter'],
      ['active_agents', 'Currently active agents', 'gauge'],
    ]);
    const bounds = [...text.matchAll(/^agent_latency_ms_bucket\{le="(\d+)"\}/gm)].map(([, bound]) => Number(bound));
    expect(bounds).toEqual([...AGENT_LATENCY_BUCKETS_MS]);
  });

  it('[A-090 A-091 A-095] follow an agent from its beginning to its end', () => {
    const registry = new MetricsRegistry();
    const agents = new AgentMetrics(registry);
    const end = agents.agentStarted();
    agents.agentStarted();
    expect(registry.snapshot()).toMatchObject({ counters: { agent_invocations_total: 2 }, gauges: { active_agents: 2 } });
    const tookMs = end();
    expect(tookMs).toBeGreaterThanOrEqual(0);
    expect(end()).toBe(tookMs);
    const { counters, gauges, histograms } = registry.snapshot();
    expect([counters.agent_invocations_total, gauges.active_agents]).toEqual([2, 1]);
    expect(histograms.agent_latency_ms).toMatchObject({ count: 1, sum: tookMs });
  });

  it('[A-092 A-093 A-094] count the calls of models and tools', () => {
    const registry = new MetricsRegistry();
    const agents = new AgentMetrics(registry);
    agents.llmCalled(250);
    agents.toolCalled();
    agents.toolCalled(true);
    const { counters, histograms } = registry.snapshot();
    expect([counters.tool_calls_total, counters.tool_errors_total]).toEqual([2, 1]);
    expect(histograms.llm_latency_ms).toMatchObject({ count: 1, sum: 250 });
    expect(histograms.llm_latency_ms?.buckets[250]).toBe(1);
  });
});
