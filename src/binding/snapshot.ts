// Snapshots of what nested calls want to write while a record is being built. App threads.
import { thrown } from './value-writer.js';

/** Nested calls kept while one record is built. */
const MOST_SPILLED = 64;
/** Properties of an object that a nested call's snapshot keeps. */
const MOST_SNAPPED = 64;
/** Snapshots inside snapshots: a getter that logs its own object would never end. */
const DEEPEST_SNAPSHOT = 2;

// Captured before an application can replace them.
const hasOwn = Object.prototype.hasOwnProperty;
const afterThisTurn = queueMicrotask;

let depth = 0;

/** Snapshots under way are none: for the turn after a call that never came back. */
export function forgetSnapshots(): void {
  depth = 0;
}

/** One level of an object, so that what is written later is what was there now; anything else as it is. Runs getters; never throws. */
export function snapshot(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (depth >= DEEPEST_SNAPSHOT) return '[Object]';
  depth++;
  const copy: Record<string, unknown> = Object.create(null);
  try {
    let count = 0;
    for (const key in value) {
      if (!hasOwn.call(value, key)) continue;
      if (count++ === MOST_SNAPPED) break;
      try {
        const property = (value as Record<string, unknown>)[key];
        copy[key] = typeof property === 'object' && property !== null ? '[Object]' : property;
      } catch (error) {
        copy[key] = thrown(error);
      }
    }
  } catch (error) {
    copy.snapshot = thrown(error);
  }
  depth--;
  return copy;
}

/** As {@link snapshot}, of fields: what goes too deep is a field that says so. */
export function snapshotOfFields(fields: object): object {
  const copy = snapshot(fields);
  return typeof copy === 'object' && copy !== null ? copy : { snapshot: copy };
}

/** Calls from inside another record's building, which are written after that one. */
export class Spill<T> {
  #kept: T[] | null = null;

  get isEmpty(): boolean {
    return this.#kept === null;
  }

  /**
   * Keeps what `snapshotOf` makes of a call; false when there are too many. The first one has `heal` called once the stack is empty, for an outer
   * call that never comes back.
   */
  keep(snapshotOf: () => T, heal: () => void): boolean {
    if (this.#kept === null) {
      this.#kept = [];
      afterThisTurn(heal);
    }
    if (this.#kept.length >= MOST_SPILLED) return false;
    const call = snapshotOf();
    // Snapshots run getters, whose calls may have filled the list or begun another one.
    this.#kept ??= [];
    this.#kept.push(call);
    return true;
  }

  /** What was kept; none is afterwards. */
  take(): readonly T[] {
    const kept = this.#kept ?? [];
    this.#kept = null;
    return kept;
  }
}
