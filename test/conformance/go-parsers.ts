// Prometheus' own Go parsers, behind one function; the program is `go-parsers/`. Runs in the test process.
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { miss, peer } from '../peers.js';

const SOURCES = fileURLToPath(new URL('go-parsers', import.meta.url));
const PROGRAM = fileURLToPath(new URL('../../.prepare/go-parsers', import.meta.url));

/** The parsers' program, built anew: minutes at the first time on a machine, a second later. Undefined where it cannot be had. */
export const goParsers = build();

function build(): string | undefined {
  const go = peer('go', 'https://go.dev/dl (Go 1.26, or 1.21 and newer, which fetch it)');
  if (go === undefined) return undefined;
  mkdirSync(dirname(PROGRAM), { recursive: true });
  const { status, stderr, error } = spawnSync(go, ['build', '-o', PROGRAM, '.'], { cwd: SOURCES, encoding: 'utf8' });
  if (status === 0) return PROGRAM;
  const reason = (error?.message ?? stderr).trim().split('\n').at(-1);
  return miss(`Prometheus' Go parsers (${reason})`, 'cd test/conformance/go-parsers && go build -o /dev/null .');
}

/** What Go's parsers found of one sample; numbers that JSON cannot carry are read. */
export interface GoSample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
  /** When the series began, ms since 1970; 0 where the format does not say. */
  readonly startMs: number;
  readonly histogram?: {
    readonly count: number;
    readonly sum: number;
    readonly schema: number;
    readonly zeroThreshold: number;
    readonly zeroCount: number;
    /** Index and count. */
    readonly positive: readonly (readonly [number, number])[];
    readonly negative: readonly (readonly [number, number])[];
  };
  readonly exemplars?: readonly { readonly labels: Readonly<Record<string, string>>; readonly value: number; readonly ms: number }[];
}

/** What Go's parsers found. */
export interface GoExposition {
  readonly families: Readonly<Record<string, { readonly type?: string; readonly help?: string; readonly unit?: string }>>;
  readonly samples: readonly GoSample[];
}

/**
 * An exposition as Prometheus' Go code reads it: `textparse` as the server does when it scrapes, `expfmt` as client libraries do.
 * @throws Error with the parser's message when it refuses the exposition.
 */
export function parseWithGo(parser: 'textparse' | 'expfmt', contentType: string, body: string | Uint8Array): GoExposition {
  const { status, stdout, stderr } = spawnSync(PROGRAM, [parser, contentType], { input: body, encoding: 'utf8', maxBuffer: 2 ** 28 });
  if (status !== 0) throw new Error(`${parser} of ${contentType}: ${stderr.trim()}\n${Buffer.from(body).toString('utf8', 0, 2000)}`);
  const numeric = new Set(['value', 'count', 'sum', 'zeroThreshold', 'zeroCount']);
  return JSON.parse(stdout, (key, value) => {
    if (typeof value === 'string' && numeric.has(key)) return Number(value === '' ? Number.NaN : value);
    if (Array.isArray(value) && value.length === 2 && typeof value[0] === 'number') return [value[0], Number(value[1])];
    return value;
  });
}

/** The one sample of that name and those labels that Go's parsers found. */
export function goSample(found: GoExposition, name: string, labels: Readonly<Record<string, string>> = {}): GoSample | undefined {
  const wanted = JSON.stringify(Object.entries(labels).sort());
  const samples = found.samples.filter((sample) => sample.name === name && JSON.stringify(Object.entries(sample.labels).sort()) === wanted);
  // A histogram with both kinds of buckets is a sample of its own beside its classic ones.
  if (samples.length > 1) throw new Error(`${name}${wanted} stands ${samples.length} times`);
  return samples[0];
}
