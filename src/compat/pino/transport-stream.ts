// The application's end of `pino.transport`: takes lines, hands them to the worker in pieces, and keeps the memory in between bounded. App
// threads.
import { EventEmitter } from 'node:events';
import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker, type WorkerOptions } from 'node:worker_threads';
import { native } from '../../binding/load.js';
import { levelOf } from './line-head.js';
import { CONSUMED, DEADLINE_MS, ENDED, type FromWorker, STATE, type ToWorker, type TransportPlan, WORDS } from './transport-channel.js';
import { BUILT } from './transport-files.js';

/** Code units of lines that are posted as one piece. */
const PIECE = 64 * 1024;
/** Code units that wait for the worker at most, in messages and here; what does not fit is dropped and counted. */
export const MOST_WAITING = 4 << 20;
/** Code units from which on `write` asks for a pause. */
const HIGH_WATER = 16 * 1024;
/** Milliseconds that a line waits for room, once per stall. */
const PATIENCE_MS = 100;

// Captured before a test can fake them: lines have to get out all the same.
const soon = setImmediate;
const later = setTimeout;
const clock = performance;

const EXITED = 'the worker has exited';

export interface TransportStreamOptions {
  readonly plan: TransportPlan;
  /** What `workerData.workerData` is in the worker. */
  readonly workerData: object;
  readonly worker: WorkerOptions;
  /** Waits for each line until a stream has it. */
  readonly sync: boolean;
}

/** Has the worker of a stream that nobody holds any more write what waits, and end. */
const LEFT = new FinalizationRegistry<MessagePort>((port) => port.postMessage({ end: true } satisfies ToWorker));

/** A writable end of a worker that runs transports. */
export class TransportStream extends EventEmitter {
  readonly worker: Worker;
  readonly #port: MessagePort;
  readonly #words: Int32Array;
  readonly #sync: boolean;
  #pending = '';
  #isScheduled = false;
  /** Code units posted so far, wrapping as the shared count does. */
  #posted = 0;
  #flushes = new Map<number, (error?: Error) => void>();
  #lastFlush = 0;
  #ready = false;
  #ending = false;
  #finished = false;
  #closed = false;
  #errored: Error | null = null;
  #needsDrain = false;
  #isSettling = false;
  /** The count of consumed units when waiting was last in vain: no more waiting until it has moved. */
  #stalledAt: number | undefined;
  /** Dropped lines by level since the stall began. */
  readonly #dropped = new Map<number, number>();

  /** @throws what `new Worker` throws, such as a `DataCloneError` for options that cannot be sent */
  constructor(options: TransportStreamOptions) {
    super();
    const { port1, port2 } = new MessageChannel();
    const words = new SharedArrayBuffer(WORDS * Int32Array.BYTES_PER_ELEMENT);
    const { transferList = [] } = options.worker;
    this.#sync = options.sync;
    this.#port = port1;
    this.#words = new Int32Array(words);
    this.worker = new Worker(BUILT.worker, {
      ...options.worker,
      workerData: { workerData: options.workerData, kymo: { port: port2, words, plan: options.plan } },
      transferList: [port2, ...transferList],
    });
    // Listeners hold the stream weakly: one that nobody has any more lets its worker go.
    const weak = new WeakRef(this);
    const held = (act: (stream: TransportStream) => void): void => {
      const stream = weak.deref();
      if (stream !== undefined) act(stream);
    };
    port1.on('message', (message: FromWorker) => held((stream) => stream.#hear(message)));
    this.worker.on('error', (error) => held((stream) => stream.#fail(error as Error)));
    this.worker.on('exit', () => held((stream) => stream.#gone()));
    port1.unref();
    this.worker.unref();
    LEFT.register(this, port1);
  }

  /**
   * Sends lines to the worker. Never throws; false asks for a pause, or says that the line was dropped. At most {@link MOST_WAITING} code
   * units wait: then a line waits up to 100 ms for room, once per stall, and further ones are dropped and counted until the worker moves.
   */
  write(lines: string): boolean {
    if (this.#ending || this.#closed) return this.#refuse(lines);
    const text = typeof lines === 'string' ? lines : String(lines);
    if (!this.#hasRoom(text.length)) return this.#drop(text);
    if (this.#dropped.size > 0) this.#pending += this.#notice();
    this.#pending += text;
    if (this.#sync) {
      this.#post();
      this.#wait(DEADLINE_MS, () => this.#waiting() === 0);
      return true;
    }
    if (this.#pending.length >= PIECE) this.#post();
    else if (!this.#isScheduled) {
      this.#isScheduled = true;
      soon(() => this.#post());
    }
    if (this.#waiting() < HIGH_WATER) return true;
    this.#needsDrain = true;
    return false;
  }

  /** Calls back when the streams have all that was written before, and flushed it where they can. */
  flush(done: (error?: Error) => void = () => undefined): void {
    if (this.#closed) {
      process.nextTick(done, new Error(EXITED));
      return;
    }
    this.#post();
    this.#lastFlush += 1;
    this.#flushes.set(this.#lastFlush, done);
    this.#port.ref();
    this.#send({ flush: this.#lastFlush });
  }

  /** Waits, up to two seconds, until the streams have taken all that was written before. */
  flushSync(): void {
    if (this.#closed) return;
    this.#post();
    this.#wait(DEADLINE_MS, () => this.#waiting() === 0);
  }

  /** Has the worker write what waits, close its streams and end. `finish` and `close` follow. */
  end(): void {
    if (this.#ending || this.#closed) return;
    this.#ending = true;
    this.#post();
    this.#send({ end: true });
    this.worker.ref();
  }

  /** As {@link end}, without the loop, at the end of the process: waits up to two seconds, and says on stderr what is lost then. */
  endSync(): void {
    if (this.#closed) return;
    this.end();
    if (this.#wait(DEADLINE_MS, () => Atomics.load(this.#words, STATE) >= ENDED)) return;
    process.stderr.write(
      `kymo/pino: a transport did not end within ${DEADLINE_MS} ms, ${this.#waiting()} characters of log lines are lost\n`,
    );
  }

  /** Keeps the loop alive, for at most two seconds, until what waits is written: the process is about to end by itself. */
  settle(): void {
    if (this.#closed || this.#ending || this.#isSettling || this.#waiting() === 0) return;
    // Until it is answered: the process is about to end again when the two seconds are over.
    this.#isSettling = true;
    this.flush(() => {
      this.#isSettling = false;
    });
    later(() => this.#port.unref(), DEADLINE_MS).unref();
  }

  ref(): void {
    this.worker.ref();
  }

  unref(): void {
    this.worker.unref();
  }

  /** A message goes to the worker as well: modules hear it at their `parentPort`. */
  override emit(event: string | symbol, ...args: unknown[]): boolean {
    if (event === 'message' && !this.#closed) {
      this.worker.postMessage(args[0], args[1] as []);
    }
    return super.emit(event, ...args);
  }

  get ready(): boolean {
    return this.#ready;
  }

  get destroyed(): boolean {
    return this.#closed;
  }

  get closed(): boolean {
    return this.#closed;
  }

  get writable(): boolean {
    return !this.#ending && !this.#closed;
  }

  get writableEnded(): boolean {
    return this.#ending;
  }

  get writableFinished(): boolean {
    return this.#finished;
  }

  get writableNeedDrain(): boolean {
    return this.#needsDrain;
  }

  get writableObjectMode(): boolean {
    return false;
  }

  get writableErrored(): Error | null {
    return this.#errored;
  }

  /** Code units that are neither consumed nor dropped. */
  #waiting(): number {
    return ((this.#posted - Atomics.load(this.#words, CONSUMED)) | 0) + this.#pending.length;
  }

  #send(message: ToWorker): void {
    this.#port.postMessage(message);
  }

  #post(): void {
    this.#isScheduled = false;
    const lines = this.#pending;
    if (lines === '' || this.#closed) return;
    this.#pending = '';
    this.#posted = (this.#posted + lines.length) | 0;
    this.#send({ lines });
  }

  /** Waits until `isDone`, the worker's end or the deadline. */
  #wait(deadlineMs: number, isDone: () => boolean): boolean {
    const until = clock.now() + deadlineMs;
    for (;;) {
      const consumed = Atomics.load(this.#words, CONSUMED);
      const state = Atomics.load(this.#words, STATE);
      if (isDone()) return true;
      const left = until - clock.now();
      if (state >= ENDED || left <= 0) return false;
      // Woken by each piece, and now and then for a state that changed meanwhile.
      Atomics.wait(this.#words, CONSUMED, consumed, Math.min(left, 20));
    }
  }

  #hasRoom(length: number): boolean {
    const fits = () => this.#waiting() + length <= MOST_WAITING || this.#waiting() === 0;
    if (fits()) return true;
    const consumed = Atomics.load(this.#words, CONSUMED);
    if (this.#stalledAt === consumed) return false;
    this.#post();
    const moved = this.#wait(PATIENCE_MS, fits);
    this.#stalledAt = moved ? undefined : Atomics.load(this.#words, CONSUMED);
    return moved;
  }

  #drop(lines: string): false {
    const level = levelOf(lines);
    this.#dropped.set(level, (this.#dropped.get(level) ?? 0) + 1);
    native.logLost(level, 1);
    this.#needsDrain = true;
    return false;
  }

  /** A line that says what was dropped. */
  #notice(): string {
    const dropped = [...this.#dropped.values()].reduce((sum, lines) => sum + lines, 0);
    const levels = Object.fromEntries([...this.#dropped].map(([level, lines]) => [`level_${level}`, lines]));
    this.#dropped.clear();
    this.#stalledAt = undefined;
    const said = { level: 40, time: Date.now(), logger: 'kymo', dropped, reason: 'stalled', ...levels, msg: 'log lines dropped' };
    return `${JSON.stringify(said)}\n`;
  }

  #refuse(lines: string): false {
    native.logLost(levelOf(String(lines)), 1);
    if (this.listenerCount('error') > 0) {
      const error = new Error(this.#closed ? EXITED : 'the worker is ending');
      process.nextTick(() => this.emit('error', error));
    }
    return false;
  }

  #hear(message: FromWorker): void {
    if ('ready' in message) {
      this.#ready = true;
      this.emit('ready');
    } else if ('drained' in message) {
      if (!this.#needsDrain || this.#waiting() >= HIGH_WATER) return;
      this.#needsDrain = false;
      this.emit('drain');
    } else if ('flushed' in message) {
      const done = this.#flushes.get(message.flushed);
      this.#flushes.delete(message.flushed);
      if (this.#flushes.size === 0) this.#port.unref();
      done?.();
    } else {
      this.#fail(message.error as Error);
    }
  }

  #fail(error: Error): void {
    if (this.#errored !== null) return;
    this.#errored = error;
    // A transport that cannot start is a mistake of whoever set it up, and told as such. One that fails later must not end the application.
    if (!this.#ready || this.listenerCount('error') > 0) this.emit('error', error);
    else process.stderr.write(`kymo/pino: a transport failed, its lines are dropped from now on: ${error?.message}\n`);
  }

  #gone(): void {
    if (this.#closed) return;
    for (let message = receiveMessageOnPort(this.#port); message !== undefined; message = receiveMessageOnPort(this.#port)) {
      this.#hear(message.message as FromWorker);
    }
    this.#closed = true;
    this.#port.close();
    const isEnded = Atomics.load(this.#words, STATE) === ENDED;
    if (!isEnded && this.#errored === null) this.#fail(new Error('the worker thread exited'));
    this.#ending = true;
    for (const done of this.#flushes.values()) done(this.#errored ?? new Error(EXITED));
    this.#flushes.clear();
    if (isEnded) {
      this.#finished = true;
      this.emit('finish');
    }
    this.emit('close');
  }
}
