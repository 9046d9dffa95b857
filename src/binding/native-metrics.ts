// What the addon offers for threads and metrics; the twin of native/binding/src/{process,thread,metrics}.rs. Types only.

/** A declaration, already checked. */
export interface MetricDeclaration {
  readonly name: string;
  readonly help: string;
  /** 1 counter, 2 gauge, 3 histogram. */
  readonly kind: number;
  readonly labelNames: string[];
  /** Upper bounds without +Inf, ascending. */
  readonly bounds?: Float64Array;
  /** A gauge with one cell for the whole process. */
  readonly last: boolean;
}

/** A series of this thread that another thread removed. */
export interface RemovedSeries {
  readonly metric: number;
  readonly series: number;
  readonly values: string[];
}

/** No room: the value is dropped and counted. */
export const NO_MEMORY = -1;
/** A label value over 16 kB, or all of them over 64 kB. */
export const TOO_LONG = -2;
/** The metric was taken out of its registry. */
export const GONE = -3;

export interface MetricsNative {
  start(options: { memory: string; memoryDir: string; memoryLimitBytes?: number; service: string; fingerprint: number }): void;
  externalBuffersAllowed(): boolean;
  attachThread(threadId: number, main: boolean): number;
  segmentBuffer(segment: number): ArrayBuffer;
  openRegistry(name: string | null): number;
  declareMetric(registry: number, declaration: MetricDeclaration): number;
  /** `segment * 2 ** 32 + cell`, or a negative reason. */
  registerSeries(metric: number, ...values: string[]): number;
  /** The slot of the removed series, or -1 when none was shown. */
  removeSeries(metric: number, held: boolean, ...values: string[]): number;
  /** 1 when the place was given back. */
  releaseSeries(metric: number, series: number): number;
  copyString(text: string): string;
  takeRemoved(): RemovedSeries[];
  resetMetric(metric: number): void;
  resetRegistry(registry: number): void;
  /** Id of the metric of that name in the registry, or -1. */
  findMetric(registry: number, name: string): number;
  /** Upper bounds of the histogram of that name, without +Inf; empty for any other. */
  boundsOfMetric(registry: number, name: string): number[];
  unregisterMetric(registry: number, metric: number): boolean;
  clearRegistry(registry: number): void;
  releaseMetric(metric: number): void;
  snapshotRegistry(registry: number): string;
  renderSync(registries: number[], format: number, created: boolean): string;
  /** The length of the text in bytes; written only when `target` has room for all of it. */
  renderInto(registries: number[], format: number, created: boolean, target: Uint8Array): number;
  renderAsync(registries: number[], format: number, created: boolean): Promise<string>;
}
