// Exporters of the application behind the seam of senders: what they get, what their failures cost, and what happens to one that hangs.
import { Packr } from 'msgpackr';
import { describe, expect, it, vi } from 'vitest';
import type { SpanExporter } from '../../src/export/exporter.js';
import { decodeSpans } from '../../src/export/span-batch.js';
import { spanSender } from '../../src/export/user-sender.js';
import { batchOf } from './collectors.js';

const packed = (...spans: object[]): Buffer => new Packr({ useRecords: false, variableMapSize: true }).pack(spans);
const never = new AbortController().signal;
const ONE = batchOf(packed({ name: 'a', traceId: '1'.padStart(32, '0'), spanId: '2'.padStart(16, '0') }), 1);

describe('an exporter of the application', () => {
  it('gets plain spans, and may answer at once or with a promise [L-015 V-41 V-42]', async () => {
    const got: unknown[] = [];
    for (const exporter of [
      { export: (spans: unknown) => void got.push(spans) },
      { export: async (spans: unknown) => void got.push(spans) },
    ]) {
      expect(await spanSender(exporter).send(ONE, 1_000, never)).toEqual({ kind: 'exported', rejected: 0, message: '' });
    }
    expect(got).toMatchObject([[{ name: 'a' }], [{ name: 'a' }]]);
    expect(Object.keys((got[0] as object[])[0] as object)).toEqual(expect.arrayContaining(['parentSpanId', 'errorMessage']));
  });

  it('that throws, rejects, or throws nonsense costs its batch, which is not given again', async () => {
    const failures = [
      () => {
        throw new Error('sync');
      },
      () => Promise.reject(new Error('async')),
      () => Promise.reject(Object.create(null)),
    ];
    for (const fail of failures) {
      expect(await spanSender({ export: fail }).send(ONE, 1_000, never)).toMatchObject({ kind: 'refused', reason: 'exporter' });
    }
  });

  it('that hangs is counted, reported, and not called again before it settles', async () => {
    const settle: (() => void)[] = [];
    const exporter = { export: vi.fn(() => new Promise<void>((resolve) => void settle.push(resolve))) };
    const hung = vi.fn();
    const sender = spanSender(exporter, undefined, hung);
    expect(await sender.send(ONE, 20, never)).toMatchObject({ kind: 'refused', reason: 'timeout' });
    await new Promise(setImmediate);
    expect(hung).toHaveBeenCalledOnce();
    expect(await sender.send(ONE, 20, never)).toMatchObject({ reason: 'timeout' });
    expect(exporter.export).toHaveBeenCalledOnce();
    settle[0]?.();
    const next = sender.send(ONE, 1_000, never);
    await new Promise(setImmediate);
    settle[1]?.();
    expect((await next).kind).toBe('exported');
    expect(exporter.export).toHaveBeenCalledTimes(2);
  });

  it('is flushed and shut down where it can be, and may fail at both [V-43]', async () => {
    const calls: string[] = [];
    const exporter: SpanExporter = {
      export: () => undefined,
      forceFlush: () => void calls.push('flush'),
      async shutdown() {
        calls.push('shutdown');
        throw new Error('no end');
      },
    };
    const sender = spanSender(exporter);
    await sender.flush?.();
    await sender.close();
    expect(calls).toEqual(['flush', 'shutdown']);
    const bare = spanSender({ export: () => undefined });
    await bare.flush?.();
    await bare.close();
  });
});

describe('decodeSpans', () => {
  it('writes ids in the forms that are asked for, without loss', () => {
    const [span] = decodeSpans(ONE.body, { trace: 'prefixed', span: 'prefixed' });
    expect(span).toMatchObject({ traceId: `trace-${'0'.repeat(15)}1`, parentSpanId: undefined });
    expect(span?.spanId).toMatch(/^span-/);
  });

  it('takes bigints that no number holds, and nothing for no bytes', () => {
    const [span] = decodeSpans(packed({ attributes: { n: 2n ** 60n, m: 5, f: 0.5, l: [1, null] } }));
    expect(span?.attributes).toEqual({ n: 2n ** 60n, m: 5, f: 0.5, l: [1, null] });
    expect(decodeSpans(new Uint8Array())).toEqual([]);
    expect(() => decodeSpans(new Uint8Array([0xc1]))).toThrow();
  });

  it('never sets a prototype', () => {
    const evil = Buffer.concat([Buffer.from([0x91, 0x81, 0xa9]), Buffer.from('__proto__'), packed({ polluted: true }).subarray(1)]);
    const [span] = decodeSpans(evil) as unknown as { polluted?: boolean }[];
    expect(span?.polluted).toBeUndefined();
  });
});
