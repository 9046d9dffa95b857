// All that the addon offers, one interface per part. Types only.
import type { NativeExport } from './native-export.js';
import type { NativeExposition } from './native-exposition.js';
import type { NativeLogDelivery } from './native-log-delivery.js';
import type { NativeLogFormat } from './native-log-format.js';
import type { NativeLogRecords } from './native-log-records.js';
import type { NativeLogRing } from './native-log-ring.js';
import type { NativeLogScrub } from './native-log-scrub.js';
import type { NativeLogSinks } from './native-log-sinks.js';
import type { NativeMemory } from './native-memory.js';
import type { MetricsNative } from './native-metrics.js';
import type { NativeOps } from './native-ops.js';
import type { NativeRender } from './native-render.js';
import type { NativeRing } from './native-ring.js';
import type { NativeTraces } from './native-traces.js';

export interface NativeAddon
  extends MetricsNative,
    NativeExport,
    NativeExposition,
    NativeLogDelivery,
    NativeLogFormat,
    NativeLogRecords,
    NativeLogRing,
    NativeLogScrub,
    NativeLogSinks,
    NativeMemory,
    NativeOps,
    NativeRender,
    NativeRing,
    NativeTraces {}
