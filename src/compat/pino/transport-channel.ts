// What passes between a transport's stream and its worker: the words they share and the messages. Types and numbers only.
//
// Lines go as texts over a port of their own, so that `parentPort` in the worker carries what an application sends and nothing else.
// The shared words let the application's thread wait for the worker without its loop: at `process.exit`, in `flushSync`, and when the
// worker is too far behind.

/** Code units that the worker has handed on, wrapping. The worker adds, the application's thread reads and waits. */
export const CONSUMED = 0;
/** One of the states below. Written by the worker, read by the application's thread. */
export const STATE = 1;
/** How many shared words there are. */
export const WORDS = 2;

/** Modules are being loaded. */
export const STARTING = 0;
/** Lines are taken. */
export const READY = 1;
/** All that was sent is written, and the streams are closed. */
export const ENDED = 2;
/** Could not start, or a stream failed. */
export const FAILED = 3;

/** Milliseconds that the end of a process, or a synchronous flush, waits for a worker. */
export const DEADLINE_MS = 2_000;

/** On the global object of a worker whose own work has begun. */
export const STARTED: unique symbol = Symbol.for('kymo.transport.started') as never;

/** Where lines go, with modules as file URLs. */
export interface TargetPlan {
  readonly target: string;
  readonly options: object;
  readonly level?: string | number | undefined;
}

/** Several modules, each of which reads what the one before writes. */
export interface PipelinePlan {
  readonly pipeline: readonly TargetPlan[];
  readonly level?: string | number | undefined;
}

/** What a worker is to do. */
export interface TransportPlan {
  readonly branches: readonly (TargetPlan | PipelinePlan)[];
  readonly levels?: Record<string, number> | undefined;
  readonly dedupe: boolean;
}

/** To the worker. */
export type ToWorker = { readonly lines: string } | { readonly flush: number } | { readonly end: true };

/** From the worker. */
export type FromWorker = { readonly ready: true } | { readonly drained: true } | { readonly flushed: number } | { readonly error: unknown };
