// The foreign programs that read our exposition, behind one function each. Runs in the test process.
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { peer, pythonPeer } from '../peers.js';

const PARSE = fileURLToPath(new URL('parse-exposition.py', import.meta.url));

/** `promtool`, Prometheus' own linter. */
export const promtool = peer('promtool', 'apt-get install prometheus');

/** A Python with Prometheus' client library: the OpenMetrics reference parser and a text parser. */
export const python = pythonPeer('prometheus_client', 'pip install prometheus_client');

/** The Go toolchain, which builds Prometheus' own parsers. */
export const go = peer('go', 'https://go.dev/dl (Go 1.26, or 1.21 and newer, which fetch it)');

const GO_SOURCES = fileURLToPath(new URL('go-parsers', import.meta.url));
const GO_PARSERS = fileURLToPath(new URL('../../.prepare/go-parsers', import.meta.url));

/** One family as a parser understood it. */
export interface ParsedFamily {
  readonly name: string;
  readonly type: string;
  readonly help: string;
  readonly samples: readonly { readonly name: string; readonly labels: Readonly<Record<string, string>>; readonly value: number }[];
}

/**
 * Everything `promtool check metrics` says about a text exposition, lint included; empty when it has nothing to say.
 * @throws Error when it could not parse the text.
 */
export function lintWithPromtool(text: string): string {
  const { status, stderr, stdout } = spawnSync(promtool as string, ['check', 'metrics'], { input: text, encoding: 'utf8' });
  const said = `${stdout}${stderr}`;
  // 1 = could not read it, 3 = read it and has advice.
  if (status !== 0 && status !== 3) throw new Error(`promtool ended with ${status}: ${said}`);
  return said;
}

/**
 * Families as Prometheus' Python library reads them.
 * @throws Error with the parser's message when it refuses the text.
 */
export function parseWithPython(format: 'text' | 'openmetrics', exposition: string): ParsedFamily[] {
  const { status, stdout, stderr } = spawnSync(python as string, [PARSE, format], {
    input: exposition,
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  });
  if (status !== 0) throw new Error(`${format} parser: ${stderr.trim().split('\n').at(-1)}\n${exposition.slice(0, 2000)}`);
  const families = JSON.parse(stdout) as { samples: { value: string | number }[] }[];
  for (const sample of families.flatMap((family) => family.samples)) sample.value = pythonNumber(String(sample.value));
  return families as unknown as ParsedFamily[];
}

/** `repr` of a Python float as a number: the spelling differs for what JSON cannot carry. */
function pythonNumber(text: string): number {
  if (text === 'inf') return Number.POSITIVE_INFINITY;
  if (text === '-inf') return Number.NEGATIVE_INFINITY;
  return text === 'nan' ? Number.NaN : Number(text);
}

/** The one sample of that name and those labels; NaN-safe comparison is the caller's. */
export function sampleValue(
  families: readonly ParsedFamily[],
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number | undefined {
  const wanted = JSON.stringify(Object.entries(labels).sort());
  const found = families
    .flatMap((family) => family.samples)
    .filter((sample) => sample.name === name && JSON.stringify(Object.entries(sample.labels).sort()) === wanted);
  if (found.length > 1) throw new Error(`${name}${wanted} stands ${found.length} times`);
  return found[0]?.value;
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

/** Builds the parsers of `go-parsers/`: minutes at the first time on a machine, under a second later. For `beforeAll`. */
export function buildGoParsers(): void {
  mkdirSync(dirname(GO_PARSERS), { recursive: true });
  const built = spawnSync(go as string, ['build', '-o', GO_PARSERS, '.'], { cwd: GO_SOURCES, encoding: 'utf8' });
  if (built.status !== 0) throw new Error(`go build: ${built.stderr}`);
}

/**
 * An exposition as Prometheus' Go code reads it: `textparse` as the server does when it scrapes, `expfmt` as client libraries do.
 * @throws Error with the parser's message when it refuses the exposition.
 */
export function parseWithGo(parser: 'textparse' | 'expfmt', contentType: string, body: string | Uint8Array): GoExposition {
  const { status, stdout, stderr } = spawnSync(GO_PARSERS, [parser, contentType], { input: body, encoding: 'utf8', maxBuffer: 2 ** 28 });
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
