// The thread of one `pino.transport`: loads the modules, writes what comes from the application into the streams that they return, at the
// pace of the slowest, and closes them. Its own worker thread; what it does not take waits, bounded, at the application's end.
import { once } from 'node:events';
import { type Duplex, pipeline as join } from 'node:stream';
import { type MessagePort, workerData } from 'node:worker_threads';
import { levelOf } from './line-head.js';
import { type LineStream, multistream } from './multistream.js';
import {
  CONSUMED,
  ENDED,
  FAILED,
  type FromWorker,
  type PipelinePlan,
  READY,
  STARTED,
  STATE,
  type TargetPlan,
  type ToWorker,
  type TransportPlan,
} from './transport-channel.js';

/** A stream as a module returns it: a Writable, or something enough like one. */
interface TargetStream extends LineStream {
  on(event: string, listener: (...args: never[]) => void): unknown;
  once(event: string, listener: (...args: never[]) => void): unknown;
  write(line: string): unknown;
  end(): unknown;
  flush?(done: () => void): unknown;
  readonly writableNeedDrain?: boolean;
  readonly writableFinished?: boolean;
  readonly destroyed?: boolean;
}

type TargetFunction = (options: object) => TargetStream | Promise<TargetStream>;

const { kymo } = workerData as { kymo: { port: MessagePort; words: SharedArrayBuffer; plan: TransportPlan } };
const { port, plan } = kymo;
const words = new Int32Array(kymo.words);

// `import()` is spelled so because the compiler would make a `require` of it.
const importModule = new Function('url', 'return import(url)') as (url: string) => Promise<Record<string, unknown>>;

function say(message: FromWorker): void {
  port.postMessage(message);
}

function toState(state: number): void {
  Atomics.store(words, STATE, state);
  Atomics.notify(words, STATE);
  Atomics.notify(words, CONSUMED);
}

/** The function that a module exports as its default, or as its `module.exports`; transpiled modules wrap it once more. */
function functionOf(loaded: unknown): TargetFunction {
  let found: unknown = loaded;
  for (let depth = 0; depth < 3 && typeof found !== 'function'; depth++) found = (found as { default?: unknown } | undefined)?.default;
  if (typeof found !== 'function') throw new TypeError('worker is not a function');
  return found as TargetFunction;
}

async function open({ target, options }: TargetPlan): Promise<TargetStream> {
  const stream = await functionOf(await importModule(target))(options);
  if (typeof stream?.on !== 'function') throw new TypeError('destination.on is not a function');
  return stream;
}

/** Where lines go in, and the stream whose end says that all is written. */
interface Branch {
  readonly input: TargetStream;
  readonly output: TargetStream;
  readonly level: string | number | undefined;
}

async function openBranch(plan: TargetPlan | PipelinePlan): Promise<Branch> {
  const { level } = plan;
  const streams = await Promise.all('pipeline' in plan ? plan.pipeline.map(open) : [open(plan)]);
  for (const stream of streams) stream.on('error', fail as never);
  if (streams.length > 1) join(streams as unknown as Duplex[], (error) => error && fail(error));
  return { input: streams[0] as TargetStream, output: streams.at(-1) as TargetStream, level };
}

/** Takes whole lines out of pieces. */
class LineSplitter {
  readonly #take: (line: string) => void;
  #rest = '';

  constructor(take: (line: string) => void) {
    this.#take = take;
  }

  write(piece: string): void {
    const lines = (this.#rest + piece).split('\n');
    this.#rest = lines.pop() as string;
    for (const line of lines) this.#take(line.endsWith('\r') ? line.slice(0, -1) : line);
  }

  /** The last line has no ending. */
  end(): void {
    if (this.#rest !== '') this.#take(this.#rest);
    this.#rest = '';
  }
}

/** The level by which a line is routed; undefined for what is no line of a logger. */
function routingLevel(line: string): unknown {
  // One `level`, and that at its head, needs no parsing.
  if (line.startsWith('{"level":') && line.endsWith('}') && line.indexOf('"level":', 9) < 0 && /^\d+[,}]/.test(line.slice(9, 16))) {
    return levelOf(line);
  }
  try {
    return (JSON.parse(line) as { level?: unknown } | null)?.level;
  } catch {
    return undefined;
  }
}

let failed = false;

/** An error that ends the transport. */
function fail(error: unknown): void {
  if (failed) return;
  failed = true;
  try {
    say({ error });
  } catch {
    say({ error: new Error(String((error as Error | undefined)?.message ?? error)) });
  }
  toState(FAILED);
  process.exit(1);
}

/** Resolves when a stream can take more, or never will. */
async function roomIn(stream: TargetStream): Promise<void> {
  if (stream.writableNeedDrain === false || stream.destroyed) return;
  await Promise.race([once(stream as never, 'drain'), new Promise((resolve) => stream.once('close', resolve as never))]);
}

/** Everything that was written is handed on to where it goes. */
async function settled(branches: readonly Branch[]): Promise<void> {
  for (const { input, output } of branches) {
    if (input.writableNeedDrain) await roomIn(input);
    const { flush } = output;
    if (typeof flush === 'function') await new Promise<void>((resolve) => flush.call(output, () => resolve()));
  }
}

/** Ends branches; resolves when each has finished and closed as far as it says so. */
async function end(branches: readonly Branch[]): Promise<void> {
  await Promise.all(
    branches.map(({ input, output }) => {
      const closed = new Promise<void>((resolve) => {
        output.once('close', () => resolve());
        // One that never closes, such as a stream without autoDestroy, has finished.
        output.once('finish', () => setImmediate(resolve));
        if (output.destroyed) resolve();
      });
      input.end();
      return closed;
    }),
  );
}

/** Writes pieces into the streams; resolves when these can take the next one. */
type PieceWriter = (lines: string) => Promise<void>;

/** One stream without a level of its own gets what comes, in pieces as they come. */
function whole({ input }: Branch): PieceWriter {
  return async (lines) => {
    if (input.write(lines) === false) await roomIn(input);
  };
}

/** Several, or one with a level, get lines one by one, by their level. What is no line of a logger is left out. */
function routed(branches: readonly Branch[], splitterOf: (splitter: LineSplitter) => void): PieceWriter {
  const many = multistream(
    branches.map(({ input, level }) => (level === undefined ? { stream: input } : { stream: input, level })),
    { ...(plan.levels === undefined ? {} : { levels: plan.levels }), dedupe: plan.dedupe },
  );
  const splitter = new LineSplitter((line) => {
    const level = routingLevel(line);
    if (level === undefined) return;
    many.lastLevel = level;
    many.write(`${line}\n`);
  });
  splitterOf(splitter);
  return async (lines) => {
    splitter.write(lines);
    for (const { input } of branches) if (input.writableNeedDrain) await roomIn(input);
  };
}

async function main(): Promise<void> {
  const branches = await Promise.all(plan.branches.map(openBranch));
  const [first] = branches;
  let splitter: LineSplitter | undefined;
  const write =
    branches.length === 1 && first !== undefined && first.level === undefined
      ? whole(first)
      : routed(branches, (made) => (splitter = made));

  async function answer(message: ToWorker): Promise<void> {
    if ('lines' in message) {
      await write(message.lines);
      Atomics.add(words, CONSUMED, message.lines.length);
      Atomics.notify(words, CONSUMED);
    } else if ('flush' in message) {
      await settled(branches);
      say({ flushed: message.flush });
    } else {
      splitter?.end();
      await end(branches);
      toState(ENDED);
      port.close();
      process.exit(0);
    }
  }

  const waiting: ToWorker[] = [];
  let isBusy = false;
  async function work(): Promise<void> {
    if (isBusy) return;
    isBusy = true;
    for (let message = waiting.shift(); message !== undefined; message = waiting.shift()) await answer(message);
    isBusy = false;
    say({ drained: true });
  }

  toState(READY);
  say({ ready: true });
  port.on('message', (message: ToWorker) => {
    waiting.push(message);
    work().catch(fail);
  });
}

(globalThis as { [STARTED]?: true })[STARTED] = true;
process.on('uncaughtException', fail);
main().catch(fail);
