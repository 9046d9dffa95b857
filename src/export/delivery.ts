// What a sender makes of one batch, and what every sender is: the seam between the loop that exports and the protocols. Any thread.
import type { ExportBatch } from '../binding/native-export.js';

/** What became of one attempt to deliver a batch. */
export type Delivery =
  /** The other side has it; `rejected` spans of it were refused for good. `message` is a remark of the other side, or empty. */
  | { readonly kind: 'exported'; readonly rejected: number; readonly message: string }
  /** Refused for good: another attempt would not help. */
  | { readonly kind: 'refused'; readonly reason: DropReason; readonly message: string }
  /** Failed in a way that may pass; `retryAfterMs` is when the other side wants to be asked again. */
  | { readonly kind: 'failed'; readonly reason: DropReason; readonly message: string; readonly retryAfterMs?: number };

/** Label values of `kymo_spans_dropped_total{reason}` that the export gives. */
export type DropReason =
  /** The other side did not take it: an answer after which nothing must be repeated. */
  | 'refused'
  /** The other side took the batch, but not these spans of it. */
  | 'rejected'
  /** No connection, or a name that does not resolve, until the time for the batch was over. */
  | 'unreachable'
  /** The other side asked to come again until the time for the batch was over. */
  | 'throttled'
  /** No answer in time. */
  | 'timeout'
  /** An answer that is none, or too long. */
  | 'bad_response'
  /** Larger than a request may be. */
  | 'too_large'
  /** The application's exporter threw, or its promise was rejected. */
  | 'exporter'
  /** The exporter's thread ended with it, again and again. */
  | 'worker'
  /** The time for the shutdown was over. */
  | 'shutdown';

/** Delivers batches, one at a time. */
export interface BatchSender {
  /**
   * One attempt. Never rejects, and settles soon after `signal` is aborted.
   * @param timeoutMs longest time it may take, at least 1
   */
  send(batch: ExportBatch, timeoutMs: number, signal: AbortSignal): Promise<Delivery>;
  /** Sends what the sender itself holds back. Never rejects. */
  flush?(): Promise<void>;
  /** Closes connections. Never rejects; no `send` follows. */
  close(): Promise<void>;
}
