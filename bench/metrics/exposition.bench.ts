// What it takes to render all series, against prom-client's metrics() and against copying the same bytes; the other formats and
// the compressed bodies at the largest size.
import { createServer, get, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { type ExpositionFormat, type MetricsRegistry, metricsHandler } from 'kymo';
import type { PreparedRow, Row } from '../runner/row.js';
import type { Settings } from '../runner/settings.js';
import { inMilliseconds, timed, timedAsync } from '../runner/timing.js';
import { labelNames, manyLabels, ourRegistry, peerRegistry } from './subjects.js';

const NAME = 'http_requests_total';
const HELP = 'Requests answered';

/** Formats beside text 0.0.4, and how a reader calls them. */
const FORMATS: readonly (readonly [ExpositionFormat, string])[] = [
  ['openmetrics', 'OpenMetrics 1.0'],
  ['openmetrics-2.0.0', 'OpenMetrics 2.0'],
  ['protobuf', 'protobuf'],
];

export function plan(settings: Settings): Row[] {
  const most = Math.max(...settings.renderSeries);
  const what = `render ${most.toLocaleString('en')} series`;
  return [
    ...texts(settings),
    ...FORMATS.map(
      ([format, called]): Row => ({
        name: `${what} as ${called}, against copying the same bytes`,
        unit: 'ms',
        goal: { kind: 'at-most', limit: 4 },
        prepare: () => againstCopy(most, settings, format),
      }),
    ),
    {
      name: `${what} and send them as gzip 1, against sending them plain`,
      unit: 'ms',
      prepare: () => packed(most, settings, 'gzip'),
    },
    {
      name: `${what} and send them as zstd 1, against sending them plain`,
      unit: 'ms',
      prepare: () => packed(most, settings, 'zstd'),
    },
  ];
}

/** Text 0.0.4, at every size. */
function texts(settings: Settings): Row[] {
  return settings.renderSeries.flatMap((series): Row[] => {
    const what = `render ${series.toLocaleString('en')} series`;
    return [
      {
        name: `${what}, against prom-client`,
        unit: 'ms',
        goal: { kind: 'times-faster', factor: 100 },
        prepare: () => againstPeer(series, settings),
      },
      {
        name: `${what}, against copying the same bytes`,
        unit: 'ms',
        goal: { kind: 'at-most', limit: 4 },
        prepare: () => againstCopy(series, settings, 'text'),
      },
      {
        name: `${what} as a string, against prom-client`,
        unit: 'ms',
        prepare: () => asString(series, settings),
      },
    ];
  });
}

/** Our registry with `series` series of one counter, none of them equal. */
function filled(series: number) {
  const registry = ourRegistry();
  const counter = registry.counter({ name: NAME, help: HELP, labelNames: labelNames(3) });
  for (let k = 0; k < series; k++) counter.inc(manyLabels(k), k + 1);
  return registry;
}

/** Throws unless `text` has a line for each series. */
function verifyText(label: string, text: string, series: number): void {
  const found = text.split('\n').filter((line) => line.startsWith(`${NAME}{`)).length;
  if (found !== series) throw new Error(`${label} rendered ${found} of ${series} series`);
}

/** Our side: `registry` into a buffer that is used again, as a scrape's thread does it. */
function rendering(registry: MetricsRegistry, settings: Settings, format: ExpositionFormat = 'text') {
  const target = Buffer.alloc(registry.renderInto(new Uint8Array(0), { format }));
  return {
    side: inMilliseconds(timed('Kymo', settings, () => registry.renderInto(target, { format }), 1)),
    target,
  };
}

function againstPeer(series: number, settings: Settings): PreparedRow {
  const { side, target } = rendering(filled(series), settings);
  const peer = peerRegistry();
  const counter = new peer.client.Counter({ name: NAME, help: HELP, labelNames: labelNames(3), registers: [peer.registry] });
  for (let k = 0; k < series; k++) counter.inc(manyLabels(k), k + 1);
  return {
    ours: side,
    peer: timedAsync('prom-client', settings, () => peer.registry.metrics()),
    async verify() {
      const theirs = await peer.registry.metrics();
      if (target.toString() !== theirs) throw new Error('the two libraries do not render the same text');
      verifyText('Kymo', target.toString(), series);
    },
  };
}

function againstCopy(series: number, settings: Settings, format: ExpositionFormat): PreparedRow {
  const { side, target } = rendering(filled(series), settings, format);
  const copy = Buffer.alloc(target.length);
  return {
    ours: side,
    peer: inMilliseconds(timed('copying the same bytes', settings, () => copy.set(target), 1)),
    verify() {
      if (format === 'protobuf') verifyProtobuf(target, series);
      else verifyText('Kymo', target.toString(), series);
      if (!copy.equals(target)) throw new Error('the copy is not what was rendered');
    },
  };
}

/** Throws unless one family is all of `body` and the label of each series is in it. */
function verifyProtobuf(body: Buffer, series: number): void {
  const text = body.toString('latin1');
  const found = text.split('/api/v1/items/').length - 1;
  if (found !== series) throw new Error(`protobuf has ${found} of ${series} series`);
}

/** A scrape over loopback with a compressed body, against one with a plain body; rendering is part of both. */
async function packed(series: number, settings: Settings, encoding: 'gzip' | 'zstd'): Promise<PreparedRow> {
  const server = createServer(metricsHandler(filled(series)));
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return {
    ours: timedAsync(`Kymo, ${encoding}`, settings, () => scraped(server, encoding)),
    peer: timedAsync('Kymo, plain', settings, () => scraped(server, 'identity')),
    async verify() {
      const [body, plain] = [await scraped(server, encoding), await scraped(server, 'identity')];
      verifyText('Kymo', plain.toString(), series);
      // A body that fits into a packet is sent as it is.
      if (plain.length < 2048) return;
      if (body.length > plain.length / 4) throw new Error(`${encoding} makes ${body.length} of ${plain.length} bytes`);
      if (encoding === 'gzip') verifyText('Kymo', gunzipSync(body).toString(), series);
    },
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** The bytes of one answer, as they were sent. */
function scraped(server: Server, encoding: string): Promise<Buffer> {
  const { port } = server.address() as AddressInfo;
  return new Promise((done, fail) => {
    get({ host: '127.0.0.1', port, path: '/metrics', headers: { 'accept-encoding': encoding } }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', fail).on('end', () => done(Buffer.concat(chunks)));
    }).on('error', fail);
  });
}

/** As an application gets it: off the loop, as a string. */
function asString(series: number, settings: Settings): PreparedRow {
  const registry = filled(series);
  const peer = peerRegistry();
  const counter = new peer.client.Counter({ name: NAME, help: HELP, labelNames: labelNames(3), registers: [peer.registry] });
  for (let k = 0; k < series; k++) counter.inc(manyLabels(k), k + 1);
  return {
    ours: timedAsync('Kymo', settings, () => registry.metrics()),
    peer: timedAsync('prom-client', settings, () => peer.registry.metrics()),
    async verify() {
      verifyText('Kymo', await registry.metrics(), series);
      verifyText('prom-client', await peer.registry.metrics(), series);
    },
  };
}
