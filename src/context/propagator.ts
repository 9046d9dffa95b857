// Puts contexts into carriers and reads them back, in the formats that OTEL_PROPAGATORS or the application names. App threads.
import { perThread } from '../binding/per-thread.js';
import { readOpenTelemetry } from '../config/opentelemetry.js';
import { KymoError } from '../core/errors.js';
import { extractB3, injectB3, injectB3Multi } from './b3.js';
import { Baggage } from './baggage.js';
import type { CarrierReader, CarrierWriter } from './carrier.js';
import { baggageOf, type Context, copyOf, type Extra, extraOf, hasTrace, isRemote, traceStateOf, withBaggage } from './context.js';
import { extractJaeger, injectJaeger, withJaegerBaggage } from './jaeger.js';
import { extractRequestId, injectRequestId } from './request-id.js';
import { parseTraceparent, traceparentOf } from './traceparent.js';
import { checkedTraceState, sentTraceState } from './tracestate.js';

/** Formats of propagation, by the names that OTEL_PROPAGATORS gives them. */
export const PropagationFormat = Object.freeze({
  TRACECONTEXT: 'tracecontext',
  BAGGAGE: 'baggage',
  B3: 'b3',
  B3_MULTI: 'b3multi',
  JAEGER: 'jaeger',
  HEARTHNET: 'hearthnet',
} as const);
/** A format of propagation: W3C Trace Context and Baggage, B3 in one header or several, Jaeger, or a trace id alone. */
export type PropagationFormat = (typeof PropagationFormat)[keyof typeof PropagationFormat];

/** Puts contexts into carriers and takes them out. Both methods leave alone what they have nothing for, and never throw. */
export interface Propagator {
  /** Names of the fields that may be set, in lower case; empty those of a carrier that is used again. */
  readonly fields: readonly string[];
  inject(context: Context, writer: CarrierWriter): void;
  /** `base` with what the carrier says. */
  extract(base: Context, reader: CarrierReader): Context;
}

/** `remote` with what `base` carries besides its span. */
function onTop(base: Context, remote: Context | undefined): Context {
  if (remote === undefined) return base;
  const kept = extraOf(base);
  if (kept === undefined) return remote;
  const found = remote.state as Extra;
  const extra = copyOf(kept);
  extra.number = 0;
  extra.s0 = found.s0;
  extra.s1 = found.s1;
  extra.flags = found.flags;
  extra.isRemote = found.isRemote;
  extra.span = undefined;
  extra.traceState = found.traceState;
  extra.debug = found.debug;
  extra.external = found.external;
  // Spans of another trace are not those of the trace object around.
  if (remote.t0 !== base.t0 || remote.t1 !== base.t1 || remote.t2 !== base.t2 || remote.t3 !== base.t3) extra.trace = undefined;
  remote.state = extra;
  return remote;
}

const tracecontext: Propagator = {
  fields: ['traceparent', 'tracestate'],
  inject(context, writer) {
    const header = traceparentOf(context);
    if (header === undefined) return;
    writer.set('traceparent', header);
    const traceState = traceStateOf(context);
    if (traceState !== '') writer.set('tracestate', sentTraceState(traceState));
  },
  extract(base, reader) {
    const header = reader.get('traceparent');
    if (typeof header !== 'string') return base;
    const remote = parseTraceparent(header);
    if (remote === undefined) return base;
    const state = reader.get('tracestate');
    if (state !== undefined) (remote.state as Extra).traceState = checkedTraceState(state);
    return onTop(base, remote);
  },
};

const baggage: Propagator = {
  fields: ['baggage'],
  inject(context, writer) {
    const header = baggageOf(context)?.toString() ?? '';
    if (header !== '') writer.set('baggage', header);
  },
  extract(base, reader) {
    const header = reader.get('baggage');
    const found = header === undefined ? undefined : Baggage.parse(header);
    return found === undefined || found.size === 0 ? base : withBaggage(base, found);
  },
};

const PROPAGATORS: Readonly<Record<PropagationFormat, Propagator>> = {
  tracecontext,
  baggage,
  b3: { fields: ['b3'], inject: injectB3, extract: (base, reader) => onTop(base, extractB3(reader)) },
  b3multi: {
    fields: ['x-b3-traceid', 'x-b3-spanid', 'x-b3-sampled', 'x-b3-flags'],
    inject: injectB3Multi,
    extract: (base, reader) => onTop(base, extractB3(reader)),
  },
  jaeger: {
    fields: ['uber-trace-id'],
    inject: injectJaeger,
    extract: (base, reader) => withJaegerBaggage(onTop(base, extractJaeger(reader)), reader),
  },
  hearthnet: {
    fields: ['x-hearthnet-request-id'],
    inject: injectRequestId,
    // A format that names a span as well says more, whatever the order in which they are configured.
    extract: (base, reader) => (isRemote(base) && hasTrace(base) ? base : onTop(base, extractRequestId(reader))),
  },
};

/** Several propagators as one: each injects; the last one that finds a span in a carrier decides. */
export function compositePropagator(propagators: readonly Propagator[]): Propagator {
  const fields = [...new Set(propagators.flatMap((propagator) => propagator.fields))];
  return {
    fields,
    inject(context, writer) {
      for (const propagator of propagators) propagator.inject(context, writer);
    },
    extract(base, reader) {
      return propagators.reduce((context, propagator) => propagator.extract(context, reader), base);
    },
  };
}

function isFormat(name: string): name is PropagationFormat {
  return Object.hasOwn(PROPAGATORS, name);
}

/**
 * The propagator of these formats, each once, in their order.
 * @throws KymoError `KYMO_CONFIG_VALUE` for a name that is none.
 */
export function propagatorOf(formats: readonly PropagationFormat[]): Propagator {
  const unknown = formats.find((format) => !isFormat(format));
  if (unknown !== undefined) {
    const expected = `one of ${Object.keys(PROPAGATORS).join(', ')}`;
    throw new KymoError('KYMO_CONFIG_VALUE', { source: 'a propagation format', value: JSON.stringify(unknown), expected });
  }
  return compositePropagator([...new Set(formats)].map((format) => PROPAGATORS[format]));
}

/** What OTEL_PROPAGATORS says: the formats it names, none for `none`, and the words that are no format, which are to be warned about. */
export function parsePropagators(text: string | undefined): { formats: PropagationFormat[]; unknown: string[] } {
  const names = (text ?? '').split(',').map((name) => name.trim().toLowerCase());
  const given = names.filter((name) => name !== '');
  if (given.length === 0) return { formats: ['tracecontext', 'baggage'], unknown: [] };
  if (given.includes('none')) return { formats: [], unknown: [] };
  return { formats: given.filter(isFormat), unknown: given.filter((name) => !isFormat(name)) };
}

const current = perThread<{ propagator: Propagator | undefined }>('context.propagator', () => ({ propagator: undefined }));

/** The propagator of the thread: the one that was set, or that of OTEL_PROPAGATORS (`tracecontext,baggage`), whose other words are ignored. */
export function currentPropagator(): Propagator {
  current.propagator ??= propagatorOf(parsePropagators(readOpenTelemetry().values.propagators).formats);
  return current.propagator;
}

/** Makes `propagator` that of the thread; undefined goes back to the environment's. */
export function setPropagator(propagator: Propagator | undefined): void {
  current.propagator = propagator;
}
