// Reads the trace of a request from its headers as node:http has parsed them. App threads; costs a look-up per field where a request
// carries nothing, and allocates nothing.
import type { CarrierReader } from '../context/carrier.js';
import type { Context } from '../context/context.js';
import type { Propagator } from '../context/propagator.js';
import type { IncomingHeaders } from './tracing.js';

const NONE: IncomingHeaders = Object.freeze({});

/** Baggage in Jaeger's form has a header for each member. */
const JAEGER = 'uber-trace-id';

/** A reader that is used again for each request. */
export class HeaderReader implements CarrierReader {
  #headers: IncomingHeaders = NONE;
  #propagator: Propagator | undefined;
  #fields: readonly string[] = [];
  #always = false;

  /** `base` with what `headers` carry. Repeated fields come joined by commas, as node:http joins them. */
  extract(propagator: Propagator, base: Context, headers: IncomingHeaders): Context {
    if (propagator !== this.#propagator) {
      this.#propagator = propagator;
      this.#fields = propagator.fields;
      this.#always = propagator.fields.includes(JAEGER);
    }
    if (!this.#always && !this.#hasAny(headers)) return base;
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

  #hasAny(headers: IncomingHeaders): boolean {
    for (const field of this.#fields) if (headers[field] !== undefined) return true;
    return false;
  }
}
