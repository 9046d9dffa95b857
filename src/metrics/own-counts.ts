// Counters and gauges of Kymo's own, in registry `kymo`, as bare cells: for what stands below the instruments, or must not be
// heard by their hook. App threads.
import { native } from '../binding/load.js';
import { OVERFLOW } from '../binding/native-metrics.js';
import { attach, cellOf, cellsAt, placeOf } from '../binding/segment.js';
import { SELF_REGISTRY } from './drops.js';

/** One series. Never throws; without memory its writes go nowhere. */
export interface OwnSeries {
  add(value: number): void;
  set(value: number): void;
}

const NOTHING: OwnSeries = { add: () => undefined, set: () => undefined };

/** How threads are added up, by the addon's number. */
const SUM = 0;
const MAX = 3;

/** Declares a metric of Kymo's own when it is first used on a thread, and gives its series by label values. */
export class OwnMetric {
  readonly #options: { readonly name: string; readonly help: string; readonly kind: 1 | 2; readonly labelNames: readonly string[] };
  /** Of counters. A gauge's series may be removed by any thread, so that each use of one registers it. */
  readonly #series = new Map<string, OwnSeries>();
  #id: number | undefined;

  /** A gauge shows the greatest value of all threads. */
  constructor(kind: 'counter' | 'gauge', name: string, help: string, labelNames: readonly string[]) {
    this.#options = { name, help, kind: kind === 'counter' ? 1 : 2, labelNames };
  }

  /** The series of these label values, shown with 0 from now on. Take it anew for each use. */
  series(...values: string[]): OwnSeries {
    if (this.#options.kind === 2) return this.#make(values);
    const key = JSON.stringify(values);
    let series = this.#series.get(key);
    if (series === undefined) {
      series = this.#make(values);
      this.#series.set(key, series);
    }
    return series;
  }

  /** Forgets a series: a gauge's is shown no more, a counter's keeps its count. */
  end(...values: string[]): void {
    this.#series.delete(JSON.stringify(values));
    if (this.#options.kind === 2) native.removeSeries(this.#declared(), false, ...values);
  }

  #declared(): number {
    if (this.#id === undefined) {
      attach();
      const { labelNames, kind, ...named } = this.#options;
      const declaration = { ...named, kind, labelNames: [...labelNames], aggregate: kind === 2 ? MAX : SUM };
      this.#id = native.declareMetric(native.openRegistry(SELF_REGISTRY), declaration);
    }
    return this.#id;
  }

  #make(values: string[]): OwnSeries {
    const answer = native.registerSeries(this.#declared(), ...values);
    const location = answer <= OVERFLOW ? OVERFLOW - answer : answer;
    if (location < 0) return NOTHING;
    const place = placeOf(location);
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
