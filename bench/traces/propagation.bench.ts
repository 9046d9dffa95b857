// What it costs to take a trace over from the headers of a request, and to pass it on in those of another.
import type { Context as PeerContext } from '@opentelemetry/api';
import { type Context, extract, inject, ROOT_CONTEXT } from 'kymo';
import { loadOpenTelemetryApi, loadOpenTelemetryCore } from '../runner/peers.js';
import type { PreparedRow, Row } from '../runner/row.js';
import type { Settings } from '../runner/settings.js';
import { BATCH, timed } from '../runner/timing.js';

const PEER = 'OpenTelemetry JS';
/** Headers as node:http gives them, of a request that comes through a gateway. */
const HEADERS = {
  host: 'orders.internal:8080',
  'user-agent': 'gateway/1.4',
  accept: 'application/json',
  'accept-encoding': 'gzip, br',
  connection: 'keep-alive',
  'content-type': 'application/json',
  'content-length': '12',
  'x-forwarded-for': '192.0.2.7',
  'x-forwarded-proto': 'https',
  authorization: 'Bearer 0123456789abcdef',
  traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  tracestate: 'congo=t61rcWkgMzE,rojo=00f067aa0ba902b7',
};

export function plan(settings: Settings): Row[] {
  return [
    {
      // No goal: we find fields in any case and in any carrier, and check every member of tracestate; the peer does neither.
      name: `trace context read from request headers, against ${PEER}`,
      unit: 'ns',
      prepare: () => reading(settings),
    },
    {
      name: `trace context written into request headers, against ${PEER}`,
      unit: 'ns',
      goal: { kind: 'times-faster', factor: 1 },
      prepare: () => writing(settings),
    },
  ];
}

/** W3C's formats of the peer, as both its server and its client call them. */
function peerPropagation() {
  const { defaultTextMapGetter, defaultTextMapSetter, ROOT_CONTEXT: root } = loadOpenTelemetryApi();
  const { CompositePropagator, W3CBaggagePropagator, W3CTraceContextPropagator } = loadOpenTelemetryCore();
  const propagator = new CompositePropagator({ propagators: [new W3CTraceContextPropagator(), new W3CBaggagePropagator()] });
  return {
    extract: (headers: object): PeerContext => propagator.extract(root, headers, defaultTextMapGetter),
    inject(context: PeerContext): Record<string, string> {
      const headers: Record<string, string> = {};
      propagator.inject(context, headers, defaultTextMapSetter);
      return headers;
    },
  };
}

function expectHeaders(label: string, { traceparent, tracestate }: Record<string, string | undefined>): void {
  if (traceparent !== HEADERS.traceparent || tracestate !== HEADERS.tracestate) {
    throw new Error(`${label} passed on ${traceparent}, ${tracestate}`);
  }
}

function reading(settings: Settings): PreparedRow {
  const peer = peerPropagation();
  let ours: Context = ROOT_CONTEXT;
  let theirs: PeerContext | undefined;
  return {
    ours: timed('Kymo', settings, () => {
      for (let turn = 0; turn < BATCH; turn++) ours = extract(HEADERS, ROOT_CONTEXT);
    }),
    peer: timed(PEER, settings, () => {
      for (let turn = 0; turn < BATCH; turn++) theirs = peer.extract(HEADERS);
    }),
    verify() {
      expectHeaders('Kymo', inject<Record<string, string>>({}, ours));
      expectHeaders(PEER, peer.inject(theirs as PeerContext));
    },
  };
}

function writing(settings: Settings): PreparedRow {
  const peer = peerPropagation();
  const context = extract(HEADERS, ROOT_CONTEXT);
  const peerContext = peer.extract(HEADERS);
  let ours: Record<string, string> = {};
  let theirs: Record<string, string> = {};
  return {
    ours: timed('Kymo', settings, () => {
      for (let turn = 0; turn < BATCH; turn++) ours = inject({}, context);
    }),
    peer: timed(PEER, settings, () => {
      for (let turn = 0; turn < BATCH; turn++) theirs = peer.inject(peerContext);
    }),
    verify() {
      expectHeaders('Kymo', ours);
      expectHeaders(PEER, theirs);
    },
  };
}
