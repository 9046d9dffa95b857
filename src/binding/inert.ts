// What stands in the place of the addon when Kymo is switched off: every call is harmless, nothing is kept. App threads.
import type { NativeAddon } from './native.js';
import { NO_MEMORY } from './native-metrics.js';

/** Bytes of a segment that nobody reads: the words that threads look at are in its first page. */
const PAGE = 4_096;

/**
 * An addon that answers as one without any room: no series can be had, everything is empty, servers never run. Calls that are not
 * listed give undefined.
 */
export function inertAddon(): NativeAddon {
  let metrics = 0;
  const answers: Partial<NativeAddon> = {
    externalBuffersAllowed: () => false,
    attachThread: () => 0,
    segmentBuffer: () => new ArrayBuffer(PAGE),
    openRegistry: () => 0,
    declareMetric: () => metrics++,
    registerSeries: () => NO_MEMORY,
    registerPairs: () => NO_MEMORY,
    removeSeries: () => NO_MEMORY,
    removePairs: () => NO_MEMORY,
    releaseSeries: () => 0,
    copyString: (text) => text,
    takeRemoved: () => [],
    findMetric: () => -1,
    boundsOfMetric: () => [],
    unregisterMetric: () => false,
    snapshotRegistry: () => '[]',
    snapshotMetric: () => '[]',
    cardinality: () => '{"metrics":[]}',
    renderSync: () => '',
    renderInto: () => 0,
    renderAsync: () => Promise.resolve(''),
    scrapeAsync: () => Promise.resolve({ contentType: 'text/plain; version=0.0.4; charset=utf-8', body: Buffer.alloc(0) }),
    detachDefaultCollectors: () => false,
    opsStart: () => Promise.resolve({ id: 0, port: 0 }),
    opsStop: () => Promise.resolve(true),
    opsIsRunning: () => false,
    recoverRuns: () => [],
    logFlush: () => Promise.resolve(true),
    logFlushSync: () => true,
    logFormat: () => 0,
    logFormatRecord: () => '',
    logTruncatedLines: () => 0,
    logRoute: () => 0,
    logScrubProblem: () => null,
    logScrubPatterns: () => [],
    logScrubText: (text) => text,
    logSink: () => 0,
    logSinkClose: () => true,
    tracesHost: () => 0,
    tracesScope: () => 0,
    tracesPipeline: () => 0,
    pipelineReady: () => new Promise(() => undefined),
    pipelineTake: () => null,
    pipelineFlush: () => Promise.resolve(true),
    pipelineState: () => ({ queued: 0, queuedBytes: 0, inFlight: 0, exported: 0, dropped: {} }),
    tracesRecent: () => '[]',
    tracesFile: () => new Uint8Array(),
    tracesAnchors: () => [0],
  };
  const nothing = (): undefined => undefined;
  return new Proxy(answers as NativeAddon, {
    get: (target, name) => (typeof name === 'string' && !(name in target) ? nothing : Reflect.get(target, name)),
  });
}
