// What all loggers of a thread share, and look at when they write a line. App threads; one object per thread.
import { getEnvironmentData, setEnvironmentData } from 'node:worker_threads';
import { DISABLED } from '../binding/load.js';
import type { LogWriter } from '../binding/log-writer.js';
import { perThread } from '../binding/per-thread.js';
import type { Redaction } from '../binding/redaction.js';
import type { LevelScale, LevelWords } from './levels.js';

/** Name under which threads inherit. */
const INHERITED = 'kymo.logs';

/** Fields of lines, by their keys. */
export type LogFields = Readonly<Record<string, unknown>>;

/** The state that loggers share. */
export interface LogSettings {
  /** Counted up when something changes of which loggers keep a copy. */
  epoch: number;
  /** False: nothing is written, whatever its level. */
  enabled: boolean;
  /** Lowest level that is held for the trace that goes on, number inside; infinite: none. */
  heldFrom: number;
  /** Lines carry the ids of the current trace. */
  traced: boolean;
  /** How numbers of levels are read. */
  scale: LevelScale;
  /** How words of levels are written by what this thread writes itself. */
  words: LevelWords;
  /** First of all fields of every line. */
  base: LogFields | undefined;
  /** Where lines go, as native counts the places; -1: not asked for yet. */
  route: number;
  /** Rules about fields that must not be written. */
  redaction: Redaction | undefined;
  /** Undefined until the first line. */
  writer: LogWriter | undefined;
}

/** The one of this thread. */
export const settings: LogSettings = perThread('logs.settings', () => ({
  epoch: 1,
  enabled: !DISABLED,
  heldFrom: Number.POSITIVE_INFINITY,
  traced: true,
  scale: 'pino',
  words: 'short',
  base: undefined,
  route: -1,
  redaction: undefined,
  writer: undefined,
  ...inherited(),
}));

/** What a thread that is started later takes over from this one. */
export interface InheritedSettings extends Pick<LogSettings, 'enabled' | 'heldFrom' | 'traced' | 'scale' | 'words'> {
  /** Levels of patterns, in the order in which they were set. */
  readonly levels: readonly (readonly [pattern: string, level: number])[];
}

/** What the thread that started this one had configured by then, if anything. */
export function inheritedSettings(): InheritedSettings | undefined {
  return getEnvironmentData(INHERITED) as unknown as InheritedSettings | undefined;
}

/** Gives `inheritance` to the threads that this one starts from now on; base fields are not among it, since they may be no plain data. */
export function bequeath(inheritance: InheritedSettings | undefined): void {
  setEnvironmentData(INHERITED, inheritance as never);
}

function inherited(): Partial<LogSettings> {
  const given = inheritedSettings();
  if (given === undefined) return {};
  const { levels: _, enabled, ...rest } = given;
  return { ...rest, enabled: enabled && !DISABLED };
}
