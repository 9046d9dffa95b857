// Two copies of the package on one thread, as an ESM and a CommonJS build make them: one context, one generator, one propagator.
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';

async function copy() {
  vi.resetModules();
  const [context, attach, ids, propagation, propagator, traceparent] = await Promise.all([
    import('../../src/context/context.js'),
    import('../../src/context/attach.js'),
    import('../../src/context/ids.js'),
    import('../../src/context/propagation.js'),
    import('../../src/context/propagator.js'),
    import('../../src/context/traceparent.js'),
  ]);
  return { ...context, ...attach, ...ids, ...propagation, ...propagator, ...traceparent };
}

const one = await copy();
const two = await copy();

describe('two copies of the package', () => {
  it('are two', () => {
    expect(one.Context).not.toBe(two.Context);
  });

  it('see one context, whoever put it in place and however', async () => {
    const context = new one.Context(1, 2, 3, 4, (5 << 2) | 1);
    expect(one.runInContext(context, two.activeContext)).toBe(context);
    const attached = one.attachContext(context);
    expect(two.activeContext()).toBe(context);
    const above = two.attachContext(new two.Context(9, 9, 9, 9, 0));
    expect(one.activeContext().t0).toBe(9);
    await sleep(1);
    attached.detach();
    expect(one.activeContext().t0).toBe(9);
    above.detach();
    expect(one.activeContext()).toBe(two.ROOT_CONTEXT);
    expect(one.ROOT_CONTEXT).toBe(two.ROOT_CONTEXT);
  });

  it('read contexts of one another: spans open and ended, remote ones, what travels with them', () => {
    const span = { t0: 1, t1: 2, t2: 3, t3: 4, number: one.nextSpanNumber(), flags: 3, extra: undefined, live: true } as const;
    const own = one.contextOfSpan(span);
    expect(two.liveSpanOf(two.withTraceState(own, 'a=1'))).toBe(span);
    const header = one.traceparentOf(own);
    expect(two.traceparentOf(own)).toBe(header);
    own.state = one.endedState(span);
    expect(two.liveSpanOf(own)).toBeUndefined();
    expect(two.traceparentOf(own)).toBe(header);
    const remote = one.extract({ traceparent: header, tracestate: 'a=1' }, one.ROOT_CONTEXT);
    expect(two.inject({}, remote)).toEqual({ traceparent: header, tracestate: 'a=1' });
    expect(two.isRemote(remote)).toBe(true);
  });

  it('number their spans together and use one propagator', () => {
    const numbers = [one.nextSpanNumber(), two.nextSpanNumber(), one.nextSpanNumber()] as const;
    expect(numbers).toEqual([numbers[0], numbers[0] + 1, numbers[0] + 2]);
    expect(one.spanHigh(numbers[0])).toBe(two.spanHigh(numbers[0]));
    one.setPropagator(one.propagatorOf(['b3']));
    expect(two.currentPropagator().fields).toEqual(['b3']);
    one.setPropagator(undefined);
  });
});
