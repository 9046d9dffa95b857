// One level of the label index: from a label's value to the next level, or to a place in the last. App thread.
import type { Place } from '../binding/segment.js';
import type { LabelValue } from './labels.js';

/** Up to here comparing one value after another is quicker than hashing: methods, status codes, a handful of routes. */
const COMPARED_MAX = 8;

/** What a value leads to. */
export type Next = Level | Place;

/** A map that begins as a short list. */
export class Level {
  #keys: LabelValue[] = [];
  #next: Next[] = [];
  /** All entries, once there are more than {@link COMPARED_MAX}. */
  #map: Map<LabelValue, Next> | undefined;

  /** Entries. */
  get size(): number {
    return this.#map === undefined ? this.#keys.length : this.#map.size;
  }

  /** What `value` leads to. NaN is found only in a level with many values: whoever asks for it takes the careful path. */
  get(value: LabelValue): Next | undefined {
    const map = this.#map;
    if (map !== undefined) return map.get(value);
    const keys = this.#keys;
    for (let at = 0; at < keys.length; at++) if (keys[at] === value) return this.#next[at];
    return undefined;
  }

  set(value: LabelValue, next: Next): void {
    if (this.#map !== undefined) {
      this.#map.set(value, next);
      return;
    }
    const at = this.#keys.findIndex((key) => key === value || Object.is(key, value));
    if (at >= 0) {
      this.#next[at] = next;
    } else if (this.#keys.length < COMPARED_MAX) {
      this.#keys.push(value);
      this.#next.push(next);
    } else {
      this.#map = new Map([...this, [value, next]]);
      this.#keys = [];
      this.#next = [];
    }
  }

  delete(value: LabelValue): void {
    if (this.#map !== undefined) {
      this.#map.delete(value);
      return;
    }
    const at = this.#keys.findIndex((key) => key === value || Object.is(key, value));
    if (at < 0) return;
    this.#keys.splice(at, 1);
    this.#next.splice(at, 1);
  }

  *[Symbol.iterator](): Generator<[LabelValue, Next]> {
    if (this.#map !== undefined) yield* this.#map;
    else for (const [at, key] of this.#keys.entries()) yield [key, this.#next[at] as Next];
  }
}
