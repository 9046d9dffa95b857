// Processes that trace, for the tests of what happens when exporting does not go well: a child with a configured stack, and its counts.
import { Child, type ChildOptions, DIST } from '../recorder/processes.js';

/** What a script finds: a stack as `options` say, spans to end, and the counts that `/metrics` shows. */
function preamble(options: string): string {
  return `
const { configureTracing, moduleExporter, otlpExporter } = await import('${DIST}index.js');
const { native } = await import('${DIST}binding/load.js');
const stack = await configureTracing(${options});
const { tracer } = stack.tracing;
let ended = 0;
const end = (count, attributes = { k: 'v' }) => {
  for (let n = 0; n < count; n++) tracer.startSpan('span ' + ++ended, { attributes }).end();
};
const counts = () => {
  const of = (name) => Object.fromEntries([...native.renderSync([native.openRegistry('kymo')], 0, false)
    .matchAll(new RegExp('^' + name + '\\\\{[^}]*="(\\\\w+)"\\\\} (\\\\d+)$', 'gm'))].map(([, word, n]) => [word, Number(n)]));
  const { spans, ...reasons } = of('kymo_spans_dropped_total');
  return { exported: of('kymo_spans_exported_total'), errors: of('kymo_exporter_errors_total'), dropped: reasons };
};
/** Holds this thread up until the file is there. */
const blockUntil = (file, ms = 20_000) => {
  const until = performance.now() + ms;
  while (!existsSync(file)) if (performance.now() > until) return false;
  return true;
};
const tick = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
`;
}

/** What {@link preamble}'s `counts` gives. */
export interface Counts {
  readonly exported: Readonly<Record<string, number>>;
  readonly errors: Readonly<Record<string, number>>;
  readonly dropped: Readonly<Record<string, number>>;
}

/** All that became of spans. */
export function accounted({ exported, dropped }: Counts): number {
  return [...Object.values(exported), ...Object.values(dropped)].reduce((sum, count) => sum + count, 0);
}

/** A process that configures tracing with `options`, JavaScript source, and then runs `script`. */
export function traced(folder: string, options: string, script: string, more: Partial<ChildOptions> = {}): Child {
  return new Child(`import { existsSync } from 'node:fs';\n${preamble(options)}\n${script}`, { folder, ...more });
}
