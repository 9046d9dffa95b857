// A context follows everything that its code starts: promises, timers, callbacks, streams, events it was bound to, worker threads.
import { EventEmitter } from 'node:events';
import { readFile } from 'node:fs';
import { PassThrough, Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setImmediate as immediate, setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { Baggage } from '../../src/context/baggage.js';
import {
  activeContext,
  bindContext,
  Context,
  contextOfSpan,
  type Extra,
  endedState,
  flagsOf,
  type LiveSpan,
  liveSpanOf,
  ROOT_CONTEXT,
  runInContext,
  spanNumberOf,
  withBaggage,
  withExtra,
} from '../../src/context/context.js';
import { traceIdText } from '../../src/context/id-text.js';
import { nextSpanNumber } from '../../src/context/ids.js';
import { inject } from '../../src/context/propagation.js';
import { traceparentOf } from '../../src/context/traceparent.js';
import { DIST } from '../recorder/processes.js';

const contextOf = (id: number): Context => new Context(0, 0, 0, id, (nextSpanNumber() << 2) | 1);

/** A thread that takes a context over from a message, and tells what it saw outside and inside of it. */
const WORKER = `
import { parentPort } from 'node:worker_threads';
const { extract, getCurrentTraceId, inject, runInContext } = await import('${DIST}index.js');
parentPort.on('message', (message) => {
  const outside = getCurrentTraceId() ?? 'none';
  runInContext(extract(message), () => {
    setTimeout(() => parentPort.postMessage({ id: message.id, traceId: getCurrentTraceId(), outside, carrier: inject({}) }), 1);
  });
});
`;

/** The least that a span has to be for a context. */
function liveSpan(extra?: Extra): LiveSpan {
  return { t0: 1, t1: 2, t2: 3, t3: 4, number: nextSpanNumber(), flags: 3, extra, live: true };
}

describe('a context', () => {
  it('is the root where none was given', () => {
    expect(activeContext()).toBe(ROOT_CONTEXT);
    expect([liveSpanOf(ROOT_CONTEXT), flagsOf(ROOT_CONTEXT), spanNumberOf(ROOT_CONTEXT)]).toEqual([undefined, 0, 0]);
  });

  it('is given to a callback with its arguments, and its result and its error come back', () => {
    const context = contextOf(1);
    expect(runInContext(context, (a: number, b: string) => [a, b, activeContext()], 1, 'x')).toEqual([1, 'x', context]);
    expect(() =>
      runInContext(context, () => {
        throw new TypeError('out');
      }),
    ).toThrow(TypeError);
    expect(activeContext()).toBe(ROOT_CONTEXT);
  });

  it.each([
    ['an await', async () => await sleep(1)],
    ['an await of nothing', async () => await undefined],
    ['a promise that then says more', () => Promise.resolve().then(() => sleep(1))],
    ['a rejected promise', () => Promise.reject(new Error('x')).catch(() => sleep(1))],
    // biome-ignore lint/suspicious/noThenProperty: a thenable is what is tried.
    ['a thenable', async () => await ({ then: (done: () => void) => setTimeout(done, 1) } as unknown as PromiseLike<void>)],
    ['a timer', () => new Promise<void>((done) => setTimeout(done, 1))],
    [
      'an interval',
      () =>
        new Promise<void>((done) => {
          const timer = setInterval(() => {
            clearInterval(timer);
            done();
          }, 1);
        }),
    ],
    ['an immediate', () => immediate()],
    ['a tick', () => new Promise<void>((done) => process.nextTick(done))],
    ['a microtask', () => new Promise<void>((done) => queueMicrotask(done))],
    ['a callback of the file system', () => new Promise<void>((done) => readFile('/dev/null', () => done()))],
  ])('is there after %s', async (_, wait) => {
    await Promise.all(
      [1, 2, 3].map((id) => {
        const context = contextOf(id);
        return runInContext(context, async () => {
          const inside = new Promise<Context>((done) => {
            void wait().then(() => done(activeContext()));
          });
          expect(await inside).toBe(context);
          await wait();
          expect(activeContext()).toBe(context);
        });
      }),
    );
    expect(activeContext()).toBe(ROOT_CONTEXT);
  });

  it('is there in the callbacks of those APIs themselves', async () => {
    const context = contextOf(1);
    const seen = await runInContext(context, () =>
      Promise.all([
        new Promise<Context>((done) => setTimeout(() => done(activeContext()), 1)),
        new Promise<Context>((done) => setImmediate(() => done(activeContext()))),
        new Promise<Context>((done) => process.nextTick(() => done(activeContext()))),
        new Promise<Context>((done) => queueMicrotask(() => done(activeContext()))),
        new Promise<Context>((done) => readFile('/dev/null', () => done(activeContext()))),
      ]),
    );
    expect(new Set(seen)).toEqual(new Set([context]));
  });

  it('is there in the steps of a stream, one for each of several at once', async () => {
    await Promise.all(
      [1, 2, 3].map((id) => {
        const context = contextOf(id);
        return runInContext(context, async () => {
          const seen = new Set<Context>();
          const source = Readable.from(
            (async function* () {
              for (let chunk = 0; chunk < 5; chunk++) {
                await sleep(1);
                seen.add(activeContext());
                yield String(chunk);
              }
            })(),
          );
          const step = new Transform({
            transform(chunk, _encoding, done) {
              seen.add(activeContext());
              setTimeout(() => done(null, chunk), 1);
            },
          });
          const target = new PassThrough();
          target.on('data', () => seen.add(activeContext()));
          await pipeline(source, step, target);
          for await (const chunk of Readable.from(['a', 'b'])) seen.add(chunk ? activeContext() : ROOT_CONTEXT);
          expect([...seen]).toEqual([context]);
        });
      }),
    );
  });

  it('is the one of who emits an event, and of who listens when the listener was bound to it', () => {
    const [listening, emitting] = [contextOf(1), contextOf(2)];
    const emitter = new EventEmitter();
    const seen: unknown[] = [];
    runInContext(listening, () => {
      emitter.on('event', () => seen.push(activeContext()));
      emitter.on(
        'event',
        bindContext(function (this: EventEmitter, value: number) {
          seen.push(activeContext(), this === emitter, value);
        }),
      );
    });
    runInContext(emitting, () => emitter.emit('event', 7));
    expect(seen).toEqual([emitting, listening, true, 7]);
    expect(activeContext()).toBe(ROOT_CONTEXT);
  });

  it('is its own in each of many branches that nest and cross', async () => {
    async function branch(depth: number, id: number): Promise<void> {
      const context = contextOf(id);
      await runInContext(context, async () => {
        await sleep(Math.random() * 3);
        expect(activeContext()).toBe(context);
        if (depth > 0) await Promise.all([branch(depth - 1, id * 2), branch(depth - 1, id * 2 + 1)]);
        expect(activeContext()).toBe(context);
      });
    }
    await branch(6, 1);
    expect(activeContext()).toBe(ROOT_CONTEXT);
  });

  it('goes to a worker thread in the message and is taken over there', async () => {
    const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(WORKER)}`));
    const answers = await Promise.all(
      [5, 6, 7].map((id) =>
        runInContext(contextOf(id), async () => {
          const context = activeContext();
          const answered = new Promise((done) => {
            worker.on('message', ({ id: of, ...said }) => {
              if (of === id) done(said);
            });
          });
          worker.postMessage(inject({ id }));
          const expected = { traceId: traceIdText(context), outside: 'none', carrier: { traceparent: traceparentOf(context) } };
          expect(await answered).toEqual(expected);
          return activeContext() === context;
        }),
      ),
    );
    expect(answers).toEqual([true, true, true]);
    await worker.terminate();
  });
});

describe('the span of a context', () => {
  it('is found while it is open, through what was derived too, and leaves its number and flags when it ends', () => {
    const span = liveSpan();
    const own = contextOfSpan(span);
    const derived = withBaggage(own, Baggage.parse('k=v'));
    const further = withExtra(derived, (extra) => {
      extra.logFields = { a: 1 };
    });
    for (const context of [own, derived, further]) {
      expect(liveSpanOf(context)).toBe(span);
      expect([spanNumberOf(context), flagsOf(context)]).toEqual([span.number, 3]);
    }
    const header = traceparentOf(own);
    own.state = endedState(span);
    expect(own.state).toBe((span.number << 2) | 3);
    for (const context of [own, derived, further]) {
      expect(liveSpanOf(context)).toBeUndefined();
      expect(traceparentOf(context)).toBe(header);
    }
  });

  it('leaves what it inherited as well', () => {
    const inherited = withBaggage(contextOf(1), Baggage.parse('k=v')).state as Extra;
    const span = liveSpan(inherited);
    const own = contextOfSpan(span);
    const header = traceparentOf(own);
    own.state = endedState(span);
    const left = own.state as Extra;
    expect([left.baggage, left.number, left.isRemote]).toEqual([inherited.baggage, span.number, false]);
    expect(traceparentOf(own)).toBe(header);
    expect(inherited.number).not.toBe(span.number);
  });

  it('may have the highest number there is', () => {
    const context = new Context(1, 1, 1, 1, ((2 ** 30 - 1) << 2) | 2);
    expect([spanNumberOf(context), flagsOf(context)]).toEqual([2 ** 30 - 1, 2]);
  });
});
