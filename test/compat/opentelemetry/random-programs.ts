// Random programs for the OpenTelemetry API: the same calls for any provider, from a seed. Pure but for the provider.
import { type Attributes, type Context, ROOT_CONTEXT, type Span, type SpanContext, type Tracer, trace } from '@opentelemetry/api';

/** Numbers in [0, 1) that a seed fixes: mulberry32. */
export function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const REMOTES: readonly SpanContext[] = [
  { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331', traceFlags: 1, isRemote: true },
  { traceId: '1af7651916cd43dd8448eb211c80319c', spanId: 'c7ad6b7169203331', traceFlags: 0, isRemote: true },
  { traceId: '2af7651916cd43dd8448eb211c80319c', spanId: 'd7ad6b7169203331', traceFlags: 1 },
  { traceId: '0'.repeat(32), spanId: 'd7ad6b7169203331', traceFlags: 1 },
  { traceId: '3af7651916cd43dd8448eb211c80319c', spanId: '0'.repeat(16), traceFlags: 1 },
  { traceId: 'nonsense', spanId: 'more', traceFlags: 1 },
];
const NAMES = ['GET /', '', 'работа', 'a name with spaces', '🙂', 'x'.repeat(300)];
const KEYS = ['a', 'b.c', 'http.route', 'constructor', 'toString', 'ключ', 'k0', 'k1', 'k2', 'k3', 'k4', 'k5', 'k6', 'k7'];
const VALUES: readonly unknown[] = [
  ...['text', '', 'ünïcode', 'long '.repeat(40), 0, -1, 1.5, 2 ** 53, -0, NaN, Infinity, true, false, null, undefined],
  ...[[], ['a', 'b'], [1, 2.5], [true, null, false], ['x'.repeat(50)], [null]],
];
const TIMES: readonly unknown[] = [[1_700_000_000, 5], [1_700_000_001, 999_999_999], 1_700_000_002_345, new Date(1_700_000_003_456)];

/** One call that a program makes. */
type Step = (world: World) => void;

interface World {
  readonly tracer: Tracer;
  readonly spans: Span[];
}

/** A program of that seed: run it on a tracer; it ends every span that it started. */
export function programOf(seed: number): (tracer: Tracer) => void {
  const random = randomOf(seed);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
  const maybe = (chance: number): boolean => random() < chance;
  const attributes = (most: number): Attributes => {
    const given: Record<string, unknown> = {};
    const count = Math.floor(random() * most);
    for (let at = 0; at < count; at++)
      Object.defineProperty(given, pick(KEYS), { value: pick(VALUES), enumerable: true, configurable: true });
    return given as Attributes;
  };
  let started = 0;
  const start = (): Step => {
    const [name, kind] = [pick(NAMES), pick([0, 1, 2, 3, 4, undefined])];
    const parent = maybe(0.6) && started > 0 ? Math.floor(random() * started) : undefined;
    const remote = maybe(0.3) ? pick(REMOTES) : undefined;
    const options = {
      ...(kind === undefined ? {} : { kind }),
      ...(maybe(0.5) ? { attributes: attributes(6) } : {}),
      ...(maybe(0.2) ? { links: [{ context: REMOTES[0] as SpanContext, attributes: attributes(4) }] } : {}),
      ...(maybe(0.1) ? { root: true } : {}),
      startTime: pick(TIMES) as never,
    };
    started += 1;
    return ({ tracer, spans }) => {
      let context: Context = ROOT_CONTEXT;
      if (remote !== undefined) context = trace.setSpanContext(context, remote);
      else if (parent !== undefined) context = trace.setSpan(context, spans[parent] as Span);
      spans.push(tracer.startSpan(name, options, context));
    };
  };
  const change = (): Step => {
    const at = Math.floor(random() * started);
    const [key, value, given, time, name] = [pick(KEYS), pick(VALUES), attributes(5), pick(TIMES), pick(NAMES)];
    const status = { code: pick([0, 1, 2]), ...(maybe(0.5) ? { message: pick(NAMES) } : {}) };
    const exception = pick<unknown>([new TypeError('wrong'), 'a text', { name: 'Named', message: 'given' }, { message: 'bare' }]);
    const link = { context: pick(REMOTES.slice(0, 3)), ...(maybe(0.5) ? { attributes: given } : {}) };
    const calls: readonly ((span: Span) => unknown)[] = [
      (span) => span.setAttribute(key, value as never),
      (span) => span.setAttributes(given),
      (span) => span.addEvent(name, given, time as never),
      (span) => span.addEvent(name, time as never),
      (span) => span.setStatus(status as never),
      (span) => span.updateName(name),
      (span) => span.recordException(exception as never, time as never),
      (span) => span.addLink(link),
      (span) => span.end(time as never),
    ];
    const call = pick(calls);
    return ({ spans }) => call(spans[at] as Span);
  };
  const steps: Step[] = [start()];
  const length = 3 + Math.floor(random() * 30);
  for (let at = 0; at < length; at++) steps.push(maybe(0.2) ? start() : change());
  return (tracer) => {
    const world: World = { tracer, spans: [] };
    for (const step of steps) step(world);
    for (const span of world.spans) span.end([1_700_000_010, 0]);
  };
}
