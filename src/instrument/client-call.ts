// One request that this process sends: its span, its duration, and what its answer or its failure adds to them. App threads.
import type { IncomingMessage } from 'node:http';
import type { ClientDurations } from './request-durations.js';
import { KEY, OTHER_ERROR } from './semantic-conventions.js';
import { type AnySpan, timeOf } from './tracing.js';

/** Where a request goes. */
export interface Target {
  readonly method: string;
  /** Host without port. */
  readonly host: string;
  /** 0: not known. */
  readonly port: number;
}

/** A request under way, until {@link ClientCall.end}. */
export class ClientCall {
  readonly #target: Target;
  readonly #durations: ClientDurations | undefined;
  readonly span: AnySpan | undefined;
  readonly #startedAt: number;
  #response: IncomingMessage | undefined;
  #status = 0;
  #version = '';
  #errorType = '';
  #ended = false;
  readonly #over: () => void;

  /** `over` is called once, at the end. */
  constructor(target: Target, span: AnySpan | undefined, durations: ClientDurations | undefined, over: () => void) {
    this.#over = over;
    this.#target = target;
    this.#durations = durations;
    this.span = span;
    this.#startedAt = timeOf(span?.startedAt);
  }

  /** The head of the answer came. `version`: `1.1`; empty where nobody tells. */
  answered(status: number, version: string): void {
    this.#status = status;
    this.#version = version;
    const { span } = this;
    if (span === undefined || !span.isRecording()) return;
    span.setAttribute(KEY.status, status);
    if (version !== '') span.setAttribute(KEY.protocolVersion, version);
  }

  /** The same, from an answer that can be asked later whether all of it came. */
  headed(response: IncomingMessage): void {
    this.#response = response;
    this.answered(response.statusCode ?? 0, response.httpVersion);
  }

  /** The answer, while it is under way. */
  get response(): IncomingMessage | undefined {
    return this.#response;
  }

  /** It failed; the first failure counts. `error` is recorded if there is one. */
  failed(errorType: string, error?: unknown): void {
    if (this.#ended || this.#errorType !== '') return;
    this.#errorType = errorType || OTHER_ERROR;
    if (error !== undefined) this.span?.recordException(error);
  }

  /** It is over. Of several calls the first one counts. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    const { span } = this;
    if (this.#errorType === '' && this.#status >= 400) this.#errorType = String(this.#status);
    const errorType = this.#errorType;
    if (span !== undefined && errorType !== '' && span.isRecording()) {
      span.setAttribute(KEY.errorType, errorType);
      span.setStatus('error');
    }
    span?.end();
    const seconds = (timeOf(span?.endedAt) - this.#startedAt) / 1_000;
    const { method, host, port } = this.#target;
    this.#durations?.observe(seconds, method, host, port, this.#status, this.#version, errorType);
    this.#over();
  }
}
