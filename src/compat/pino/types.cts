// The types of `kymo/pino`: pino 10's by name and shape, so that a program that compiles against those compiles against these. Declarations
// only; a namespace, because `export =` with types has no other form.
import type { EventEmitter } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Transferable, WorkerOptions } from 'node:worker_threads';

/**
 * Makes a logger.
 * @param optionsOrStream options, or where lines go; standard output unless given
 */
declare function pino<CustomLevels extends string = never, UseOnlyCustomLevels extends boolean = boolean>(
  optionsOrStream?: pino.LoggerOptions<CustomLevels, UseOnlyCustomLevels> | pino.DestinationStream,
): pino.Logger<CustomLevels, UseOnlyCustomLevels>;

/** Makes a logger that writes to `stream`. */
declare function pino<CustomLevels extends string = never, UseOnlyCustomLevels extends boolean = boolean>(
  options: pino.LoggerOptions<CustomLevels, UseOnlyCustomLevels>,
  stream?: pino.DestinationStream | undefined,
): pino.Logger<CustomLevels, UseOnlyCustomLevels>;

declare namespace pino {
  export type Level = 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace';
  export type LevelOrString = Level | (string & {});
  export type LevelWithSilent = Level | 'silent';
  export type LevelWithSilentOrString = LevelWithSilent | (string & {});

  // biome-ignore lint/suspicious/noExplicitAny: as pino's; a narrower type would refuse programs that pino's takes.
  type Anything = any;

  export type Bindings = Record<string, Anything>;
  export type LogDescriptor = Record<string, Anything>;
  export type SerializerFn = (value: Anything) => Anything;
  export type WriteFn = (o: object) => void;

  /** Level names and their numbers, both ways. */
  export interface LevelMapping {
    values: { [level: string]: number };
    labels: { [level: number]: string };
  }

  // What `%` in a message asks for behind it.
  type PlaceholderSpecifier = 'd' | 's' | 'j' | 'o' | 'O';
  type PlaceholderTypeMapping<T extends PlaceholderSpecifier> = T extends 'd'
    ? number
    : T extends 's'
      ? unknown
      : T extends 'j' | 'o' | 'O'
        ? NonNullable<unknown> | null
        : never;
  type ParseLogFnArgs<T, Found extends unknown[] = []> = T extends `${infer _Before}%${infer Letter}${infer Rest}`
    ? Letter extends PlaceholderSpecifier
      ? ParseLogFnArgs<Rest, [...Found, PlaceholderTypeMapping<Letter>]>
      : ParseLogFnArgs<Rest, Found>
    : Found;

  /** Fields that objects to be logged may have: empty, for programs to declare theirs by merging. */
  // biome-ignore lint/suspicious/noEmptyInterface: merged into by programs.
  export interface LogFnFields {}

  /** Writes a line: a message with what its placeholders stand for, or an object before it. */
  export interface LogFn {
    <TMsg extends string = string>(msg: TMsg, ...args: ParseLogFnArgs<TMsg>): void;
    <T, TMsg extends string = string>(
      obj: [T] extends [object] ? T & LogFnFields : T,
      msg?: T extends string ? never : TMsg,
      ...args: ParseLogFnArgs<TMsg> | []
    ): void;
    <T, TMsg extends string = string>(
      obj: [T] extends [object] ? T & LogFnFields : T,
      msg?: T extends string ? never : TMsg,
      ...args: ParseLogFnArgs<TMsg> extends [unknown, ...unknown[]] ? ParseLogFnArgs<TMsg> : unknown[]
    ): void;
  }

  type TimeFn = () => string;
  type MixinFn<CustomLevels extends string = never> = (mergeObject: object, level: number, logger: Logger<CustomLevels>) => object;
  type MixinMergeStrategyFn = (mergeObject: object, mixinObject: object) => object;
  /** Runs whenever a child is made. */
  type OnChildCallback<CustomLevels extends string = never> = (child: Logger<CustomLevels>) => void;

  type CustomLevelLogger<CustomLevels extends string, UseOnlyCustomLevels extends boolean = boolean> = {
    customLevels: { [level in CustomLevels]: number };
    useOnlyCustomLevels: UseOnlyCustomLevels;
  } & {
    // With only custom levels the usual methods are not there.
    [K in Exclude<Level, CustomLevels>]: UseOnlyCustomLevels extends true ? never : LogFn;
  } & {
    [level in CustomLevels]: LogFn;
  };

  /** The methods that write lines. */
  export interface BaseLogger {
    /** Lines below it are not written. */
    level: LevelWithSilentOrString;
    fatal: LogFn;
    error: LogFn;
    warn: LogFn;
    info: LogFn;
    debug: LogFn;
    trace: LogFn;
    /** Does nothing. */
    silent: LogFn;
    /** What messages begin with. */
    get msgPrefix(): string | undefined;
  }

  export type LevelChangeEventListener<CustomLevels extends string = never, UseOnlyCustomLevels extends boolean = boolean> = (
    lvl: LevelWithSilentOrString,
    val: number,
    prevLvl: LevelWithSilentOrString,
    prevVal: number,
    logger: Logger<CustomLevels, UseOnlyCustomLevels>,
  ) => void;

  export interface LoggerExtras<CustomLevels extends string = never, UseOnlyCustomLevels extends boolean = boolean> extends EventEmitter {
    readonly version: string;
    levels: LevelMapping;
    useLevelLabels: boolean;
    /** The number of `level`. */
    levelVal: number;
    /** Makes a logger whose lines have `bindings` besides what this one's have. */
    child<ChildCustomLevels extends string = never>(
      bindings: Bindings,
      options?: ChildLoggerOptions<ChildCustomLevels>,
    ): Logger<CustomLevels | ChildCustomLevels>;
    onChild: OnChildCallback<CustomLevels>;
    on(event: 'level-change', listener: LevelChangeEventListener<CustomLevels, UseOnlyCustomLevels>): this;
    addListener(event: 'level-change', listener: LevelChangeEventListener<CustomLevels, UseOnlyCustomLevels>): this;
    once(event: 'level-change', listener: LevelChangeEventListener<CustomLevels, UseOnlyCustomLevels>): this;
    prependListener(event: 'level-change', listener: LevelChangeEventListener<CustomLevels, UseOnlyCustomLevels>): this;
    prependOnceListener(event: 'level-change', listener: LevelChangeEventListener<CustomLevels, UseOnlyCustomLevels>): this;
    removeListener(event: 'level-change', listener: LevelChangeEventListener<CustomLevels, UseOnlyCustomLevels>): this;
    isLevelEnabled(level: LevelWithSilentOrString): boolean;
    bindings(): Bindings;
    /** Adds to the bindings; keys that are there are written twice. */
    setBindings(bindings: Bindings): void;
    /** Calls back once all that was logged before is where it goes. */
    flush(cb?: (err?: Error) => void): void;
  }

  export type Logger<CustomLevels extends string = never, UseOnlyCustomLevels extends boolean = boolean> = BaseLogger &
    LoggerExtras<CustomLevels> &
    CustomLevelLogger<CustomLevels, UseOnlyCustomLevels>;

  export interface redactOptions {
    paths: string[];
    censor?: string | ((value: unknown, path: string[]) => unknown);
    remove?: boolean;
  }

  /** Where lines go. */
  export interface DestinationStream {
    write(msg: string): void;
  }

  interface DestinationStreamHasMetadata {
    [symbols.needsMetadataGsym]: true;
    lastLevel: number;
    lastTime: string;
    lastMsg: string;
    lastObj: object;
    lastLogger: Logger;
  }

  /** One that is told of the line before it is written, where it asks for that. */
  export type DestinationStreamWithMetadata = DestinationStream & ({ [symbols.needsMetadataGsym]?: false } | DestinationStreamHasMetadata);

  export interface TransportTargetOptions<TransportOptions = Record<string, Anything>> {
    target: string;
    options?: TransportOptions;
    level?: LevelWithSilentOrString;
  }

  export interface TransportBaseOptions<TransportOptions = Record<string, Anything>> {
    options?: TransportOptions;
    worker?: WorkerOptions & { autoEnd?: boolean };
  }

  export interface TransportSingleOptions<TransportOptions = Record<string, Anything>> extends TransportBaseOptions<TransportOptions> {
    target: string;
  }

  export interface TransportPipelineOptions<TransportOptions = Record<string, Anything>> extends TransportBaseOptions<TransportOptions> {
    pipeline: TransportSingleOptions<TransportOptions>[];
    level?: LevelWithSilentOrString;
  }

  export interface TransportMultiOptions<TransportOptions = Record<string, Anything>> extends TransportBaseOptions<TransportOptions> {
    targets: readonly (TransportTargetOptions<TransportOptions> | TransportPipelineOptions<TransportOptions>)[];
    levels?: Record<string, number>;
    dedupe?: boolean;
  }

  export interface MultiStreamOptions {
    levels?: Record<string, number>;
    dedupe?: boolean;
  }

  export interface StreamEntry<TLevel = Level> {
    stream: DestinationStream;
    level?: TLevel;
  }

  export interface MultiStreamRes<TOriginLevel = Level> {
    write: (data: Anything) => void;
    add: <TLevel = Level>(dest: StreamEntry<TLevel> | DestinationStream) => MultiStreamRes<TOriginLevel & TLevel>;
    remove: (id: number) => MultiStreamRes<TOriginLevel>;
    flushSync: () => void;
    end: () => void;
    minLevel: number;
    streams: StreamEntry<TOriginLevel>[];
    clone<const TLevel = Level>(level: TLevel): MultiStreamRes<TLevel>;
  }

  /** A serializer as `formatters` knows it. */
  interface Formatters {
    level?: (label: string, number: number) => object;
    bindings?: (bindings: Bindings) => object;
    log?: (object: Record<string, unknown>) => Record<string, unknown>;
  }

  /** What only the build of pino for browsers reads; taken here, and without effect. */
  interface BrowserOptions {
    asObject?: boolean;
    asObjectBindingsOnly?: boolean;
    formatters?: Pick<Formatters, 'level' | 'log'>;
    reportCaller?: boolean;
    write?:
      | WriteFn
      | ({ fatal?: WriteFn; error?: WriteFn; warn?: WriteFn; info?: WriteFn; debug?: WriteFn; trace?: WriteFn } & {
          [logLevel: string]: WriteFn;
        });
    serialize?: boolean | string[];
    transmit?: { level?: LevelOrString; send: (level: Level, logEvent: LogEvent) => void };
    disabled?: boolean;
  }

  export interface LoggerOptions<CustomLevels extends string = never, UseOnlyCustomLevels extends boolean = boolean> {
    transport?: TransportSingleOptions | TransportMultiOptions | TransportPipelineOptions;
    safe?: boolean;
    name?: string;
    serializers?: { [key: string]: SerializerFn };
    /** A function gives the text of the time with the comma before it, such as `,"time":1`. */
    timestamp?: TimeFn | boolean;
    level?: LevelWithSilentOrString;
    customLevels?: { [level in CustomLevels]: number };
    useOnlyCustomLevels?: UseOnlyCustomLevels;
    levelComparison?: 'ASC' | 'DESC' | ((current: number, expected: number) => boolean);
    mixin?: MixinFn<CustomLevels>;
    mixinMergeStrategy?: MixinMergeStrategyFn;
    redact?: string[] | redactOptions;
    levelVal?: number;
    messageKey?: string;
    errorKey?: string;
    nestedKey?: string;
    enabled?: boolean;
    browser?: BrowserOptions;
    base?: { [key: string]: Anything } | null;
    formatters?: Formatters;
    msgPrefix?: string;
    hooks?: {
      logMethod?: (this: Logger, args: Parameters<LogFn>, method: LogFn, level: number) => void;
      streamWrite?: (s: string) => string;
    };
    depthLimit?: number;
    edgeLimit?: number;
    onChild?: OnChildCallback<CustomLevels>;
    crlf?: boolean;
  }

  export interface ChildLoggerOptions<CustomLevels extends string = never> {
    level?: LevelOrString;
    serializers?: { [key: string]: SerializerFn };
    customLevels?: { [level in CustomLevels]: number };
    formatters?: {
      level?: (label: string, number: number) => object;
      bindings?: (bindings: Bindings) => object;
      log?: (object: object) => object;
    };
    redact?: string[] | redactOptions;
    msgPrefix?: string;
  }

  /** What `browser.transmit` is given. */
  export interface LogEvent {
    ts: number;
    messages: Anything[];
    bindings: Bindings[];
    level: { label: string; value: number };
  }

  /** An error as its serializer gives it. */
  export interface SerializedError {
    type: string;
    message: string;
    stack: string;
    /** Not enumerable. */
    raw: Error;
    cause?: never;
    [key: string]: Anything;
    [key: number]: Anything;
  }

  /** A request as its serializer gives it. */
  export interface SerializedRequest {
    id: string | undefined;
    method: string;
    url: string;
    headers: Record<string, string>;
    remoteAddress: string;
    remotePort: number;
    params: Record<string, string>;
    query: Record<string, string>;
    /** Not enumerable. */
    raw: IncomingMessage;
  }

  /** A response as its serializer gives it. */
  export interface SerializedResponse {
    statusCode: number;
    headers: Record<string, string>;
    /** Not enumerable. */
    raw: ServerResponse;
  }

  export const stdSerializers: {
    err(err: Error): SerializedError;
    errWithCause(err: Error): SerializedError;
    req(req: IncomingMessage): SerializedRequest;
    mapHttpRequest(req: IncomingMessage): { req: SerializedRequest };
    res(res: ServerResponse): SerializedResponse;
    mapHttpResponse(res: ServerResponse): { res: SerializedResponse };
    wrapErrorSerializer(customSerializer: (err: SerializedError) => Record<string, Anything>): (err: Error) => Record<string, Anything>;
    wrapRequestSerializer(
      customSerializer: (req: SerializedRequest) => Record<string, Anything>,
    ): (req: IncomingMessage) => Record<string, Anything>;
    wrapResponseSerializer(
      customSerializer: (res: SerializedResponse) => Record<string, Anything>,
    ): (res: ServerResponse) => Record<string, Anything>;
  };

  export const levels: LevelMapping;

  export const symbols: {
    readonly setLevelSym: unique symbol;
    readonly getLevelSym: unique symbol;
    readonly levelValSym: unique symbol;
    readonly useLevelLabelsSym: unique symbol;
    readonly mixinSym: unique symbol;
    readonly lsCacheSym: unique symbol;
    readonly chindingsSym: unique symbol;
    readonly asJsonSym: unique symbol;
    readonly writeSym: unique symbol;
    readonly serializersSym: unique symbol;
    readonly redactFmtSym: unique symbol;
    readonly timeSym: unique symbol;
    readonly timeSliceIndexSym: unique symbol;
    readonly streamSym: unique symbol;
    readonly stringifySym: unique symbol;
    readonly stringifySafeSym: unique symbol;
    readonly stringifiersSym: unique symbol;
    readonly endSym: unique symbol;
    readonly formatOptsSym: unique symbol;
    readonly messageKeySym: unique symbol;
    readonly errorKeySym: unique symbol;
    readonly nestedKeySym: unique symbol;
    readonly wildcardFirstSym: unique symbol;
    readonly needsMetadataGsym: unique symbol;
    readonly useOnlyCustomLevelsSym: unique symbol;
    readonly formattersSym: unique symbol;
    readonly hooksSym: unique symbol;
  };

  export const version: string;

  export const stdTimeFunctions: {
    epochTime: TimeFn;
    unixTime: TimeFn;
    nullTime: TimeFn;
    isoTime: TimeFn;
    isoTimeNano: TimeFn;
  };

  /** Options of `destination`. */
  interface SonicBoomOpts {
    fd?: number | string | symbol;
    dest?: string | number;
    maxLength?: number;
    minLength?: number;
    maxWrite?: number;
    periodicFlush?: number;
    sync?: boolean;
    fsync?: boolean;
    append?: boolean;
    mode?: string | number;
    mkdir?: boolean;
    contentMode?: 'buffer' | 'utf8';
    retryEAGAIN?: (err: Error, writeBufferLen: number, remainingBufferLen: number) => boolean;
  }

  /** What `destination` gives. */
  interface SonicBoom extends EventEmitter {
    write(string: string): boolean;
    flush(cb?: (err?: Error) => unknown): void;
    reopen(fileDescriptor?: string | number): void;
    flushSync(): void;
    end(): void;
    destroy(): void;
  }

  /** What `transport` gives. */
  interface ThreadStream extends EventEmitter {
    write(data: string): boolean;
    end(): void;
    flush(cb?: (err?: Error) => void): void;
    flushSync(): void;
    emit(eventName: string | symbol, ...args: Anything[]): boolean;
    /** A message goes to the worker, whose modules hear it at their `parentPort`. */
    emit(eventName: 'message', message: Anything, transferList?: Transferable[]): boolean;
  }

  /** A file or descriptor to write lines to. */
  export function destination(dest?: number | object | string | DestinationStream | NodeJS.WritableStream | SonicBoomOpts): SonicBoom;

  /** A worker thread to write lines to. */
  export function transport<TransportOptions = Record<string, Anything>>(
    options:
      | TransportSingleOptions<TransportOptions>
      | TransportMultiOptions<TransportOptions>
      | TransportPipelineOptions<TransportOptions>,
  ): ThreadStream;

  /** Several streams to write lines to. */
  export function multistream<TLevel = Level>(
    streamsArray: (DestinationStream | StreamEntry<TLevel>)[] | DestinationStream | StreamEntry<TLevel>,
    opts?: MultiStreamOptions,
  ): MultiStreamRes<TLevel>;

  export { pino as default, pino };
}

export = pino;
