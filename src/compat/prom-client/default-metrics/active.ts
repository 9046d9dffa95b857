// What keeps the event loop busy, counted by type: shared by the sets of handles, requests and resources. App threads.
import { Gauge } from '../gauge.js';
import type { Registry } from '../registry.js';
import { type DefaultMetricsOptions, placementIn } from './placement.js';

/** How many of each name there are. */
export function countByName(names: Iterable<string>): Map<string, number> {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return counts;
}

/** Names of the classes that the objects are of; what has no constructor is left out. */
export function* classNames(objects: Iterable<unknown>): Generator<string> {
  for (const object of objects) {
    const type = (object as { constructor?: { name: string } } | null | undefined)?.constructor;
    if (object && typeof type !== 'undefined') yield type.name;
  }
}

/** The words of one set. */
export interface Active {
  /** Name of the gauge by type; that of the sum has `_total` behind it. */
  readonly name: string;
  readonly help: string;
  readonly totalHelp: string;
  /** What there is now. */
  readonly list: () => readonly unknown[];
  /** The type of each thing in a list. */
  readonly types: (list: readonly unknown[]) => Iterable<string>;
}

/** Declares both gauges of a set. A type that is gone is not shown any more. */
export function declareActive(
  { name, help, totalHelp, list, types }: Active,
  registry: Registry | undefined,
  options: DefaultMetricsOptions,
): void {
  const { prefix, labels, labelNames, registers } = placementIn(registry, options);
  new Gauge({
    name: prefix + name,
    help,
    labelNames: ['type', ...labelNames],
    registers,
    collect(this: Gauge) {
      const counts = countByName(types(list()));
      this.reset();
      for (const [type, count] of counts) this.set({ type, ...labels }, count);
    },
  });
  new Gauge({
    name: `${prefix}${name}_total`,
    help: totalHelp,
    registers,
    labelNames,
    collect(this: Gauge) {
      this.set(labels, list().length);
    },
  });
}
