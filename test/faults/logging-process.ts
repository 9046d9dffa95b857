// Starts real Node processes that write log lines, and end in every way there is.
import { Child, type ChildOptions, DIST } from '../recorder/processes.js';

/** What the module of a child begins with: `lead(sinks)` names where lines go and recovers, `log(n, level)` writes a line. */
const LOGGING = `
const { native } = await import('${DIST}binding/load.js');
const { logRing } = await import('${DIST}binding/log-ring.js');
const { writeSync } = await import('node:fs');
const format = native.logFormat({ order: ['level', 'message', 'fields'] });
const file = (path, more = {}) => native.logSink({ label: 'file', file: { path, daily: false, compression: 'none', mode: 0o600, mkdir: true, fsync: 'never', ...more } });
const descriptor = (number) => native.logSink({ label: 'fd:' + number, descriptor: number });
// Nobody listens there.
const nowhere = (path) => native.logSink({ label: 'nowhere', peer: { kind: 'unix-stream', path, connectTimeoutMs: 50, retryMinMs: 10, retryMaxMs: 50 } });
const route = native.logRoute('main');
const lead = (...sinks) => {
  native.logRouteSet(route, sinks.map((sink) => ({ minLevel: 10, format, sink })));
  return native.logRecover(route);
};
const ring = logRing();
const write = (message, fields, level = 30) => {
  Object.assign(ring.call, { level, route, bits: 0, logger: -1, time: Date.now(), bindings: undefined, context: undefined });
  return ring.write(message, fields, undefined);
};
const log = (n, level) => write('line', { n }, level);
const burst = (count) => { for (let n = 0; n < count; n++) log(n); };
const tell = (text) => writeSync(2, text + '\\n');
const ownMetrics = () => native.renderSync([native.openRegistry('kymo')], 0, false);
const stay = () => setInterval(() => {}, 1000);
`;

/** A child that logs. */
export function logging(script: string, options: ChildOptions): Child {
  return new Child(`${LOGGING}\n${script}`, { ...options, bare: true });
}

/** A line as {@link LOGGING} writes it, or one of Kymo's own. */
export interface Line {
  readonly level: string;
  readonly msg?: string;
  readonly n?: number;
  readonly [key: string]: unknown;
}

/** The lines of a text, each of which must be JSON and end. */
export function linesOf(text: string): Line[] {
  if (text !== '' && !text.endsWith('\n')) throw new Error(`torn: ${text.slice(-100)}`);
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => {
      try {
        return JSON.parse(line) as Line;
      } catch {
        throw new Error(`no JSON: ${line.slice(0, 200)}`);
      }
    });
}

/** What Kymo itself says, and the numbers of the other lines. */
export function sorted(text: string): { own: Line[]; numbers: number[] } {
  const lines = linesOf(text);
  return { own: lines.filter(({ n }) => n === undefined), numbers: lines.flatMap(({ n }) => (n === undefined ? [] : [n])) };
}

/** 0 to `count` - 1. */
export const upTo = (count: number): number[] => Array.from({ length: count }, (_, n) => n);
