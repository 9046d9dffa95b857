// Attributes of OpenTelemetry as labels of a series: texts, sorted, with names that a scrape can show. App threads, when a combination is
// first seen; pure functions.
import type { Attributes } from '@opentelemetry/api';
import { labelText } from '../../../metrics/labels.js';

/** Names that mean something else in a scrape; they get `exported_` in front, as Prometheus itself does it. */
const RESERVED: readonly string[] = ['le', 'quantile', 'otel_metric_overflow'];
/** In UTF-16 units; an attribute with a longer name is left out. */
const MAX_NAME = 512;
/** Attributes of one series at most; further ones, in the order of their names, are left out. */
const MAX_PAIRS = 64;

/** Names that an instrument keeps track of; more than that are a flood of its own, and taken as they are. */
const MAX_TRACKED = 1_000;

/** Label names of one instrument: those that a scrape without quoted names writes alike (`a.b`, `a_b`) are one, the first that came. */
export class LabelNames {
  readonly #byWritten = new Map<string, string>();

  /** The name of a label for an attribute's; undefined for one that no label can have. */
  of(key: string): string | undefined {
    const name = labelName(key);
    if (name === undefined) return undefined;
    const written = name.replace(/[^a-zA-Z0-9_]/gu, '_');
    const first = this.#byWritten.get(written);
    if (first === undefined && this.#byWritten.size < MAX_TRACKED) this.#byWritten.set(written, name);
    return first ?? name;
  }
}

/**
 * Names and values in turn, sorted by name: the same for all objects that mean the same. Values that are no text are written as JSON;
 * null and undefined are left out. Names that a scrape writes alike (`a.b` and `a_b`) become one label with both values, `;` between
 * them, as OpenTelemetry's rules for Prometheus have it.
 */
export function pairsOf(attributes: Attributes, labelNames: LabelNames): string[] {
  const texts = new Map<string, string>();
  for (const key of Object.keys(attributes).sort()) {
    const text = textOf(attributes[key]);
    const name = labelNames.of(key);
    if (text === undefined || name === undefined) continue;
    const there = texts.get(name);
    if (there !== undefined) texts.set(name, `${there};${text}`);
    else if (texts.size < MAX_PAIRS) texts.set(name, text);
  }
  return [...texts].sort(([a], [b]) => (a < b ? -1 : 1)).flat();
}

function labelName(key: string): string | undefined {
  if (key === '' || key.length > MAX_NAME) return undefined;
  const name = key.toWellFormed();
  if (RESERVED.includes(name)) return `exported_${name}`;
  // As formats write it that have no quoted names: there no label begins with a digit or two underscores.
  return /^\d|^[^a-zA-Z0-9]{2}/u.test(name) ? `key_${name}` : name;
}

function textOf(value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'object') return labelText(value);
  try {
    return JSON.stringify(value)?.toWellFormed();
  } catch {
    return undefined; // Cyclic, or a getter that throws.
  }
}
