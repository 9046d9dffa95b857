// What all loggers of a thread share, and look at when they write a line. App threads; one object per thread.
import { getEnvironmentData, setEnvironmentData } from 'node:worker_threads';
import { DISABLED } from '../binding/load.js';
import type { LogWriter } from '../binding/log-writer.js';
import { perThread } from '../binding/per-thread.js';
import type { Redaction } from '../binding/redaction.js';
import type { LevelScale, LevelWords } from './levels.js';
import type { Redact } from './redaction/options.js';
import { type CompiledRedaction, compileRedaction } from './redaction/redaction.js';

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
  /** Takes secrets out of texts for those that the collector does not stand before. */
  scrub: ((text: string) => string) | undefined;
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
  scrub: undefined,
  writer: undefined,
  ...inherited(),
}));

/** What a thread that is started later takes over from this one: plain data. */
export interface InheritedSettings extends Partial<Pick<LogSettings, 'enabled' | 'heldFrom' | 'traced' | 'scale' | 'words'>> {
  /** Levels of patterns, the weakest first. */
  readonly levels?: readonly (readonly [pattern: string, level: number])[];
  readonly redact?: Redact | undefined;
  readonly base?: LogFields | undefined;
}

/** What the thread that started this one had configured by then, if anything. */
export function inheritedSettings(): InheritedSettings | undefined {
  return getEnvironmentData(INHERITED) as unknown as InheritedSettings | undefined;
}

/** Gives this to the threads that this one starts from now on, beside what it gave before. */
export function bequeath(inheritance: InheritedSettings): void {
  setEnvironmentData(INHERITED, { ...inheritedSettings(), ...inheritance } as never);
}

function inherited(): Partial<LogSettings> {
  const { levels: _, redact, enabled = true, ...rest } = inheritedSettings() ?? {};
  const redaction = redact === undefined ? undefined : compileRedaction(redact);
  return { ...rest, enabled: enabled && !DISABLED, redaction, scrub: scrubOf(redaction) };
}

/** What looks for secrets in texts on this thread; undefined where nothing is looked for. */
export function scrubOf(redaction: CompiledRedaction | undefined): LogSettings['scrub'] {
  if (redaction === undefined || redaction.patterns.isEmpty) return undefined;
  return (text) => redaction.patterns.scrub(text);
}
