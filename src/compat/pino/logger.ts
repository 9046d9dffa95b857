// A logger as everything that touches it sees it: pino's state under pino's symbols, which integrations read, replace and wrap. Types only.
import type { EventEmitter } from 'node:events';
import type { Stringify } from './format.js';
import type { LevelComparison, Levels } from './levels.js';
import type { Serializers } from './line.js';
import type { Stringifiers } from './redaction.js';
import type { SafeStringify } from './safe-json.js';
import type {
  asJsonSym,
  chindingsSym,
  endSym,
  errorKeySym,
  formatOptsSym,
  formattersSym,
  getLevelSym,
  hooksSym,
  levelCompSym,
  levelValSym,
  lsCacheSym,
  messageKeySym,
  mixinMergeStrategySym,
  mixinSym,
  msgPrefixSym,
  needsMetadataGsym,
  nestedKeyStrSym,
  nestedKeySym,
  serializersSym,
  setLevelSym,
  streamSym,
  stringifiersSym,
  stringifySafeSym,
  stringifySym,
  timeSliceIndexSym,
  timeSym,
  useOnlyCustomLevelsSym,
  writeSym,
} from './symbols.js';

/** A method such as `info`: `([object], [message], ...values)`. */
export type LogMethod = (this: Logger, ...values: unknown[]) => void;

/** Runs instead of a method, and calls it. */
export type LogHook = (this: Logger, values: unknown[], method: LogMethod, level: number) => void;

/** What lines are written to. */
export interface Stream {
  write(line: string): unknown;
  flush?(done: (error?: Error) => void): void;
  flushSync?(): void;
  emit?(event: string, message: unknown): unknown;
  [needsMetadataGsym]?: boolean;
  lastLevel?: number;
  lastObj?: object;
  lastMsg?: unknown;
  lastTime?: string;
  lastLogger?: Logger;
}

export interface Formatters {
  level: (label: string, level: number) => unknown;
  bindings: (bindings: unknown) => unknown;
  log?: ((object: object) => object) | undefined;
}

export interface Hooks {
  logMethod?: LogHook | undefined;
  streamWrite?: ((line: string) => string) | undefined;
}

export type Mixin = (object: object, level: number, logger: Logger) => object;
export type MergeStrategy = (object: object, mixed: object) => object;

/** A root logger, or a child, whose prototype is its parent. */
export interface Logger extends EventEmitter {
  levels: Levels;
  level: string | number;
  readonly msgPrefix: string | undefined;
  onChild: ((child: Logger) => void) | null | undefined;
  child(bindings: object, options?: ChildOptions): Logger;
  /** The option of a child that has one of its own. */
  redact?: unknown;
  [writeSym](object: object | null | undefined, message: unknown, level: number): void;
  [asJsonSym](object: object, message: unknown, level: number, time: string): string;
  [getLevelSym](): string;
  [setLevelSym](level: unknown): void;
  [levelValSym]: number;
  [levelCompSym]: LevelComparison;
  [lsCacheSym]: Record<string, string>;
  [useOnlyCustomLevelsSym]: unknown;
  [streamSym]: Stream;
  [timeSym](): string;
  [timeSliceIndexSym]: number;
  [stringifySym](value: unknown, safe?: SafeStringify): string | undefined;
  [stringifySafeSym]: SafeStringify;
  [stringifiersSym]: Stringifiers;
  [endSym]: string;
  [formatOptsSym]: { stringify: Stringify };
  [messageKeySym]: string;
  [errorKeySym]: string;
  [nestedKeySym]: string | null | undefined;
  [nestedKeyStrSym]: string;
  [serializersSym]: Serializers;
  [mixinSym]: Mixin | undefined;
  [mixinMergeStrategySym]: MergeStrategy | undefined;
  [chindingsSym]: string;
  [formattersSym]: Formatters;
  [hooksSym]: Hooks;
  [msgPrefixSym]: string | undefined;
}

export interface ChildOptions {
  level?: unknown;
  msgPrefix?: unknown;
  redact?: unknown;
  serializers?: Serializers | null;
  formatters?: Partial<Formatters> | null;
  customLevels?: Record<string, number> | null;
}
