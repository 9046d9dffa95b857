// What a span costs on the thread that makes it: time from start to end, sampled and not, around an async function, and heap bytes.
import { AsyncLocalStorage } from 'node:async_hooks';
import type { TracerProviderOptions } from 'kymo';
import { ALLOCATION_FLAGS, bytesPerOperation } from '../runner/allocation.js';
import { expectCount } from '../runner/exposed.js';
import type { PreparedRow, Row, Side } from '../runner/row.js';
import type { Settings } from '../runner/settings.js';
import { median } from '../runner/statistics.js';
import { BATCH, type TimedSide, timed } from '../runner/timing.js';
import { type AnySpan, ourTracer, peerTracer, setFour, setSixMore, spansAccounted } from './subjects.js';

const NAME = 'GET /users/:id';
const PEER = 'OpenTelemetry JS';
/** Says no to every span, as a sampler does for most of them in a service that samples. */
const NEVER: TracerProviderOptions['sampler'] = { shouldSample: () => ({ decision: 'drop' }), toString: () => 'Never' };

type Starter = (name: string) => AnySpan;

export function plan(settings: Settings): Row[] {
  return [
    {
      name: `span, start, 4 attributes, end, sampled, against ${PEER}`,
      unit: 'ns',
      goal: { kind: 'times-faster', factor: 8 },
      prepare: () => startToEnd(settings, setFour),
    },
    {
      name: `span, start, 10 attributes, end, sampled, against ${PEER}`,
      unit: 'ns',
      goal: { kind: 'times-faster', factor: 6 },
      prepare: () => startToEnd(settings, setTen),
    },
    {
      name: 'span, start and end, not sampled, beyond one AsyncLocalStorage read',
      unit: 'ns',
      goal: { kind: 'below', limit: 60 },
      prepare: () => unsampled(settings),
    },
    {
      name: `startActiveSpan around an async function, against ${PEER}`,
      unit: 'ns',
      goal: { kind: 'times-faster', factor: 3 },
      prepare: () => around(settings),
    },
    ...[
      { what: '4 attributes', set: setFour },
      { what: '10 attributes', set: setTen },
    ].map(
      ({ what, set }): Row => ({
        name: `bytes allocated per span, ${what}, against ${PEER}`,
        unit: 'B',
        goal: { kind: 'times-faster', factor: 5 },
        rounds: 1,
        nodeFlags: ALLOCATION_FLAGS,
        prepare: () => allocated(set),
      }),
    ),
  ];
}

function setTen(span: AnySpan): void {
  setFour(span);
  setSixMore(span);
}

/** Every span of ours that was ended is in native memory or counted as lost. */
async function verifyOurs(ended: number): Promise<void> {
  expectCount('Kymo', await spansAccounted(), ended);
}

/** A batch of spans one after another. */
function spans(start: Starter, set: (span: AnySpan) => void): () => void {
  return () => {
    for (let turn = 0; turn < BATCH; turn++) {
      const span = start(NAME);
      set(span);
      span.end();
    }
  };
}

function startToEnd(settings: Settings, set: (span: AnySpan) => void): PreparedRow {
  const tracer = ourTracer();
  const peer = peerTracer();
  const ours = timed(
    'Kymo',
    settings,
    spans((name) => tracer.startSpan(name), set),
  );
  const theirs = timed(
    PEER,
    settings,
    spans((name) => peer.tracer.startSpan(name), set),
  );
  return {
    ours,
    peer: theirs,
    async verify() {
      await verifyOurs(ours.operations());
      expectSome(await peer.exported());
    },
  };
}

/** A loop that never rests has the peer's queue drop most of its spans, which is cheaper than keeping them. */
function expectSome(exported: number): void {
  if (exported === 0) throw new Error(`${PEER} exported nothing`);
}

function unsampled(settings: Settings): PreparedRow {
  const tracer = ourTracer({ sampler: NEVER });
  const storage = new AsyncLocalStorage<object>();
  let recorded = 0;
  const spans = timed('Kymo', settings, () => {
    for (let turn = 0; turn < BATCH; turn++) {
      const span = tracer.startSpan(NAME);
      if (span.isRecording()) recorded++;
      span.end();
    }
  });
  let found = 0;
  const read = timed('AsyncLocalStorage read', settings, () => {
    for (let turn = 0; turn < BATCH; turn++) if (storage.getStore() !== undefined) found++;
  });
  const beyond = (side: TimedSide): Side => ({ label: side.label, sample: () => (side.sample() as number) - (read.sample() as number) });
  return {
    ours: beyond(spans),
    peer: read,
    async verify() {
      expectCount('recorded spans', recorded, 0);
      expectCount('stores', found, 0);
      await verifyOurs(0);
    },
  };
}

/** Times `operation`, one after another; the rest of an operation runs in a microtask, as after any `await`. */
function turns(label: string, settings: Settings, operation: () => Promise<unknown>): TimedSide {
  let done = 0;
  return {
    label,
    operations: () => done,
    async sample() {
      const samples: number[] = [];
      const until = performance.now() + settings.sampleSeconds * 1_000;
      do {
        const start = performance.now();
        for (let turn = 0; turn < BATCH; turn++) await operation();
        samples.push(((performance.now() - start) * 1e6) / BATCH);
        done += BATCH;
        // Lets the peer's timers and exports run: outside of the measurement.
        await new Promise(setImmediate);
      } while (performance.now() < until);
      return median(samples);
    },
  };
}

function around(settings: Settings): PreparedRow {
  const tracer = ourTracer();
  const peer = peerTracer();
  let inside = 0;
  const work = async (span: AnySpan): Promise<void> => {
    inside++;
    await undefined;
    span.end();
  };
  const ours = turns('Kymo', settings, () => tracer.startActiveSpan(NAME, work));
  const theirs = turns(PEER, settings, () => peer.tracer.startActiveSpan(NAME, work));
  return {
    ours,
    peer: theirs,
    async verify() {
      expectCount('functions called', inside, ours.operations() + theirs.operations());
      await verifyOurs(ours.operations());
      expectSome(await peer.exported());
    },
  };
}

function allocated(set: (span: AnySpan) => void): PreparedRow {
  const tracer = ourTracer();
  const peer = peerTracer();
  const batch = spans((name) => tracer.startSpan(name), set);
  const theirs = spans((name) => peer.tracer.startSpan(name), set);
  let ended = 0;
  return {
    ours: {
      label: 'Kymo',
      sample: () =>
        bytesPerOperation(() => {
          ended += BATCH;
          batch();
        }, BATCH),
    },
    peer: { label: PEER, sample: () => bytesPerOperation(theirs, BATCH) },
    async verify() {
      await verifyOurs(ended);
    },
  };
}
