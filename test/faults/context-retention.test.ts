// What an async frame keeps alive of a span that has ended, read from heap snapshots: 100,000 pending promises.
import { EventEmitter, once } from 'node:events';
import { getHeapSnapshot } from 'node:v8';
import { describe, expect, it } from 'vitest';
import { attachContext } from '../../src/context/attach.js';
import { Context, runInContext } from '../../src/context/context.js';
import { TracerProvider } from '../../src/traces/provider.js';
import type { Span } from '../../src/traces/span.js';

const PENDING = 100_000;
/** Of the forms that differ in who puts the context in place. */
const FEW = 10_000;
const NONE = { count: 0, bytes: 0 };

interface Snapshot {
  readonly snapshot: { readonly meta: { readonly node_fields: readonly string[] } };
  readonly nodes: readonly number[];
  readonly strings: readonly string[];
}

/** Bytes of everything, and objects by the name of their class. */
interface Heap {
  readonly bytes: number;
  readonly of: ReadonlyMap<string, { count: number; bytes: number }>;
}

/** The heap after a collection of garbage. */
async function heap(): Promise<Heap> {
  const chunks: Buffer[] = [];
  for await (const chunk of getHeapSnapshot()) chunks.push(chunk as Buffer);
  const { snapshot, nodes, strings } = JSON.parse(Buffer.concat(chunks).toString()) as Snapshot;
  const fields = snapshot.meta.node_fields;
  const [name, size] = [fields.indexOf('name'), fields.indexOf('self_size')];
  const counts = new Map<string, { count: number; bytes: number }>();
  let bytes = 0;
  for (let at = 0; at < nodes.length; at += fields.length) {
    const key = strings[nodes[at + name] as number] as string;
    const row = counts.get(key) ?? { count: 0, bytes: 0 };
    row.count++;
    row.bytes += nodes[at + size] as number;
    bytes += nodes[at + size] as number;
    counts.set(key, row);
  }
  return { bytes, of: counts };
}

const tracer = new TracerProvider().getTracer('test');

/** Settles at the end; until then it holds everyone who waits for it. */
const late = new EventEmitter();
const settled = once(late, 'settled');

/** Waits for it in a function of its own, so that there is an async frame. */
async function wait(): Promise<void> {
  await settled;
}

function fill(span: Span): void {
  span.setAttribute('large', `${'x'.repeat(1_000)}${Math.random()}`);
  span.setAttribute('list', [1, 2, 3]);
}

function inCallback(): Promise<void> {
  return tracer.startActiveSpan('s', (span) => {
    fill(span);
    const waiting = wait();
    span.end();
    return waiting;
  });
}

function whileActivated(): Promise<void> {
  using span = tracer.startSpan('s').activate();
  fill(span);
  return wait();
}

function whileAttached(): Promise<void> {
  const span = tracer.startSpan('s');
  fill(span);
  const attached = attachContext(span.context);
  const waiting = wait();
  span.end();
  attached.detach();
  return waiting;
}

describe('a pending promise', () => {
  it('keeps no span, and 64 bytes of context, when the span in which it was started has ended', async () => {
    const shared = new Context(1, 1, 1, 1, 5);
    const pending = new Array<Promise<void>>(3 * PENDING).fill(Promise.resolve());
    let at = 0;
    const begin = (count: number, start: () => Promise<void>): void => {
      for (const end = at + count; at < end; at++) pending[at] = start();
    };
    const plain = (): Promise<void> => runInContext(shared, wait);
    for (const start of [plain, inCallback, whileActivated, whileAttached]) begin(100, start); // The engine settles the shape of objects.

    const empty = await heap();
    begin(PENDING, plain);
    const before = await heap();
    begin(PENDING, inCallback);
    const after = await heap();
    begin(FEW, whileActivated);
    begin(FEW, whileAttached);
    const last = await heap();

    const more = (now: Heap, then: Heap, name: string): { count: number; bytes: number } => {
      const [a, b] = [now.of.get(name) ?? NONE, then.of.get(name) ?? NONE];
      return { count: a.count - b.count, bytes: a.bytes - b.bytes };
    };
    expect(more(after, before, 'Context')).toEqual({ count: PENDING, bytes: 64 * PENDING });
    expect(more(last, after, 'Context')).toEqual({ count: 2 * FEW, bytes: 64 * 2 * FEW });
    expect(last.of.get('Span')?.count ?? 0).toBeLessThan(10);
    // Beyond what one takes that waits in a context that all share; a few bytes are the engine's, and the ring's.
    expect((after.bytes - before.bytes - (before.bytes - empty.bytes)) / PENDING).toBeLessThan(72);
    late.emit('settled');
    await Promise.all(pending);
  }, 300_000);
});
