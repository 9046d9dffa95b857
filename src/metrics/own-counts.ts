// Counters and gauges of Kymo's own, in registry `kymo`, as bare cells: for what stands below the instruments, or must not be
// heard by their hook. App threads.
import { native } from '../binding/load.js';
import { attach, cellOf, cellsAt, type Place, placeOf } from '../binding/segment.js';
import { SELF_REGISTRY } from './drops.js';

/** One series. Never throws; without memory its writes go nowhere. */
export interface OwnSeries {
  add(value: number): void;
  set(value: number): void;
}

const NOTHING: OwnSeries = { add: () => undefined, set: () => undefined };

/** Declares a metric of Kymo's own when it is first used on a thread, and gives its series by label values. */
export class OwnMetric {
  readonly #options: { readonly name: string; readonly help: string; readonly kind: 1 | 2; readonly labelNames: readonly string[] };
  readonly #series = new Map<string, OwnSeries>();
  #id: number | undefined;

  /** A gauge is one value for the process: the last one written. */
  constructor(kind: 'counter' | 'gauge', name: string, help: string, labelNames: readonly string[]) {
    this.#options = { name, help, kind: kind === 'counter' ? 1 : 2, labelNames };
  }

  /** The series of these label values, shown with 0 from now on. */
  series(...values: string[]): OwnSeries {
    const key = JSON.stringify(values);
    let series = this.#series.get(key);
    if (series === undefined) {
      series = this.#make(values);
      this.#series.set(key, series);
    }
    return series;
  }

  #make(values: string[]): OwnSeries {
    attach();
    const { name, help, kind, labelNames } = this.#options;
    this.#id ??= native.declareMetric(native.openRegistry(SELF_REGISTRY), {
      name,
      help,
      kind,
      labelNames: [...labelNames],
      last: kind === 2,
    });
    const location = native.registerSeries(this.#id, ...values);
    let place: Place;
    try {
      if (location < 0) return NOTHING;
      place = placeOf(location);
    } catch {
      return NOTHING; // Memory of another thread, which this runtime does not lend (M5).
    }
    const cells = cellsAt(place);
    const at = cellOf(place);
    return {
      add: (value) => {
        cells[at] = (cells[at] as number) + value;
      },
      set: (value) => {
        cells[at] = value;
      },
    };
  }
}
