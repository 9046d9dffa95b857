// What it takes to render all series as text, against prom-client's metrics() and against copying the same bytes.
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

function againstPeer(series: number, settings: Settings): PreparedRow {
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

function againstCopy(series: number, settings: Settings): PreparedRow {
  const registry = filled(series);
  const bytes = Buffer.from(registry.formatPrometheus(), 'latin1');
  const copy = Buffer.alloc(bytes.length);
  let text = '';
  const render = (): void => {
    text = registry.formatPrometheus();
  };
  return {
    ours: inMilliseconds(timed('Kymo', settings, render, 1)),
    peer: inMilliseconds(timed('copying the same bytes', settings, () => copy.set(bytes), 1)),
    verify() {
      verifyText('Kymo', text, series);
      if (text.length !== bytes.length || !copy.equals(bytes)) throw new Error('the copy is not what was rendered');
    },
  };
}
