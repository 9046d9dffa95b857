// `nodejs_gc_duration_seconds{kind}`. App threads.
import perfHooks from 'perf_hooks';
import { Histogram } from '../histogram.js';
import { type DefaultMetricsSet, placementIn } from './placement.js';

const NAME = 'nodejs_gc_duration_seconds';
const BUCKETS = [0.001, 0.01, 0.1, 1, 2, 5];

/** Names of the kinds, by their number. */
function kindNames(): string[] {
  const { constants } = perfHooks;
  const kinds: string[] = [];
  kinds[constants.NODE_PERFORMANCE_GC_MAJOR] = 'major';
  kinds[constants.NODE_PERFORMANCE_GC_MINOR] = 'minor';
  kinds[constants.NODE_PERFORMANCE_GC_INCREMENTAL] = 'incremental';
  kinds[constants.NODE_PERFORMANCE_GC_WEAKCB] = 'weakcb';
  return kinds;
}

/** An entry of the observer; `kind` stood beside `detail` before Node 16. */
type Collection = perfHooks.PerformanceEntry & { readonly detail?: { readonly kind: number }; readonly kind?: number };

export const gc: DefaultMetricsSet = (registry, options = {}) => {
  const { prefix, labels, labelNames, registers } = placementIn(registry, options);
  const histogram = new Histogram({
    name: prefix + NAME,
    help: 'Garbage collection duration by kind, one of major, minor, incremental or weakcb.',
    labelNames: ['kind', ...labelNames],
    enableExemplars: false,
    buckets: options.gcDurationBuckets ? [...options.gcDurationBuckets] : BUCKETS,
    registers,
  });
  const kinds = kindNames();
  const observer = new perfHooks.PerformanceObserver((list) => {
    // The first entry of a batch only, as prom-client counts them.
    const entry = list.getEntries()[0] as unknown as Collection;
    const kind = kinds[(entry.detail ? entry.detail.kind : entry.kind) as number] as string;
    histogram.observeWithoutExemplar({ kind, ...labels }, entry.duration / 1000);
  });
  observer.observe({ entryTypes: ['gc'] });
};
gc.metricNames = [NAME];
