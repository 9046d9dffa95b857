// Rings of processes and threads that end in the middle of a record: what was accepted is in the spool, once, in order.
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { KIND_AT, KIND_OVERFLOW, KIND_RING } from '../../src/binding/generated/layout.js';
import { native } from '../../src/binding/load.js';
import { Child, DIST, memoryFolder, removeFolder } from '../recorder/processes.js';

let folder: string;
beforeAll(() => {
  folder = memoryFolder();
});
afterAll(() => removeFolder(folder));

/** All records' values of a spool, a megabyte at a time. */
function* records(spool: string): Generator<readonly unknown[]> {
  const bytes = readFileSync(spool);
  let keys: readonly string[] = [];
  for (let at = 0; at < bytes.length; ) {
    let end = at;
    while (end < bytes.length && end - at < 1 << 20) end += bytes.readUInt32LE(end);
    const decoded = native.ringDecode(bytes.subarray(at, end), keys);
    expect(decoded.bad).toBeUndefined();
    for (const { values } of decoded.records) yield values;
    keys = decoded.keys;
    at = end;
  }
}

describe('[W3] a process killed by SIGKILL', () => {
  it('leaves every record it was told is kept, in spool and segments together, once and in order', async () => {
    for (let round = 0; round < 8; round++) {
      const spool = join(folder, `killed-${round}`);
      // A small ring, so that it is full, moved and rewound all the time; the last index that is safe is reported.
      const child = new Child(
        `import { writeSync } from 'node:fs';
        const { openRing } = await import('${DIST}binding/ring.js');
        const { writer } = openRing({ sizeBytes: 8192, onFull: 'block', blockBudgetMs: 60000, signal: 'spool', spool: ${JSON.stringify(spool)} });
        for (let index = 0; ; index++) {
          if (!writer.write(20, index, { text: 'r'.repeat(index % 77), key: index })) throw new Error('dropped');
          if (index % 1000 === 0) writeSync(1, index + '\\n');
        }`,
        { folder, bare: true },
      );
      await child.says(`\n${1000 * (round + 1)}\n`);
      const { signal, stdout } = await child.kill();
      expect(signal).toBe('SIGKILL');
      const uid = readdirSync(folder).find((name) => name.startsWith('kymo-')) as string;
      const segments = readdirSync(join(folder, uid)).map((name) => readFileSync(join(folder, uid, name)));
      const [ring, overflow] = [KIND_RING, KIND_OVERFLOW].map((kind) => segments.find((bytes) => bytes.readUInt32LE(KIND_AT) === kind));
      native.ringFinishSpool(ring as Buffer, overflow, spool);
      let next = 0;
      for (const [index, fields] of records(spool)) {
        const whole = index === next && JSON.stringify(fields) === JSON.stringify({ text: 'r'.repeat(next % 77), key: next });
        if (!whole) throw new Error(`round ${round}: record ${next} is ${index} ${JSON.stringify(fields)}`);
        next++;
      }
      const reported = stdout.trim().split('\n').map(Number);
      expect(next).toBeGreaterThan(reported.at(-1) as number);
      rmSync(join(folder, uid), { recursive: true });
    }
  }, 120_000);
});

describe('[T1] a worker that is terminated in the middle of a record', () => {
  it('loses at most that record, and the next worker takes its ring over', async () => {
    const spool = join(folder, 'workers');
    const worker = `
      import { workerData, parentPort } from 'node:worker_threads';
      const { openRing } = await import('${DIST}binding/ring.js');
      const { number, writer } = openRing({ sizeBytes: 65536, onFull: 'block', blockBudgetMs: 60000, signal: 'spool', spool: ${JSON.stringify(spool)} });
      parentPort.postMessage(number);
      for (let index = 0; ; index++) writer.write(20, workerData, index, { get slow() { return 'x'.repeat(index % 500); } });`;
    const child = new Child(
      `import { once } from 'node:events';
      import { Worker } from 'node:worker_threads';
      const { native } = await import('${DIST}binding/load.js');
      const numbers = [];
      for (let round = 0; round < 12; round++) {
        const worker = new Worker(${JSON.stringify(worker)}, { eval: true, workerData: round });
        numbers.push((await once(worker, 'message'))[0]);
        await new Promise((done) => setTimeout(done, round));
        await worker.terminate();
      }
      if (!native.ringFlush(30000)) throw new Error('not drained');
      console.log(JSON.stringify({ numbers, dropped: native.ringState(0).dropped }));`,
      { folder, bare: true },
    );
    const { code, stdout, stderr } = await child.ended;
    expect(stderr).toBe('');
    expect(code).toBe(0);
    const { numbers, dropped } = JSON.parse(stdout) as { numbers: number[]; dropped: Record<string, number> };
    expect(numbers).toEqual(Array.from({ length: 12 }, () => 0));
    expect(Object.keys(dropped).filter((reason) => reason !== 'abandoned')).toEqual([]);
    const next = Array.from({ length: 12 }, () => 0);
    let last = 0;
    for (const [round, index, fields] of records(spool) as Iterable<[number, number, { slow: string }]>) {
      expect(round).toBeGreaterThanOrEqual(last);
      last = round;
      if (index !== next[round] || fields.slow.length !== index % 500) throw new Error(`round ${round}: ${index} for ${next[round]}`);
      next[round] = index + 1;
    }
    expect(Math.max(...next)).toBeGreaterThan(0);
  });
});

describe('[M5] a runtime that lends no native memory', () => {
  it('writes the same records by calls, in order, long and nested ones too', async () => {
    const spool = join(folder, 'internal');
    const child = new Child(
      `const { openRing } = await import('${DIST}binding/ring.js');
      const { native } = await import('${DIST}binding/load.js');
      const { writer, state } = openRing({ sizeBytes: 8192, onFull: 'block', blockBudgetMs: 60000, signal: 'spool', spool: ${JSON.stringify(spool)} });
      while (!state().overflow) await new Promise(setImmediate);
      for (let index = 0; index < 20000; index++) {
        const fields = { text: 's'.repeat(index % 1000 === 7 ? 3000 : index % 77), get nested() { return index % 100 || writer.write(21, index); } };
        if (!writer.write(20, index, fields)) throw new Error('dropped');
      }
      if (!native.ringFlush(30000)) throw new Error('not drained');
      console.log(JSON.stringify(state().dropped));`,
      { folder, bare: true, env: { KYMO_MEMORY: 'internal' } },
    );
    const { code, stdout, stderr } = await child.ended;
    expect(stderr).toBe('');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual({});
    let next = 0;
    let nested = 0;
    for (const [index, fields] of records(spool) as Iterable<[number, { text: string } | undefined]>) {
      if (fields === undefined) {
        expect(index).toBe(next - 1);
        nested++;
      } else if (index !== next++ || fields.text.length !== (index % 1000 === 7 ? 3000 : index % 77))
        throw new Error(`${index} for ${next - 1}`);
    }
    expect([next, nested]).toEqual([20_000, 200]);
  });
});
