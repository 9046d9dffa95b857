// The command line of the demo: one table of options, their parsing and the text of --help. Main thread, at start.
import { resolve } from 'node:path';
import { ACCESS_LOG } from './access-log.js';

/** What the command line asked for. */
export interface DemoOptions {
  /** How long the demo runs; undefined: until Ctrl-C. */
  readonly durationMs: number | undefined;
  /** False: no load is made, the gateway waits for yours. */
  readonly load: boolean;
  /** Requests per second that the load offers; in [1, 20000]. */
  readonly rate: number;
  /** First port tried for the gateway; in [0, 65535], 0: any. */
  readonly port: number;
  /** First port tried for the ops server; in [0, 65535], 0: any. */
  readonly opsPort: number;
  /** For how long the event loop is blocked on purpose; undefined: not at all. */
  readonly blockMs: number | undefined;
  /** The access log's files; the day comes between their name and its ending. */
  readonly accessLog: string;
}

/** The outcome of reading a command line; `problem` is one sentence for the user. */
export type Parsed =
  | { readonly kind: 'run'; readonly options: DemoOptions }
  | { readonly kind: 'help' }
  | { readonly kind: 'usage'; readonly problem: string };

interface OptionRow {
  /** What stands for the value in --help; undefined: the option takes none. */
  readonly value?: string;
  readonly doc: string;
  /** Stores the value, or throws a {@link Usage}. */
  readonly read: (draft: Draft, text: string, flag: string) => void;
}

type Draft = { -readonly [K in keyof DemoOptions]: DemoOptions[K] } & { help: boolean; rateGiven: boolean };

class Usage extends Error {}

const DAY_MS = 24 * 3_600_000;

const OPTIONS: Readonly<Record<string, OptionRow>> = {
  '--duration': {
    value: 'TIME',
    doc: 'stop by itself after TIME (500ms, 10s, 2m); default: run until Ctrl-C',
    read: (draft, text, flag) => {
      draft.durationMs = duration(flag, text, DAY_MS);
    },
  },
  '--no-load': {
    doc: 'make no load; the gateway waits for your requests',
    read: (draft) => {
      draft.load = false;
    },
  },
  '--rate': {
    value: 'N',
    doc: 'requests per second that the load offers, whatever the answers take (1 to 20000); default 300',
    read: (draft, text, flag) => {
      draft.rate = integer(flag, text, 1, 20_000);
      draft.rateGiven = true;
    },
  },
  '--port': {
    value: 'N',
    doc: 'port of the gateway, or the next free one; 0: any; default 8080',
    read: (draft, text, flag) => {
      draft.port = integer(flag, text, 0, 65_535);
    },
  },
  '--ops-port': {
    value: 'N',
    doc: 'port of the ops server, or the next free one; 0: any; default 9464',
    read: (draft, text, flag) => {
      draft.opsPort = integer(flag, text, 0, 65_535);
    },
  },
  '--block': {
    value: 'TIME',
    doc: 'block the event loop for TIME (at most 1m) and show that /metrics and /live go on answering',
    read: (draft, text, flag) => {
      draft.blockMs = duration(flag, text, 60_000);
    },
  },
  '--access-log': {
    value: 'FILE',
    doc: 'where the access log goes; the day comes between the name and its ending; default kymo-demo/access.log in the temporary folder',
    read: (draft, text, flag) => {
      if (text === '') throw new Usage(`${flag} is "", expected the name of a file`);
      draft.accessLog = resolve(text);
    },
  },
  '--help': {
    doc: 'print this and stop',
    read: (draft) => {
      draft.help = true;
    },
  },
};

/** Reads the arguments after `npm start --`. Never throws; the last of a repeated option wins. */
export function parseOptions(args: readonly string[]): Parsed {
  const draft: Draft = {
    durationMs: undefined,
    load: true,
    rate: 300,
    rateGiven: false,
    port: 8080,
    opsPort: 9464,
    blockMs: undefined,
    accessLog: ACCESS_LOG,
    help: false,
  };
  try {
    for (let i = 0; i < args.length; i++) i += readOne(draft, args[i], args[i + 1]);
    if (draft.help) return { kind: 'help' };
    if (!draft.load && draft.rateGiven) throw new Usage('--rate and --no-load exclude each other: without load there is no rate');
  } catch (error) {
    if (error instanceof Usage) return { kind: 'usage', problem: error.message };
    throw error;
  }
  const { help: _help, rateGiven: _rateGiven, ...options } = draft;
  return { kind: 'run', options };
}

/** Reads one option; gives how many arguments it took beyond its own. */
function readOne(draft: Draft, argument: string, next: string | undefined): 0 | 1 {
  const equals = argument.indexOf('=');
  const flag = argument === '-h' ? '--help' : equals < 0 ? argument : argument.slice(0, equals);
  if (!flag.startsWith('-'))
    throw new Usage(`unexpected argument ${shown(argument)}; options follow a lone \`--\`: npm start -- --duration 10s`);
  const row = Object.hasOwn(OPTIONS, flag) ? OPTIONS[flag] : undefined;
  if (row === undefined) throw new Usage(`unknown option ${shown(flag)}${suggestion(flag)}`);
  if (row.value === undefined) {
    if (equals >= 0) throw new Usage(`${flag} takes no value`);
    row.read(draft, '', flag);
    return 0;
  }
  const text = equals < 0 ? next : argument.slice(equals + 1);
  if (text === undefined || (equals < 0 && text.startsWith('--'))) throw new Usage(`${flag} needs a value: ${flag} ${row.value}`);
  row.read(draft, text, flag);
  return equals < 0 ? 1 : 0;
}

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000 };

function duration(flag: string, text: string, maxMs: number): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m)$/.exec(text);
  if (match === null) throw new Usage(`${flag} is ${shown(text)}, expected a number and a unit, such as 500ms, 10s or 2m`);
  const ms = Number(match[1]) * UNIT_MS[match[2]];
  if (ms < 1 || ms > maxMs) throw new Usage(`${flag} is ${shown(text)}, expected 1ms to ${maxMs / 60_000}m`);
  return Math.round(ms);
}

function integer(flag: string, text: string, min: number, max: number): number {
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= min && value <= max)) throw new Usage(`${flag} is ${shown(text)}, expected a whole number from ${min} to ${max}`);
  return value;
}

/** An argument as a message shows it: quoted, without control characters that would move the user's cursor. */
function shown(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}...` : text);
}

function suggestion(flag: string): string {
  const close = Object.keys(OPTIONS).find((known) => known.startsWith(flag) || distance(flag, known) <= 2);
  return close === undefined ? '' : ` (did you mean ${close}?)`;
}

/** How many letters must be added, dropped or changed to turn `a` into `b`. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next[j] = Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1));
    }
    row = next;
  }
  return row[b.length];
}

/** The text of --help. */
export function helpText(): string {
  const rows = Object.entries(OPTIONS).map(([flag, row]) => [row.value === undefined ? flag : `${flag} ${row.value}`, row.doc] as const);
  const width = Math.max(...rows.map(([left]) => left.length));
  return [
    'A gateway in front of a demo upstream, measured by Kymo.',
    '',
    'Usage: npm start -- [options]',
    '',
    ...rows.map(([left, doc]) => `  ${left.padEnd(width)}  ${doc}`),
    '',
    'Ctrl-C ends it cleanly.',
    '',
  ].join('\n');
}
