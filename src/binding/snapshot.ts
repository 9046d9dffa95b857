// Snapshots of what nested calls want to write while a record is being built. App threads.
import { thrown } from './value-writer.js';

/** Nested calls kept while one record is built; further ones are dropped and counted. */
export const MOST_SPILLED = 64;
/** Properties of an object that a nested call's snapshot keeps. */
const MOST_SNAPPED = 64;
/** Snapshots inside snapshots: a getter that logs its own object would never end. */
const DEEPEST_SNAPSHOT = 2;

const hasOwn = Object.prototype.hasOwnProperty;

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
