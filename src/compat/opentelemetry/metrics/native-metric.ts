// The native side of an instrument: declared once by name, its series found by attributes and registered when they are first seen. App
// threads; recording into a known series is one walk through its attributes and one or two stores.
import type { Attributes } from '@opentelemetry/api';
import { native } from '../../../binding/load.js';
import { GONE, OVERFLOW, TOO_LONG } from '../../../binding/native-metrics.js';
import { attach, EPOCH, epochWords, type Place, placeOf } from '../../../binding/segment.js';
import { dropped, prepareDrops } from '../../../metrics/drops.js';
import { AttributeIndex, UNSEEN } from './attribute-index.js';
import { LabelNames, pairsOf } from './attribute-pairs.js';

/** What native code calls the kinds, and how the threads of the process become one value. */
export const SHAPES = {
  /** The sum of all threads, which only grows. */
  counter: { kind: 1, aggregate: 0 },
  /** The sum of all threads. */
  upDown: { kind: 2, aggregate: 0 },
  /** What was recorded last, by whichever thread. */
  last: { kind: 2, aggregate: 1 },
  histogram: { kind: 3, aggregate: 0 },
} as const;

/** A key of {@link SHAPES}. */
export type Shape = keyof typeof SHAPES;

/** What an instrument is declared as. */
export interface InstrumentDeclaration {
  readonly name: string;
  readonly help: string;
  readonly shape: Shape;
  /** Upper bounds of a histogram, ascending. */
  readonly bounds: readonly number[] | undefined;
}

const NONE: Attributes = Object.freeze({});

/**
 * What is declared in place of label names, which nobody knows before something is recorded. It is no name that every format can write,
 * so that scrapes look at the names of each series.
 */
const ANY_LABELS = ['otel.*'];

/** See the file. */
export class NativeMetric {
  readonly declaration: InstrumentDeclaration;
  /** Process-wide number. */
  readonly id: number;
  readonly #index = new AttributeIndex();
  /** Series by the JSON of their sorted pairs. */
  readonly #series = new Map<string, Place>();
  readonly #names = new LabelNames();
  #epoch: number;

  /** @throws Error `KYMO_METRICS_CONFLICT` when the name is in use for something else. */
  constructor(registry: number, declaration: InstrumentDeclaration) {
    attach();
    prepareDrops();
    this.declaration = declaration;
    const { name, help, shape, bounds } = declaration;
    const { kind, aggregate } = SHAPES[shape];
    this.id = native.declareMetric(registry, {
      name,
      help,
      kind,
      labelNames: ANY_LABELS,
      aggregate,
      last: aggregate === 1,
      ...(bounds === undefined ? {} : { bounds: Float64Array.from(bounds) }),
    });
    this.#epoch = epochWords()[EPOCH] as number;
  }

  /** True while the registry of that number shows it: until somebody cleared it. */
  isIn(registry: number): boolean {
    return native.findMetric(registry, this.declaration.name) === this.id;
  }

  /**
   * The place of the series with these attributes; a negative number for a drop, already counted: no memory, labels that are too long,
   * attributes that throw when they are read. Never throws.
   */
  place(attributes: Attributes | undefined): Place {
    // Somebody removed series or metrics: cells that this one knows may be another's soon.
    if (epochWords()[EPOCH] !== this.#epoch) this.#forget();
    const given = typeof attributes === 'object' && attributes !== null ? attributes : NONE;
    try {
      const place = this.#index.find(given);
      if (place !== UNSEEN) return place;
      const pairs = this.pairsOf(given);
      const found = this.#placeOfPairs(pairs);
      if (found >= 0) this.#index.remember(given, found);
      return found;
    } catch {
      dropped('label_value');
      return UNSEEN;
    }
  }

  /** Names and values in turn of the series that these attributes mean. */
  pairsOf(attributes: Attributes): string[] {
    return pairsOf(attributes, this.#names);
  }

  /** Shows the series of these pairs no more. */
  remove(pairs: readonly string[]): void {
    this.#series.delete(JSON.stringify(pairs));
    native.removePairs(this.id, false, ...pairs);
  }

  #forget(): void {
    this.#epoch = epochWords()[EPOCH] as number;
    this.#index.clear();
    this.#series.clear();
  }

  #placeOfPairs(pairs: readonly string[]): Place {
    const key = JSON.stringify(pairs);
    const known = this.#series.get(key);
    if (known !== undefined) return known;
    const answer = native.registerPairs(this.id, ...pairs);
    if (answer <= OVERFLOW) return placeOf(OVERFLOW - answer);
    if (answer < 0) {
      dropped(answer === TOO_LONG ? 'label_too_long' : answer === GONE ? 'unregistered' : 'memory');
      return UNSEEN;
    }
    const place = placeOf(answer);
    this.#series.set(key, place);
    return place;
  }
}
