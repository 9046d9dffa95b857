// Kymo's propagators for `propagation.setGlobalPropagator`. App threads; nothing here throws, whatever carriers, getters and setters do.
import { ROOT_CONTEXT as API_ROOT, type Context, type TextMapGetter, type TextMapPropagator, type TextMapSetter } from '@opentelemetry/api';
import { ROOT_CONTEXT } from '../../context/context.js';
import { currentPropagator, type PropagationFormat, type Propagator, propagatorOf } from '../../context/propagator.js';
import { contextOf, isSuppressed, viewOf } from './otel-context.js';

/**
 * W3C Trace Context level 2, W3C Baggage, B3 in one header or several, Jaeger, as one propagator: each injects, and the last one that finds
 * a span in a carrier decides.
 */
export class KymoPropagator implements TextMapPropagator {
  readonly #given: Propagator | undefined;

  /**
   * @param formats what OTEL_PROPAGATORS names when left out, by default `tracecontext` and `baggage`
   * @throws KymoError `KYMO_CONFIG_VALUE` for a format that there is not
   */
  constructor(formats?: readonly PropagationFormat[]) {
    this.#given = formats === undefined ? undefined : propagatorOf(formats);
  }

  get #propagator(): Propagator {
    return this.#given ?? currentPropagator();
  }

  inject<Carrier>(context: Context, carrier: Carrier, setter: TextMapSetter<Carrier>): void {
    const own = contextOf(context);
    if (isSuppressed(own)) return;
    try {
      this.#propagator.inject(own, { set: (name, value) => setter.set(carrier, name, value) });
    } catch {
      // Headers that were sent already, or a setter that throws: there is no place to put it.
    }
  }

  extract<Carrier>(context: Context, carrier: Carrier, getter: TextMapGetter<Carrier>): Context {
    const own = contextOf(context);
    try {
      const found = this.#propagator.extract(own, {
        get: (name) => textsOf(getter.get(carrier, name)),
        keys: () => getter.keys(carrier).map((name) => String(name).toLowerCase()),
      });
      if (found === own) return context;
      return found === ROOT_CONTEXT ? API_ROOT : viewOf(found);
    } catch {
      return context;
    }
  }

  fields(): string[] {
    return [...this.#propagator.fields];
  }
}

function textsOf(value: unknown): string | readonly string[] | undefined {
  if (typeof value === 'string') return value;
  if (!Array.isArray(value)) return undefined;
  const texts = value.filter((text) => typeof text === 'string');
  return texts.length > 1 ? texts : texts[0];
}
