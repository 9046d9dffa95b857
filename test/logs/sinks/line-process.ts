// Processes that write numbered lines into a sink, through the built package, for tests of what files look like afterwards.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { Child, type ChildOptions, DIST } from '../../recorder/processes.js';

/**
 * What a script finds: `write(count)` writes `{"writer":...,"line":...}` counted up, `flush()` waits until they are written, `on(word, fn)`
 * runs something when the test says so.
 */
function preamble(writer: string, sink: string): string {
  return `
import { createInterface } from 'node:readline';
const kymo = await import('${DIST}logs/sinks/file.js');
const { RotatingFileSink } = await import('${DIST}logs/sinks/rotating-file-sink.js');
const { native } = await import('${DIST}binding/load.js');
const { logRing } = await import('${DIST}binding/log-ring.js');
const { fileSink } = kymo;
native.logPolicy([{ level: 0, onFull: 'block' }], 10_000);
const sink = ${sink};
const opened = sink.open({ format: -1, service: undefined });
const route = native.logRoute('lines');
native.logRouteSet(route, [{ minLevel: 0, sink: opened.sink }]);
native.logRecover(route);
const ring = logRing();
let written = 0;
const write = (count, text = '') => {
  for (let n = 0; n < count; n++) {
    Object.assign(ring.call, { level: 30, route, bits: 0, logger: -1, time: Date.now() });
    ring.line(JSON.stringify({ writer: ${JSON.stringify(writer)}, line: written++, text }) + '\\n');
  }
};
const flush = () => native.logFlush(10_000);
const say = (word) => process.stdout.write(word + '\\n');
const heard = new Map();
const on = (word, act) => heard.set(word, act);
createInterface(process.stdin).on('line', async (word) => { await heard.get(word)(); say('done ' + word); });
`;
}

/** A process named `writer` with a sink as `sink` says, JavaScript source, which then runs `script`. */
export function lineProcess(writer: string, sink: string, script: string, options: ChildOptions): Child {
  return new Child(`${preamble(writer, sink)}\n${script}`, { bare: true, ...options });
}

/** One line that was found. */
export interface FoundLine {
  readonly writer: string;
  readonly line: number;
}

/** Contents of the files of a folder by their names, unpacked. */
export function contents(folder: string): Map<string, string> {
  const read = (name: string): string => {
    const bytes = readFileSync(join(folder, name));
    return (name.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString();
  };
  return new Map(readdirSync(folder, { withFileTypes: true }).flatMap((entry) => (entry.isFile() ? [[entry.name, read(entry.name)]] : [])));
}

/** Lines of one text, each of which has to be a whole one. */
export function linesOf(text: string): FoundLine[] {
  if (text !== '' && !text.endsWith('\n')) throw new Error(`the last line is torn: ${text.slice(-80)}`);
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as FoundLine);
}
