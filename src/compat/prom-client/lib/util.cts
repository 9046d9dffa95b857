// `prom-client/lib/util`, by its path there. Nothing of ours uses it: it is here for programs that do. App threads.

interface Entry {
  value: number;
  labels: Record<string, unknown>;
}
type Entries = Record<string, Entry>;
type Labels = Record<string, unknown>;

/** A number as prom-client spells it. */
function getValueAsString(value: number): string {
  if (Number.isNaN(value)) return 'Nan';
  if (Number.isFinite(value)) return String(value);
  return value < 0 ? '-Inf' : '+Inf';
}

/** prom-client's key of a set of labels; the values are not told apart from what separates them. */
function hashObject(labels: Labels, labelNames: readonly string[] = Object.keys(labels).sort()): string {
  return labelNames.map((name) => (labels[name] === undefined ? '' : `${name}:${labels[name]},`)).join('');
}

function removeLabels(entries: Entries, labels: Labels, sortedLabelNames: readonly string[]): void {
  delete entries[hashObject(labels, sortedLabelNames)];
}

function setValue(entries: Entries, value: unknown, labels: Labels): Entries {
  entries[hashObject(labels)] = { value: typeof value === 'number' ? value : 0, labels: labels || {} };
  return entries;
}

function setValueDelta(entries: Entries, delta: unknown, labels: Labels, hash = ''): Entries {
  const value = typeof delta === 'number' ? delta : 0;
  const entry = entries[hash];
  if (entry) entry.value += value;
  else entries[hash] = { value, labels };
  return entries;
}

/** Labels of the arguments of `labels()`: an object, or values in the order of the names. @throws Error for another number of values. */
function getLabels(labelNames: readonly string[], args: readonly unknown[]): Labels {
  if (typeof args[0] === 'object') return args[0] as Labels;
  if (labelNames.length !== args.length) {
    const given = `Invalid number of arguments (${args.length}): "${args.join(', ')}"`;
    throw new Error(`${given} for label names (${labelNames.length}): "${labelNames.join(', ')}".`);
  }
  return Object.fromEntries(labelNames.map((name, at) => [name, args[at]]));
}

function isObject(value: unknown): boolean {
  return value !== null && typeof value === 'object';
}

/** Seconds since 1970. */
function nowTimestamp(): number {
  return Date.now() / 1000;
}

/** Lists by key. */
class Grouper<K, V> extends Map<K, V[]> {
  add(key: K, value: V): void {
    const list = this.get(key);
    if (list) list.push(value);
    else this.set(key, [value]);
  }
}

export = { getValueAsString, removeLabels, setValue, setValueDelta, getLabels, hashObject, isObject, nowTimestamp, Grouper };
