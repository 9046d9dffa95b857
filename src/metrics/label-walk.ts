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

/** As {@link Walk}, with what stands in for a missing value, in the order of the levels. */
export type PartialWalk = (root: Level, labels: LabelValues, fallbacks: readonly (string | undefined)[]) => Place;

const partialWalks = new Map<string, PartialWalk>();

/** As {@link walkFor}, for objects that may leave values out. */
export function partialWalkFor(names: readonly string[]): PartialWalk {
  const key = JSON.stringify(names);
  let walk = partialWalks.get(key);
  if (walk === undefined) {
    walk = (compiled(names, (at) => ` ?? fallbacks[${at}]`) as PartialWalk | undefined) ?? looped([...names]);
    partialWalks.set(key, walk);
  }
  return walk;
}

function compiled(names: readonly string[], otherwise: (at: number) => string = () => ''): Walk | undefined {
  if (names.length === 0) return undefined;
  const steps = names.map((name, at) => {
    const value = `labels[${JSON.stringify(name)}]${otherwise(at)}`;
    return `at = at.get(${value}); if (at === undefined) return ${UNKNOWN};`;
  });
  try {
    return new Function('at', 'labels', 'fallbacks', `"use strict"; ${steps.join(' ')} return at;`) as Walk;
  } catch {
    return undefined; // The process forbids code from text.
  }
}

/** Where nothing stands in for a missing value, it is looked for as it is, and never found. */
function looped(names: readonly string[]): PartialWalk & Walk {
  if (names.length === 0) return unknown;
  return (root: Level, labels: LabelValues, fallbacks: readonly (string | undefined)[] = []) => {
    let at: Next | undefined = root;
    for (let depth = 0; depth < names.length; depth++) {
      at = (at as Level).get((labels[names[depth] as string] ?? fallbacks[depth]) as LabelValue);
      if (at === undefined) return UNKNOWN;
    }
    return at as Place;
  };
}
