// What a scrape says, as maps from a series to its value. Any thread.
import { native } from '../../src/binding/load.js';
import type { MetricsRegistry } from '../../src/index.js';
import { SELF_REGISTRY } from '../../src/metrics/drops.js';

/** Samples of a text exposition by what stands in front of the value; a series that stands there twice is an error. */
export function samplesOf(text: string): Record<string, number> {
  const samples: Record<string, number> = Object.create(null);
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    const at = line.lastIndexOf(' ');
    const series = line.slice(0, at);
    if (series in samples) throw new Error(`${series} is there twice`);
    samples[series] = Number(line.slice(at + 1).replace('Inf', 'Infinity'));
  }
  return samples;
}

/** Samples of a registry now. */
export function scrape(registry: MetricsRegistry): Record<string, number> {
  return { ...samplesOf(registry.formatPrometheus()) };
}

/** Samples of Kymo's own metrics, as the ops server appends them to a scrape. */
export function ownSamples(): Record<string, number> {
  return samplesOf(native.renderSync([native.openRegistry(SELF_REGISTRY)], 0, false));
}

/** `kymo_dropped_total` by reason. */
export function dropCounts(): Record<string, number> {
  const samples = ownSamples();
  const counts: Record<string, number> = {};
  for (const [series, value] of Object.entries(samples)) {
    const reason = /^kymo_dropped_total\{signal="metrics",reason="(\w+)"\}$/.exec(series)?.[1];
    if (reason !== undefined) counts[reason] = value;
  }
  return counts;
}

/** What `body` adds to {@link dropCounts}. */
export function dropsOf(body: () => void): Record<string, number> {
  const before = dropCounts();
  body();
  const added = Object.entries(dropCounts()).map(([reason, count]) => [reason, count - (before[reason] ?? 0)] as const);
  return Object.fromEntries(added.filter(([, count]) => count > 0));
}
