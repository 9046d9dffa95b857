// `TraceState` of the OpenTelemetry API over Kymo's. Immutable; any thread.
import type { TraceState as ApiTraceState } from '@opentelemetry/api';
import { checkedTraceState, TraceState } from '../../context/tracestate.js';

/** A list of members, the last changed first. Changes that would make it invalid are ignored, as the API has it. */
export class TraceStateView implements ApiTraceState {
  readonly #text: string;

  /** @param text a valid `tracestate` */
  constructor(text: string) {
    this.#text = text;
  }

  get(key: string): string | undefined {
    return TraceState.parse(this.#text).get(key);
  }

  set(key: string, value: string): ApiTraceState {
    return new TraceStateView(TraceState.parse(this.#text).set(key, value).toString());
  }

  unset(key: string): ApiTraceState {
    return new TraceStateView(TraceState.parse(this.#text).delete(key).toString());
  }

  serialize(): string {
    return this.#text;
  }
}

/** The text of any trace state; empty where one of its members is not valid. */
export function traceStateText(traceState: ApiTraceState | undefined): string {
  if (traceState === undefined || traceState === null) return '';
  if (traceState instanceof TraceStateView) return traceState.serialize();
  try {
    return checkedTraceState(traceState.serialize());
  } catch {
    return ''; // An implementation of somebody else that throws.
  }
}
