// Reads the trace of a request from its headers as node:http has parsed them. App threads; costs two look-ups where a request
// carries nothing, and allocates nothing.
import type { CarrierReader } from '../context/carrier.js';
import type { Context } from '../context/context.js';
import type { Propagator } from '../context/propagator.js';
import type { IncomingHeaders } from './tracing.js';

const NONE: IncomingHeaders = Object.freeze({});

/** Fields of the W3C formats; `tracestate` alone says nothing. */
const W3C: ReadonlySet<string> = new Set(['traceparent', 'tracestate', 'baggage']);

/** A reader that is used again for each request. */
export class HeaderReader implements CarrierReader {
  #headers: IncomingHeaders = NONE;
  #propagator: Propagator | undefined;
  /** True when the propagator reads nothing but {@link W3C}; others may read fields that they do not name. */
  #onlyW3c = false;

  /** `base` with what `headers` carry. Repeated fields come joined by commas, as node:http joins them. */
  extract(propagator: Propagator, base: Context, headers: IncomingHeaders): Context {
    if (propagator !== this.#propagator) {
      this.#propagator = propagator;
      this.#onlyW3c = propagator.fields.every((field) => W3C.has(field));
    }
    if (this.#onlyW3c && headers.traceparent === undefined && headers.baggage === undefined) return base;
    this.#headers = headers;
    const context = propagator.extract(base, this);
    this.#headers = NONE;
    return context;
  }

  get(name: string): string | readonly string[] | undefined {
    const value = this.#headers[name];
    return typeof value === 'function' ? undefined : value;
  }

  keys(): readonly string[] {
    return Object.keys(this.#headers);
  }
}
