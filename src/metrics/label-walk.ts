// The walk from an object of labels to a place, compiled per set of label names. App thread; the hottest code of dynamic
// labels.
import type { Place } from '../binding/segment.js';
import type { Level, Next } from './label-level.js';
import type { LabelValue, LabelValues } from './labels.js';

/** Goes through the levels with the values of `labels`; {@link UNKNOWN} where a value is new. */
export type Walk = (root: Level, labels: LabelValues) => Place;

/** No such combination yet. */
export const UNKNOWN = -1;

const walks = new Map<string, Walk>();

/** A walk that finds nothing: every call takes the careful path. */
export function unknown(): Place {
  return UNKNOWN;
}

/**
 * The walk for these names, in the order of the levels. Where the engine may compile code from text it is a function of its
 * own per set of names, so that each property access stays monomorphic however many metrics there are (3 to 4 times quicker
 * than one loop for all); names stand in it as JSON strings, whatever they contain. With
 * `--disallow-code-generation-from-strings` it is the loop.
 */
export function walkFor(names: readonly string[]): Walk {
  const key = JSON.stringify(names);
  let walk = walks.get(key);
  if (walk === undefined) {
    walk = compiled(names) ?? looped([...names]);
    walks.set(key, walk);
  }
  return walk;
}

function compiled(names: readonly string[]): Walk | undefined {
  if (names.length === 0) return undefined;
  const steps = names.map((name) => `at = at.get(labels[${JSON.stringify(name)}]); if (at === undefined) return ${UNKNOWN};`);
  try {
    return new Function('at', 'labels', `"use strict"; ${steps.join(' ')} return at;`) as Walk;
  } catch {
    return undefined; // The process forbids code from text.
  }
}

function looped(names: readonly string[]): Walk {
  if (names.length === 0) return unknown;
  return (root, labels) => {
    let at: Next | undefined = root;
    for (const name of names) {
      at = (at as Level).get(labels[name] as LabelValue);
      if (at === undefined) return UNKNOWN;
    }
    return at as Place;
  };
}
