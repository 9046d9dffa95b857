// The foreign programs that read our exposition, behind one function each. Runs in the test process.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { peer, pythonPeer } from '../peers.js';

const PARSE = fileURLToPath(new URL('parse-exposition.py', import.meta.url));

/** `promtool`, Prometheus' own linter. */
export const promtool = peer('promtool', 'apt-get install prometheus');

/** A Python with Prometheus' client library: the OpenMetrics reference parser and a text parser. */
export const python = pythonPeer('prometheus_client', 'pip install prometheus_client');

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
