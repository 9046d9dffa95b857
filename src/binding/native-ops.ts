// What the addon offers for the ops server; the twin of native/binding/src/ops.rs. Types only.

/** Checked and completed options of a start. */
export interface NativeOpsOptions {
  readonly registries: number[];
  readonly host: string;
  readonly port: number;
  readonly socketPath?: string;
  readonly token?: string;
  readonly allowedHosts: string[];
  readonly maxConnections: number;
  readonly headerTimeoutMs: number;
  readonly idleTimeoutMs: number;
  readonly responseTimeoutMs: number;
  readonly maxScrapesInFlight: number;
  readonly scrapeTimeoutMs: number;
  /** Serve the retained traces of the process too. */
  readonly traces: boolean;
}

/** A started server, or why there is none. */
export interface NativeOpsStarted {
  readonly id: number;
  /** As bound; 0 for a unix socket. */
  readonly port: number;
  /** A code of the error table, with what it is about in `detail`. */
  readonly code?: string;
  readonly detail?: string;
}

/** A rendered scrape, ready to be sent. */
export interface NativeScraped {
  readonly contentType: string;
  readonly encoding?: string;
  readonly vary?: string;
  readonly body: Buffer;
}

/** What a handler passes on of a request. */
export interface NativeHandledRequest {
  readonly accept?: string;
  readonly acceptEncoding?: string;
  /** What stands behind `?`. */
  readonly query: string;
  readonly headOnly: boolean;
}

export interface NativeOps {
  /** Binds and starts on a thread of the pool; never rejects. */
  opsStart(options: NativeOpsOptions): Promise<NativeOpsStarted>;
  /** True once the server's threads have ended; at once when it is not running. */
  opsStop(id: number, graceMs: number): Promise<boolean>;
  /** False after the stop, or after a fault of the engine. */
  opsIsRunning(id: number): boolean;
  /** Renders on a thread of the pool, as the request asks; null when it names too many metrics. */
  scrapeAsync(registries: number[], request: NativeHandledRequest): Promise<NativeScraped> | null;
}
