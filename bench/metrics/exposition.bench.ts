// What it takes to render all series as text, against prom-client's metrics() and against copying the same bytes.
import type { MetricsRegistry } from 'kymo';
import type { PreparedRow, Row } from '../runner/row.js';
import type { Settings } from '../runner/settings.js';
import { inMilliseconds, timed, timedAsync } from '../runner/timing.js';
import { labelNames, manyLabels, ourRegistry, peerRegistry } from './subjects.js';

const NAME = 'http_requests_total';
const HELP = 'Requests answered';

export function plan(settings: Settings): Row[] {
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
        prepare: () => againstCopy(series, settings),
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

/** Our side: the text of `registry` into a buffer that is used again, as a scrape's thread does it. */
function rendering(registry: MetricsRegistry, settings: Settings) {
  const target = Buffer.alloc(registry.renderInto(new Uint8Array(0)));
  return {
    side: inMilliseconds(timed('Kymo', settings, () => registry.renderInto(target), 1)),
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

function againstCopy(series: number, settings: Settings): PreparedRow {
  const { side, target } = rendering(filled(series), settings);
  const copy = Buffer.alloc(target.length);
  return {
    ours: side,
    peer: inMilliseconds(timed('copying the same bytes', settings, () => copy.set(target), 1)),
    verify() {
      verifyText('Kymo', target.toString(), series);
      if (!copy.equals(target)) throw new Error('the copy is not what was rendered');
    },
  };
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
