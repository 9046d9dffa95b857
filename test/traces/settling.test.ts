// What happens when a function of the application is over, whichever way.
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { Tracing } from '../../src/index.js';

const tracing = new Tracing();

describe('a trace around a function', () => {
  it('ends when a promise of any library is settled', async () => {
    const thenable = {
      // biome-ignore lint/suspicious/noThenProperty: what is tested
      then(resolve: (value: number) => void): void {
        setImmediate(resolve, 7);
      },
    };
    let ended: () => boolean = () => false;
    const result = tracing.startTrace('foreign', (trace) => {
      ended = () => trace.endTime !== undefined;
      return thenable;
    });
    expect(ended()).toBe(false);
    expect([await result, ended()]).toEqual([7, true]);
  });

  it('has ended before those who wait for its promise go on', async () => {
    const open = tracing.startTrace('own', async (trace) => trace);
    expect((await open).endTime).toBeDefined();
  });

  it('takes what only looks like a promise for what it is', () => {
    const odd = Object.defineProperty({}, 'then', {
      get() {
        throw new Error('mine');
      },
    });
    expect(tracing.startTrace('odd', () => odd)).toBe(odd);
    expect(tracing.currentTrace()).toBeUndefined();
  });

  it('leaves a rejection that nobody handles to the process', async () => {
    const others = process.listeners('unhandledRejection');
    process.removeAllListeners('unhandledRejection'); // The test runner's: it would fail this file.
    const heard = once(process, 'unhandledRejection');
    const error = new Error('nobody');
    void tracing.startTrace('own', async () => Promise.reject(error));
    const [reason] = await heard;
    for (const listener of others) process.on('unhandledRejection', listener);
    expect(reason).toBe(error);
  });
});
