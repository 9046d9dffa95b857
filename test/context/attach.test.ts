// Attaching a context by hand: what it covers, what it leaves behind, and who sees it.
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { attachContext, forkContext } from '../../src/context/attach.js';
import { activeContext, Context, ROOT_CONTEXT, runInContext } from '../../src/context/context.js';

/** Contexts that differ by their trace ids. */
const contextOf = (id: number): Context => new Context(0, 0, 0, id, (id << 2) | 1);
const [a, b, c] = [1, 2, 3].map(contextOf) as [Context, Context, Context];

describe('a context attached by hand', () => {
  it('is active until it is detached, and a second detachment does nothing', () => {
    const attached = attachContext(a);
    expect(activeContext()).toBe(a);
    attached.detach();
    expect(activeContext()).toBe(ROOT_CONTEXT);
    runInContext(b, () => {
      attached.detach();
      expect(activeContext()).toBe(b);
    });
  });

  it('ends with the block in the form of a resource', () => {
    {
      using attached = attachContext(a);
      expect(attached).toBeDefined();
      expect(activeContext()).toBe(a);
    }
    expect(activeContext()).toBe(ROOT_CONTEXT);
  });

  it('comes back when the one on top of it goes, also with awaits in between', async () => {
    await sleep(1);
    const outer = attachContext(a);
    await sleep(1);
    const inner = attachContext(b);
    await sleep(1);
    expect(activeContext()).toBe(b);
    inner.detach();
    expect(activeContext()).toBe(a);
    await sleep(1);
    expect(activeContext()).toBe(a);
    outer.detach();
    expect(activeContext()).toBe(ROOT_CONTEXT);
  });

  it.each([
    [false, [0, 1, 2]],
    [false, [1, 0, 2]],
    [false, [0, 2, 1]],
    [true, [0, 1, 2]],
    [true, [1, 0, 2]],
    [true, [1, 2, 0]],
  ])('leads back to where it began when three are detached out of order (awaits: %s, order %s)', async (awaits, order) => {
    await sleep(1);
    await runInContext(contextOf(9), async () => {
      const base = activeContext();
      const contexts = [a, b, c];
      const attached = contexts.map(attachContext);
      const open = new Set([0, 1, 2]);
      for (const index of order) {
        if (awaits) await sleep(1);
        attached[index]?.detach();
        open.delete(index);
        expect(activeContext()).toBe(open.size === 0 ? base : contexts[Math.max(...open)]);
      }
      await sleep(1);
      expect(activeContext()).toBe(base);
    });
  });

  it('may be the active one already, twice over', () => {
    const outer = attachContext(a);
    const inner = attachContext(a);
    inner.detach();
    expect(activeContext()).toBe(a);
    outer.detach();
    expect(activeContext()).toBe(ROOT_CONTEXT);
  });

  it('does not outlive the scope in which it was left attached', () => {
    runInContext(b, () => {
      attachContext(a);
      runInContext(b, () => attachContext(c));
      expect(activeContext()).toBe(a);
    });
    expect(activeContext()).toBe(ROOT_CONTEXT);
    expect(() =>
      runInContext(a, () => {
        attachContext(c);
        throw new Error('out');
      }),
    ).toThrow('out');
    expect(activeContext()).toBe(ROOT_CONTEXT);
  });

  it('does not outlive a scope of the context that is active anyway', () => {
    runInContext(a, () => {
      runInContext(a, () => attachContext(b));
      expect(activeContext()).toBe(a);
      forkContext(() => attachContext(b));
      expect(activeContext()).toBe(a);
    });
  });

  it('is seen by what was started meanwhile, also later when it was detached in the same run', async () => {
    const seen: Promise<Context>[] = [];
    const attached = attachContext(a);
    seen.push(sleep(2).then(activeContext));
    seen.push(new Promise((resolve) => setTimeout(() => resolve(activeContext()), 2)));
    attached.detach();
    const [promise, timer] = await Promise.all(seen);
    expect([promise?.t3, promise?.state]).toEqual([a.t3, a.state]);
    expect([timer?.t3, timer?.state]).toEqual([a.t3, a.state]);
  });

  it('ends for everyone when there was an await before it was detached, so that the caller gets its own context back', async () => {
    await runInContext(b, async () => {
      let outlives: Promise<Context> | undefined;
      let open = (): void => undefined;
      const gate = new Promise<void>((resolve) => {
        open = resolve;
      });
      async function callee(): Promise<void> {
        using attached = attachContext(a);
        expect(attached).toBeDefined();
        outlives = gate.then(activeContext);
        await sleep(1);
        expect(activeContext()).toBe(a);
      }
      await callee();
      expect(activeContext()).toBe(b);
      open();
      expect(await outlives).toBe(b);
      for (let turn = 0; turn < 3; turn++) await callee();
      expect(activeContext()).toBe(b);
    });
  });

  it('never reaches the caller when it was attached after the first await', async () => {
    async function callee(): Promise<Context> {
      await sleep(1);
      attachContext(a);
      await sleep(2);
      return activeContext();
    }
    const running = callee();
    await sleep(2);
    expect(activeContext()).toBe(ROOT_CONTEXT);
    expect(await running).toBe(a);
    expect(activeContext()).toBe(ROOT_CONTEXT);
  });

  it('can be detached inside another scope, which keeps its own context', async () => {
    await sleep(1);
    await runInContext(c, async () => {
      const attached = attachContext(a);
      runInContext(b, () => {
        attached.detach();
        expect(activeContext()).toBe(b);
      });
      expect(activeContext()).toBe(c);
    });
  });

  it('keeps nothing of what was before alive when it is forgotten', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    await runInContext(contextOf(9), async () => {
      const seen: WeakRef<Context>[] = [];
      for (let turn = 0; turn < 100; turn++) {
        const context = contextOf(turn + 10);
        seen.push(new WeakRef(context));
        attachContext(context);
        await sleep(0);
      }
      for (let turn = 0; turn < 5; turn++) {
        await sleep(1);
        collect();
      }
      expect(seen.filter((context) => context.deref() !== undefined).length).toBeLessThan(10);
    });
  });

  it('holds a value that later detachments leave alone', async () => {
    await sleep(1);
    const attached = attachContext(a);
    const kept = activeContext();
    await sleep(1);
    attached.detach();
    expect(kept).toBe(a);
    expect([a.t3, a.state]).toEqual([1, 5]);
    expect(runInContext(kept, activeContext)).toBe(a);
  });
});

describe('concurrent branches', () => {
  it('attach and detach without seeing one another, each started as a branch of its own [H-86]', async () => {
    await runInContext(contextOf(9), async () => {
      const base = activeContext();
      const branches = Array.from({ length: 50 }, (_, index) =>
        forkContext(async () => {
          const own = contextOf(index + 10);
          const attached = attachContext(own);
          for (let turn = 0; turn < 3; turn++) {
            await sleep(Math.random() * 5);
            expect(activeContext()).toBe(own);
          }
          attached.detach();
          expect(activeContext()).toBe(base);
          await sleep(1);
          expect(activeContext()).toBe(base);
        }),
      );
      expect(activeContext()).toBe(base);
      await Promise.all(branches);
      expect(activeContext()).toBe(base);
    });
  });

  it('keep their own contexts without that too, and leave nothing behind [H-86]', async () => {
    await sleep(1);
    const base = activeContext();
    await Promise.all(
      Array.from({ length: 50 }, async (_, index) => {
        const own = contextOf(index + 10);
        const attached = attachContext(own);
        await sleep(Math.random() * 5);
        expect(activeContext()).toBe(own);
        attached.detach();
        expect(activeContext()).not.toBe(own);
      }),
    );
    expect(activeContext()).toBe(base);
  });
});
