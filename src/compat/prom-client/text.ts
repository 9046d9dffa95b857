// prom-client's text of a metric, made in JavaScript: for metrics that are not ours, and for what native code cannot print alike. The
// twin of native/core/src/metrics/exposition/prom_client.rs. Pure functions, any thread.
import type { Exemplar } from './exemplar.js';
import type { Labels } from './label-identity.js';

/** One line, before it is one. */
export interface Sample {
  labels?: Labels;
  /** Labels that follow, in series with several lines. */
  sharedLabels?: Labels;
  value: number;
  /** The metric's own name without one. */
  metricName?: string;
  exemplar?: Exemplar | null | undefined;
}

/** A metric before it is text. */
export interface TextSource {
  name: string;
  help: string;
  type: string;
  values?: Sample[];
}

/** A number as prom-client spells it: `Nan`, `+Inf`, `-Inf`, else as JavaScript does. */
export function numberText(value: unknown): string {
  if (Number.isNaN(value)) return 'Nan';
  if (Number.isFinite(value)) return `${value}`;
  return (value as number) < 0 ? '-Inf' : '+Inf';
}

/** HELP, TYPE and a line per sample, without a line feed behind the last. `defaultLabels` are shown where a sample has no such label. */
export function metricText(metric: TextSource, defaultLabels: Labels, openMetrics: boolean): string {
  const name = escapeText(metric.name);
  const lines = [`# HELP ${name} ${escapeText(metric.help)}`, `# TYPE ${name} ${metric.type}`];
  const suffix = openMetrics && metric.type === 'counter' ? '_total' : '';
  const defaults = Object.keys(defaultLabels).length > 0 ? defaultLabels : undefined;
  let shared: Labels | undefined;
  let sharedText = '';
  for (const sample of metric.values || []) {
    const { metricName = name, sharedLabels = {}, exemplar } = sample;
    let { labels = {} } = sample;
    if (defaults !== undefined) labels = { ...labels, ...defaults, ...labels };
    // A series' samples share the object, and come one after another.
    if (sharedLabels !== shared) {
      shared = sharedLabels;
      sharedText = pairs(sharedLabels).join(',');
    }
    const parts = pairs(labels, sharedLabels);
    if (sharedText) parts.push(sharedText);
    let line = `${metricName}${suffix}${parts.length > 0 ? `{${parts.join(',')}}` : ''} ${numberText(sample.value)}`;
    if (exemplar && openMetrics) line += ` # {${pairs(exemplar.labelSet).join(',')}} ${numberText(exemplar.value)} ${exemplar.timestamp}`;
    lines.push(line);
  }
  return lines.join('\n');
}

/** What a counter is called in OpenMetrics. */
export function withoutTotal(name: string): string {
  return name.replace(/_total$/, '');
}

function pairs(labels: object, except?: object): string[] {
  const texts: string[] = [];
  for (const [name, value] of Object.entries(labels)) {
    // A value of any type is a string first: no array brings a line of its own into the text.
    if (!except || !Object.hasOwn(except, name)) texts.push(`${name}="${escapeText(`${value}`).replace(/"/g, '\\"')}"`);
  }
  return texts;
}

function escapeText(text: string): string {
  return text.replace(/\\/g, '\\\\').replace(/\n/g, '\\n');
}
