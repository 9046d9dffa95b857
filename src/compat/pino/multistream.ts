// `pino.multistream`: one destination made of several, each with the least level that it takes. App threads, while a line is written.
import { needsMetadataGsym } from './symbols.js';

const INFO = 30;
/** Level names that are known without an option. */
const LEVELS: Readonly<Record<string, number>> = { trace: 10, debug: 20, info: INFO, warn: 40, error: 50, fatal: 60 };

/** What lines are written to. */
export interface LineStream {
  write(line: string): unknown;
  end?(): unknown;
  flushSync?(): unknown;
  emit?(event: string | symbol, ...args: unknown[]): unknown;
}

/** A stream and the least level that goes to it, by name or number: `info` unless given. */
export interface StreamLevel {
  stream: LineStream;
  level?: string | number;
  levelVal?: number;
}

/** A stream as it is kept: its level as a number, and the id by which it is removed. */
export interface KeptStream {
  stream: LineStream;
  level: number;
  levelVal?: undefined;
  id?: number;
}

export interface MultistreamOptions {
  /** Numbers of further level names, and other numbers for known ones. */
  readonly levels?: Record<string, number>;
  /** Writes a line only to the streams of the highest level that takes it. */
  readonly dedupe?: boolean;
}

/** The metadata that a logger leaves at a stream before it writes a line. */
interface Metadata {
  lastLevel?: unknown;
  lastTime?: unknown;
  lastMsg?: unknown;
  lastObj?: unknown;
  lastLogger?: unknown;
}

/** Several streams as one. */
export interface Multistream extends Metadata {
  write(line: string): void;
  /** Adds a stream; its id is then `lastId`. */
  add(stream: LineStream | StreamLevel | null | undefined): Multistream;
  remove(id: number): Multistream;
  /** Has every stream that can emit do so. */
  emit(event: string | symbol, ...args: unknown[]): void;
  flushSync(): void;
  end(): void;
  /** The least level that any stream takes. */
  minLevel: number;
  lastId?: number;
  /** In the order in which a line gets to them: ascending levels, of equal ones the last added first. */
  streams: KeptStream[];
  /** The same streams, all at one level. */
  clone(level: number): Multistream;
  streamLevels: Record<string, number>;
}

const NO_STREAM = 'stream object needs to implement either StreamEntry or DestinationStream interface';

/** Writes a line to one stream, which is told of it first if it asks for that. */
function writeTo(stream: LineStream, line: string, level: number, { lastTime, lastMsg, lastObj, lastLogger }: Metadata): void {
  if ((stream as { [needsMetadataGsym]?: unknown })[needsMetadataGsym]) {
    Object.assign(stream, { lastLevel: level, lastTime, lastMsg, lastObj, lastLogger });
  }
  stream.write(line);
}

/**
 * Makes one destination of several.
 * @param given streams, or streams with their levels; one may stand without a list
 * @throws {Error} for what is neither
 */
export function multistream(
  given?: readonly (LineStream | StreamLevel)[] | LineStream | StreamLevel | null,
  options: MultistreamOptions = {},
): Multistream {
  const streamLevels: Record<string, number> = Object.assign(Object.create(LEVELS), { silent: Number.POSITIVE_INFINITY }, options.levels);
  const dedupe = Boolean(options.dedupe);
  let lastId = 0;

  const shared = {
    write(this: Multistream, line: string): void {
      const said = this.lastLevel;
      const level = typeof said === 'string' ? (streamLevels[said] as number) : (said as number);
      const { streams } = this;
      if (!dedupe) {
        for (const one of streams) {
          // As in pino, a level that is no number keeps the line from the streams behind it.
          if (!(one.level <= level)) break;
          writeTo(one.stream, line, level, this);
        }
        return;
      }
      // From the highest level down, as in pino: of those that take the line, the ones with the highest. Level 0 counts as none there.
      let highest = 0;
      for (let at = streams.length - 1; at >= 0; at--) {
        const one = streams[at] as KeptStream;
        if (!(one.level <= level)) continue;
        if (highest !== 0 && one.level !== highest) break;
        highest = one.level;
        writeTo(one.stream, line, level, this);
      }
    },

    add(this: Multistream, entry: LineStream | StreamLevel | null | undefined): Multistream {
      if (!entry) return this;
      const { stream: inner, level, levelVal } = entry as Partial<StreamLevel>;
      const isStream = typeof (entry as Partial<LineStream>).write === 'function' || Boolean(inner);
      if (!isStream) throw new Error(NO_STREAM);
      const stream = typeof (entry as Partial<LineStream>).write === 'function' ? (entry as LineStream) : (inner as LineStream);
      lastId += 1;
      this.streams.unshift({ stream, level: numberOf(level, levelVal), levelVal: undefined, id: lastId });
      this.streams.sort((one, other) => one.level - other.level);
      this.minLevel = (this.streams[0] as KeptStream).level;
      if ('lastId' in this) this.lastId = lastId;
      return this;
    },

    remove(this: Multistream, id: number): Multistream {
      const at = this.streams.findIndex((one) => one.id === id);
      if (at < 0) return this;
      this.streams.splice(at, 1);
      this.streams.sort((one, other) => one.level - other.level);
      this.minLevel = this.streams.length > 0 ? (this.streams[0] as KeptStream).level : -1;
      return this;
    },

    emit(this: Multistream, event: string | symbol, ...args: unknown[]): void {
      for (const { stream } of this.streams) if (typeof stream.emit === 'function') stream.emit(event, ...args);
    },

    flushSync(this: Multistream): void {
      for (const { stream } of this.streams) if (typeof stream.flushSync === 'function') stream.flushSync();
    },

    end(this: Multistream): void {
      for (const { stream } of this.streams) {
        if (typeof stream.flushSync === 'function') stream.flushSync();
        // pino throws where a stream has no end.
        if (typeof stream.end === 'function') stream.end();
      }
    },
  };

  function numberOf(level: unknown, levelVal: unknown): number {
    if (typeof levelVal === 'number') return levelVal;
    if (typeof level === 'string') return streamLevels[level] as number;
    return typeof level === 'number' ? level : INFO;
  }

  function clone(this: Multistream, level: number): Multistream {
    const streams = this.streams.map(({ stream }) => ({ level, stream }));
    return withMetadata({ ...shared, minLevel: level, streams, clone, streamLevels });
  }

  const result = withMetadata({ ...shared, minLevel: 0, lastId: 0, streams: [], clone, streamLevels });
  for (const one of Array.isArray(given) ? given : [given]) result.add(one);
  return result;
}

/** Asks loggers for the metadata of each line: the level decides where it goes. */
function withMetadata(multistream: Multistream): Multistream {
  return Object.assign(multistream, { [needsMetadataGsym]: true });
}
