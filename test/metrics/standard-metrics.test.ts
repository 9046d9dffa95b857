// The thirteen metrics of a node: exact names, types and labels.
import { describe, expect, it } from 'vitest';
import { createStandardMetrics, MetricsRegistry, metrics, standardMetrics } from '../../src/index.js';
import { scrape } from './scrape.js';

/** Name, type and label names of each metric. */
const THIRTEEN = [
  ['hearthnet_requests_total', 'counter', ['capability', 'result']],
  ['hearthnet_request_duration_ms', 'histogram', ['capability']],
  ['hearthnet_active_streams', 'gauge', ['capability']],
  ['hearthnet_nodes_online', 'gauge', ['community']],
  ['hearthnet_event_log_size', 'gauge', ['community']],
  ['hearthnet_event_log_lamport_head', 'gauge', ['community']],
  ['hearthnet_emergency_mode', 'gauge', ['state']],
  ['hearthnet_blob_storage_bytes', 'gauge', []],
  ['hearthnet_llm_tokens_generated_total', 'counter', ['model', 'backend']],
  ['hearthnet_llm_concurrent', 'gauge', ['model']],
  ['hearthnet_capability_health_success_rate', 'gauge', ['capability', 'node']],
  ['hearthnet_rate_limited_total', 'counter', ['capability', 'reason']],
  ['hearthnet_signature_failures_total', 'counter', ['reason']],
] as const;

describe('the standard metrics', () => {
  it('[H-36 H-37 H-38 H-39 H-40 H-41 H-42 H-43 H-44 H-45 H-46 H-47 H-48 H-49] are all in a scrape before any traffic', () => {
    const registry = new MetricsRegistry();
    createStandardMetrics(registry);
    const text = registry.formatPrometheus();
    const types = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => [name, type]);
    expect(types).toEqual(THIRTEEN.map(([name, type]) => [name, type]));
    expect([...text.matchAll(/^# HELP (\S+) \S.*$/gm)].map(([, name]) => name)).toEqual(THIRTEEN.map(([name]) => name));
    for (const [name, , labels] of THIRTEEN) expect(registry.get(name)?.labelNames, name).toEqual(labels);
  });

  it('[H-36 H-37 H-38 H-39 H-40 H-41 H-43 H-44 H-45 H-46 H-47 H-48] are written through the fields of the set', () => {
    const registry = new MetricsRegistry();
    const set = createStandardMetrics(registry);
    set.requests.inc({ capability: 'chat', result: 'ok' });
    set.requestDuration.observe({ capability: 'chat' }, 3);
    set.activeStreams.set({ capability: 'chat' }, 2);
    set.nodesOnline.set({ community: 'c' }, 3);
    set.eventLogSize.set({ community: 'c' }, 4);
    set.eventLogLamportHead.set({ community: 'c' }, 5);
    set.blobStorageBytes.set(6);
    set.llmTokensGenerated.inc({ model: 'm', backend: 'b' }, 7);
    set.llmConcurrent.inc({ model: 'm' });
    set.capabilityHealthSuccessRate.set({ capability: 'chat', node: 'n' }, 0.5);
    set.rateLimited.inc({ capability: 'chat', reason: 'r' });
    set.signatureFailures.inc({ reason: 'r' });
    const samples = scrape(registry);
    expect(samples).toMatchObject({
      'hearthnet_requests_total{capability="chat",result="ok"}': 1,
      'hearthnet_request_duration_ms_bucket{capability="chat",le="1"}': 0,
      'hearthnet_request_duration_ms_bucket{capability="chat",le="5"}': 1,
      'hearthnet_request_duration_ms_bucket{capability="chat",le="+Inf"}': 1,
      'hearthnet_request_duration_ms_sum{capability="chat"}': 3,
      'hearthnet_active_streams{capability="chat"}': 2,
      'hearthnet_nodes_online{community="c"}': 3,
      'hearthnet_event_log_size{community="c"}': 4,
      'hearthnet_event_log_lamport_head{community="c"}': 5,
      hearthnet_blob_storage_bytes: 6,
      'hearthnet_llm_tokens_generated_total{model="m",backend="b"}': 7,
      'hearthnet_llm_concurrent{model="m"}': 1,
      'hearthnet_capability_health_success_rate{capability="chat",node="n"}': 0.5,
      'hearthnet_rate_limited_total{capability="chat",reason="r"}': 1,
      'hearthnet_signature_failures_total{reason="r"}': 1,
    });
    expect(Object.keys(samples).filter((series) => series.includes('quantile'))).toEqual([]);
  });

  it('[H-42] have exactly one state of emergency that is 1', () => {
    const registry = new MetricsRegistry();
    const { emergencyMode } = createStandardMetrics(registry, { emergencyStates: ['normal', 'partial', 'full'] });
    const states = (): Record<string, number> => registry.snapshot().gauges;
    const name = (state: string): string => `hearthnet_emergency_mode{state="${state}"}`;
    expect(states()).toMatchObject({ [name('normal')]: 1, [name('partial')]: 0, [name('full')]: 0 });
    emergencyMode.set('full');
    expect(states()).toMatchObject({ [name('normal')]: 0, [name('partial')]: 0, [name('full')]: 1 });
    emergencyMode.set('unforeseen');
    emergencyMode.set('unforeseen');
    expect(states()).toMatchObject({ [name('normal')]: 0, [name('full')]: 0, [name('unforeseen')]: 1 });
  });

  it('[H-49] take another prefix, and are the same objects when asked for again', () => {
    const registry = new MetricsRegistry();
    const set = createStandardMetrics(registry, { prefix: 'node_' });
    expect(registry.get('node_requests_total')).toBe(set.requests);
    expect(createStandardMetrics(registry, { prefix: 'node_' }).requests).toBe(set.requests);
    expect(createStandardMetrics(registry).requests).not.toBe(set.requests);
  });

  it('[H-49] of the process are in its registry', () => {
    expect(standardMetrics('hearthnet').requests).toBe(metrics.get('hearthnet_requests_total'));
    expect(standardMetrics('hearthnet').requests).toBe(standardMetrics('hearthnet').requests);
  });
});
