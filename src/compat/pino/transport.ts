// `pino.transport`: finds the modules that are named, starts the worker that runs them, and ends it with the process. App threads.
import { EventEmitter } from 'node:events';
import { dirname, isAbsolute, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { type WorkerOptions, workerData } from 'node:worker_threads';
import resolve from './resolve.cjs';
import { transportUsesMultistreamSym } from './symbols.js';
import { type PipelinePlan, STARTED, type TargetPlan } from './transport-channel.js';
import { endWithProcess } from './transport-end.js';
import { BUILT } from './transport-files.js';
import { TransportStream } from './transport-stream.js';

export interface TransportTarget {
  readonly target: string;
  readonly options?: object | undefined;
  readonly level?: string | number | undefined;
}

export interface TransportPipeline {
  readonly pipeline: readonly TransportTarget[];
  readonly level?: string | number | undefined;
}

/** As pino's. One of `target`, `targets` and `pipeline` is given. */
export interface TransportOptions {
  readonly target?: string | undefined;
  readonly targets?: readonly (TransportTarget | TransportPipeline)[] | undefined;
  readonly pipeline?: readonly TransportTarget[] | undefined;
  readonly options?: object | undefined;
  readonly level?: string | number | undefined;
  readonly levels?: Record<string, number> | undefined;
  readonly dedupe?: boolean | undefined;
  readonly worker?: (WorkerOptions & { autoEnd?: boolean }) | undefined;
  /** The file, or files, from which targets are looked up; the callers' unless given. */
  readonly caller?: string | readonly string[] | undefined;
  readonly sync?: boolean | undefined;
}

/** Names of the target that writes files. */
const FILE_TARGETS = new Set(['pino/file', 'kymo/pino/file']);

/** What bundlers set: where a target's file lies in the bundle. */
interface Bundled {
  readonly __bundlerPathsOverrides?: Readonly<Record<string, string>>;
}

/** Files of the functions that called, the nearest first. */
function callers(): string[] {
  const { prepareStackTrace, stackTraceLimit } = Error;
  try {
    Error.stackTraceLimit = 50;
    Error.prepareStackTrace = (_error, sites) => sites.map((site) => site.getFileName());
    const { stack } = new Error('callers') as unknown as { stack: unknown };
    if (!Array.isArray(stack)) return [];
    const files = stack.filter((file): file is string => typeof file === 'string' && !file.startsWith('node:'));
    return files.map(toPath).filter((file) => !resolve.isOurs(file));
  } finally {
    Error.prepareStackTrace = prepareStackTrace;
    Error.stackTraceLimit = stackTraceLimit;
  }
}

function toPath(file: string): string {
  return file.startsWith('file:') ? fileURLToPath(file) : file;
}

/** The URL of a target's module. */
function locate(target: string, files: readonly string[]): string {
  const bundled = (globalThis as Bundled).__bundlerPathsOverrides?.[target];
  if (bundled !== undefined) return pathToFileURL(bundled).href;
  if (FILE_TARGETS.has(target)) return pathToFileURL(BUILT.fileTarget).href;
  if (isAbsolute(target)) return pathToFileURL(target).href;
  if (target.startsWith('file:')) return target;
  for (const file of files) {
    const found = resolve.resolveFrom(target, isAbsolute(file) ? dirname(file) : process.cwd());
    if (found !== undefined) return pathToFileURL(found).href;
  }
  throw new Error(`unable to determine transport target for "${target}"`);
}

/**
 * True while a module that is preloaded (`--require`, `--import`) runs in the worker of a transport: a worker preloads what the process
 * does, and a transport that is started there would start the next worker, without end.
 */
function isPreloading(): boolean {
  const { kymo } = (workerData ?? {}) as { kymo?: unknown };
  return kymo !== undefined && !(globalThis as { [STARTED]?: true })[STARTED];
}

/** What takes lines and does nothing with them. */
function nowhere(): TransportStream {
  const nothing = {
    write: () => true,
    flush: (done?: () => void) => done?.(),
    flushSync() {},
    end() {},
    endSync() {},
    ref() {},
    unref() {},
  };
  return Object.assign(new EventEmitter(), nothing) as unknown as TransportStream;
}

/**
 * Starts a worker that runs transports, and gives the stream that feeds it.
 *
 * At most 4 Mi characters of lines wait for the worker; beyond that they are dropped and counted. At the end of the process what waits is
 * written, for at most two seconds.
 * @throws {Error} for targets that cannot be found, and for options that cannot be sent to a thread
 */
export function transport(full: TransportOptions): TransportStream {
  const { target, targets, pipeline, options = {}, levels, dedupe, worker = {}, caller, sync = false } = full;
  if (target && targets) throw new Error('only one of target or targets can be specified');
  if (isPreloading()) return nowhere();
  const files = caller === undefined ? [...callers(), join(process.cwd(), 'index.js')] : [caller].flat();
  const plan = (one: TransportTarget): TargetPlan => ({
    target: locate(one.target, files),
    options: one.options ?? {},
    level: one.level,
  });

  let branches: (TargetPlan | PipelinePlan)[];
  if (targets) branches = targets.map((one) => ('pipeline' in one ? { pipeline: one.pipeline.map(plan), level: one.level } : plan(one)));
  else if (pipeline) branches = [{ pipeline: pipeline.map(plan) }];
  else branches = [{ target: locate(target as string, files), options: { ...options, pinoWillSendConfig: true } }];

  const { autoEnd = true, ...workerOptions } = worker;
  const parts = { ...(targets ? { targets: branches } : {}), ...(pipeline ? { pipelines: branches } : {}) };
  const stream = new TransportStream({
    plan: { branches, levels, dedupe: Boolean(dedupe) },
    workerData: { ...options, ...parts, pinoWillSendConfig: true },
    worker: workerOptions,
    sync,
  });
  if (targets) Object.assign(stream, { [transportUsesMultistreamSym]: true });
  if (autoEnd) endWithProcess(stream);
  return stream;
}
