// The cases of the W3C's harness for Trace Context (strict level 2, specification level 2), over real HTTP on the server that the
// harness itself is run on: `PORT=5000 npm run -s w3c-server`. One test for each of its 41 cases.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Harness, type Propagated } from './harness.js';

const harness = new Harness();
const TRACE = '12345678901234567890123456789012';
const SPAN = '1234567890123456';
const VALID = `00-${TRACE}-${SPAN}-00`;

type Headers = readonly (readonly [string, string])[];

async function one(headers: Headers): Promise<Propagated> {
  return (await harness.call(headers))[0] as Propagated;
}

/** What goes out for one traceparent. */
const withParent = (traceparent: string): Promise<Propagated> => one([['traceparent', traceparent]]);

/** What goes out for a valid traceparent and these headers of tracestate. */
function withState(...headers: readonly string[]): Promise<Propagated> {
  return one([['traceparent', VALID], ...headers.map((header): [string, string] => ['tracestate', header])]);
}

/** Each begins a trace of its own. */
async function isRefused(...headers: readonly string[]): Promise<void> {
  for (const header of headers) expect((await withParent(header)).traceId, header).not.toBe(TRACE);
}

/** Each goes on with the trace, and without any tracestate. */
async function isDiscarded(...states: readonly (readonly string[])[]): Promise<void> {
  for (const headers of states) {
    const { traceId, tracestate } = await withState(...headers);
    expect([traceId, tracestate], headers.join(' | ')).toEqual([TRACE, undefined]);
  }
}

beforeAll(() => harness.start(), 300_000);
afterAll(() => harness.stop());

describe('traceparent over HTTP', () => {
  it('begins when both headers are missing', async () => {
    const { flags, tracestate } = await one([]);
    expect([flags, tracestate]).toEqual(['03', undefined]);
  });

  it('goes on with another parent id when tracestate is missing', async () => {
    const { traceId, parentId, flags } = await withParent(`00-${TRACE}-${SPAN}-01`);
    expect([traceId, flags]).toEqual([TRACE, '01']);
    expect(parentId).not.toBe(SPAN);
  });

  it('begins anew when it is there twice', async () => {
    const other = `00-${TRACE.slice(0, -1)}1-${SPAN}-01`;
    for (const [first, second] of [
      [other, VALID],
      [VALID, VALID],
      [VALID.replace('00-', 'cc-'), VALID.replace('00-', 'cc-')],
    ] as const) {
      const { traceId } = await one([
        ['traceparent', first],
        ['Traceparent', second],
      ]);
      expect([TRACE, other.slice(3, 35)]).not.toContain(traceId);
    }
  });

  it('is none under other names', async () => {
    for (const name of ['trace-parent', 'trace.parent']) expect((await one([[name, VALID]])).traceId).not.toBe(TRACE);
  });

  it('is found in every casing of its name', async () => {
    for (const name of ['TraceParent', 'TrAcEpArEnT', 'TRACEPARENT']) expect((await one([[name, VALID]])).traceId).toBe(TRACE);
  });

  it('of version 00 has nothing behind its flags', async () => {
    await isRefused(`${VALID}.`, `${VALID}-what-the-future-will-be-like`);
  });

  it('of version cc may have more behind a dash', async () => {
    const later = VALID.replace('00-', 'cc-');
    for (const header of [later, `${later}-what-the-future-will-be-like`]) expect((await withParent(header)).traceId).toBe(TRACE);
    await isRefused(`${later}.what-the-future-will-be-like`);
  });

  it('of version ff is refused', () => isRefused(VALID.replace('00-', 'ff-')));
  it('with illegal characters in its version is refused', () => isRefused(VALID.replace('00-', '.0-'), VALID.replace('00-', '0.-')));
  it('with a long version is refused', () => isRefused(`0${VALID}`, `00${VALID}`));
  it('with a short version is refused', () => isRefused(VALID.slice(1)));
  it('with a zero trace id is refused', async () => {
    const { traceId } = await withParent(VALID.replace(TRACE, '0'.repeat(32)));
    expect(traceId).not.toMatch(/^0+$/);
  });
  it('with illegal characters in its trace id is refused', async () => {
    await isRefused(VALID.replace(TRACE, `.${TRACE.slice(1)}`), VALID.replace(TRACE, `${TRACE.slice(0, -1)}.`));
    const upper = VALID.replace(TRACE, `${TRACE.slice(0, -1)}A`);
    expect((await withParent(upper)).traceId).not.toBe(`${TRACE.slice(0, -1)}a`);
  });
  it('with a long trace id is refused', async () => {
    const { traceId } = await withParent(VALID.replace(TRACE, `${TRACE}3`));
    expect([TRACE, `${TRACE.slice(1)}3`]).not.toContain(traceId);
  });
  it('with a short trace id is refused', () => isRefused(VALID.replace(TRACE, TRACE.slice(1))));
  it('with a zero parent id is refused', () => isRefused(VALID.replace(`-${SPAN}-`, `-${'0'.repeat(16)}-`)));
  it('with illegal characters in its parent id is refused', () =>
    isRefused(`00-${TRACE}-.${SPAN.slice(1)}-00`, `00-${TRACE}-${SPAN.slice(1)}.-00`));
  it('with a long parent id is refused', () => isRefused(`00-${TRACE}-${SPAN}7-01`));
  it('with a short parent id is refused', () => isRefused(`00-${TRACE}-${SPAN.slice(1)}-01`));
  it('with illegal characters in its flags is refused', () => isRefused(`00-${TRACE}-${SPAN}-.0`, `00-${TRACE}-${SPAN}-0.`));
  it('with long flags is refused', () => isRefused(`00-${TRACE}-${SPAN}-001`));
  it('with short flags is refused', () => isRefused(`00-${TRACE}-${SPAN}-1`));

  it('may have white space around it', async () => {
    for (const line of [` ${VALID}`, `\t${VALID}`, `${VALID} `, `${VALID}\t`, `\t ${VALID} \t`]) {
      expect((await harness.callRaw([`traceparent:${line}`]))[0]?.traceId).toBe(TRACE);
    }
  });

  it('keeps the random flag as it came, set or not', async () => {
    for (const [flags, expected] of [
      ['00', '00'],
      ['01', '01'],
      ['02', '02'],
      ['03', '03'],
      ['ff', '03'],
      ['fc', '00'],
    ] as const) {
      const { traceId, flags: sent } = await withParent(`00-${TRACE}-${SPAN}-${flags}`);
      expect([traceId, sent]).toEqual([TRACE, expected]);
    }
  });
});

describe('tracestate over HTTP', () => {
  it('is dropped without traceparent', async () => {
    for (const state of ['foo=1', 'foo=1,bar=2']) expect((await one([['tracestate', state]])).tracestate).toBeUndefined();
    const refused = await one([
      ['traceparent', `${VALID}.`],
      ['tracestate', 'foo=1'],
    ]);
    expect(refused.tracestate).toBeUndefined();
  });

  it('goes on beside traceparent', async () => {
    const { traceId, tracestate } = await withState('foo=1,bar=2');
    expect([traceId, tracestate]).toEqual([TRACE, 'foo=1,bar=2']);
  });

  it('is none under other names', async () => {
    for (const name of ['trace-state', 'trace.state']) {
      expect(
        (
          await one([
            ['traceparent', VALID],
            [name, 'foo=1'],
          ])
        ).tracestate,
      ).toBeUndefined();
    }
  });

  it('is found in every casing of its name', async () => {
    for (const name of ['TraceState', 'TrAcEsTaTe', 'TRACESTATE']) {
      expect(
        (
          await one([
            ['traceparent', VALID],
            [name, 'foo=1'],
          ])
        ).tracestate,
      ).toBe('foo=1');
    }
  });

  it('may be empty, alone or beside others', async () => {
    expect((await withState('')).traceId).toBe(TRACE);
    for (const headers of [
      ['foo=1', ''],
      ['', 'foo=1'],
    ]) {
      const { traceId, tracestate } = await withState(...headers);
      expect([traceId, tracestate]).toEqual([TRACE, 'foo=1']);
    }
  });

  it('of several headers is joined in their order', async () => {
    const { traceId, state } = await withState('foo=1,bar=2', 'rojo=1,congo=2', 'baz=3');
    expect([traceId, [...state.keys()]]).toEqual([TRACE, ['foo', 'bar', 'rojo', 'congo', 'baz']]);
  });

  it('with equal keys keeps one', async () => {
    for (const headers of [['foo=1,foo=1'], ['foo=1,foo=2'], ['foo=1', 'foo=1'], ['foo=1', 'foo=2']]) {
      const { traceId, tracestate } = await withState(...headers);
      expect([traceId, tracestate]).toEqual([TRACE, 'foo=1']);
    }
  });

  it('may have every allowed character', async () => {
    const key = `${Array.from({ length: 26 }, (_, index) => String.fromCharCode(97 + index)).join('')}0123456789_-*/`;
    const value = Array.from({ length: 95 }, (_, index) => String.fromCharCode(32 + index))
      .filter((character) => !',='.includes(character))
      .join('');
    for (const name of [key, `${key}@a-z0-9_-*/`]) expect((await withState(`${name}=${value}`)).state.get(name)).toBe(value);
  });

  it('may have white space around its members and itself', async () => {
    for (const line of ['foo=1 \t , \t bar=2, \t baz=3', 'foo=1\t \t,\t \tbar=2,\t \tbaz=3']) {
      expect((await withState(line)).tracestate).toBe('foo=1,bar=2,baz=3');
    }
    for (const line of [' foo=1', '\tfoo=1', 'foo=1 ', 'foo=1\t', '\t foo=1 \t']) {
      const answer = (await harness.callRaw([`traceparent: ${VALID}`, `tracestate:${line}`]))[0];
      expect([answer?.traceId, answer?.tracestate]).toEqual([TRACE, 'foo=1']);
    }
  });

  it('is discarded with an illegal key', () => isDiscarded(['foo =1'], ['FOO=1'], ['foo.bar=1']));

  it('takes at signs in keys as level 2 does, anywhere but first', async () => {
    await isDiscarded(['@foo=1,bar=2']);
    for (const key of ['foo@', 'foo@@bar', 'foo@bar@baz']) {
      expect([...(await withState(`${key}=1,bar=2`)).state]).toEqual([
        [key, '1'],
        ['bar', '2'],
      ]);
    }
  });

  it('has up to 32 members', async () => {
    const members = Array.from(
      { length: 33 },
      (_, index) => `bar${String(index + 1).padStart(2, '0')}=${String(index + 1).padStart(2, '0')}`,
    );
    const rows = [members.slice(0, 10).join(), members.slice(10, 20).join(), members.slice(20, 30).join()];
    const { state } = await withState(...rows, members.slice(30, 32).join());
    expect([state.size, state.get('bar01')]).toEqual([32, '01']);
    await isDiscarded([...rows, members.slice(30).join()]);
  });

  it('has keys of up to 256 characters', async () => {
    for (const key of ['z'.repeat(256), `${'t'.repeat(241)}@${'v'.repeat(14)}`, `${'t'.repeat(242)}@v`, `t@${'v'.repeat(15)}`]) {
      expect([...(await withState('foo=1', `${key}=1`)).state.keys()]).toEqual(['foo', key]);
    }
    await isDiscarded(['foo=1', `${'z'.repeat(257)}=1`]);
  });

  it('is discarded with an illegal value', () =>
    isDiscarded(['foo=bar=baz'], ['foo=,bar=3'], [`foo=${'v'.repeat(257)}`], ['foo=a\tb,bar=2']));
});

describe('several calls', () => {
  it('of one trace have ids of their own', async () => {
    const calls = await harness.call([['traceparent', VALID]], 3);
    expect(calls.map(({ traceId }) => traceId)).toEqual([TRACE, TRACE, TRACE]);
    expect(new Set(calls.map(({ parentId }) => parentId)).size).toBe(3);
  });

  it('without traceparent have ids of their own', async () => {
    const calls = await harness.call([], 3);
    expect(new Set(calls.map(({ parentId }) => parentId)).size).toBe(3);
  });

  it('with an illegal traceparent begin anew, with ids of their own', async () => {
    const calls = await harness.call([['traceparent', `00-${'0'.repeat(32)}-${SPAN}-01`]], 3);
    for (const { traceId } of calls) expect(traceId).not.toMatch(/^0+$/);
    expect(new Set(calls.map(({ parentId }) => parentId)).size).toBe(3);
  });
});
