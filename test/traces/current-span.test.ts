// The span of the running code.
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { getCurrentSpan } from '../../src/traces/current-span.js';
import { TracerProvider } from '../../src/traces/provider.js';
import { ALWAYS_OFF } from '../../src/traces/samplers/sampler.js';

const tracer = new TracerProvider().getTracer('test');

describe('the current span', () => {
  it('is the innermost one that is open in this branch, and none outside [L-174]', async () => {
    expect(getCurrentSpan()).toBeUndefined();
    const branches = [1, 2, 3].map((id) =>
      tracer.trace(`outer ${id}`, async (outer) => {
        await sleep(1);
        expect(getCurrentSpan()).toBe(outer);
        await tracer.trace('inner', async (inner) => {
          await sleep(1);
          expect(getCurrentSpan()).toBe(inner);
          inner.end();
          expect(getCurrentSpan()).toBeUndefined();
        });
        expect(getCurrentSpan()).toBe(outer);
      }),
    );
    expect(getCurrentSpan()).toBeUndefined();
    await Promise.all(branches);
    expect(getCurrentSpan()).toBeUndefined();
  });

  it('is none where a span was only started, or is not recorded [L-174]', () => {
    const started = tracer.startSpan('started');
    expect(getCurrentSpan()).toBeUndefined();
    started.end();
    const silent = new TracerProvider({ sampler: ALWAYS_OFF }).getTracer('test');
    silent.trace('x', () => expect(getCurrentSpan()?.isRecording() ?? false).toBe(false));
  });
});
