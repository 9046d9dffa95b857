// The header tracestate: what is valid, what is discarded, how it changes and what of it is sent.
import { describe, expect, it } from 'vitest';
import { checkedTraceState, sentTraceState, TraceState } from '../../src/context/tracestate.js';

const members = (count: number): string[] =>
  Array.from({ length: count }, (_, index) => `bar${String(index + 1).padStart(2, '0')}=${index}`);
const VALUE_CHARACTERS = Array.from({ length: 0x7f - 0x20 }, (_, index) => String.fromCharCode(0x20 + index))
  .filter((character) => character !== ',' && character !== '=')
  .join('');

describe('tracestate', () => {
  it.each([
    ['several members', 'foo=1,bar=2', 'foo=1,bar=2'],
    ['white space around members', 'foo=1 \t , \t bar=2, \t baz=3', 'foo=1,bar=2,baz=3'],
    ['white space around the whole', '\t foo=1 \t', 'foo=1'],
    ['empty members', ',foo=1,, ,bar=2,', 'foo=1,bar=2'],
    ['all characters that a key and a value may have', `a-z0_*/@9@=${VALUE_CHARACTERS}`, `a-z0_*/@9@=${VALUE_CHARACTERS}`],
    ['a key that begins with a digit', '0a=1', '0a=1'],
    ['at signs anywhere but first in keys', 'foo@=1,foo@@bar=2,foo@bar@baz=3', 'foo@=1,foo@@bar=2,foo@bar@baz=3'],
    ['blanks before a value', 'foo=  1', 'foo=  1'],
    ['a key of 256 characters', `${'z'.repeat(256)}=1`, `${'z'.repeat(256)}=1`],
    ['a tenant of 242 and a system of 15 characters', `${'t'.repeat(240)}@${'v'.repeat(15)}=1`, `${'t'.repeat(240)}@${'v'.repeat(15)}=1`],
    ['a value of 256 characters', `a=${'v'.repeat(256)}`, `a=${'v'.repeat(256)}`],
    ['equal keys, of which the first stays', 'foo=1,bar=2,foo=3', 'foo=1,bar=2'],
    ['32 members', members(32).join(), members(32).join()],
    ['32 members and empty ones', `,${members(32).join(',,')},`, members(32).join()],
    ['a comma at the end', 'foo=1,', 'foo=1'],
    ['nothing', '', ''],
  ])('is kept with %s', (_, header, kept) => {
    expect(checkedTraceState(header)).toBe(kept);
  });

  it.each([
    ['a key with a blank', 'foo =1,bar=2'],
    ['a key in upper case', 'FOO=1,bar=2'],
    ['a key with a dot', 'foo.bar=1,bar=2'],
    ['a key that begins with an at sign', '@foo=1,bar=2'],
    ['a key that begins with an underscore', '_foo=1,bar=2'],
    ['a key of 257 characters', `foo=1,${'z'.repeat(257)}=1`],
    ['an empty key', '=1,bar=2'],
    ['a value with an equals sign', 'foo=bar=baz,bar=2'],
    ['an empty value', 'foo=,bar=3'],
    ['a value of blanks', 'foo= ,bar=3'],
    ['a value of 257 characters', `bar=2,a=${'v'.repeat(257)}`],
    ['a value with a control character', 'foo=\u0001,bar=2'],
    ['a value with a tab inside', 'foo=a\tb,bar=2'],
    ['a value beyond ASCII', 'foo=\u00e9,bar=2'],
    ['a member without an equals sign', 'foo,bar=2'],
    ['33 members', members(33).join()],
    ['33 members with equal keys among them', `${members(32).join()},bar01=1`],
  ])('is discarded as a whole with %s', (_, header) => {
    expect(checkedTraceState(header)).toBe('');
    expect(TraceState.parse(header)).toBe(TraceState.EMPTY);
  });

  it('of several headers is joined in their order, and their limits are those of one', () => {
    expect(checkedTraceState(['foo=1,bar=2', 'rojo=1', '', 'baz=3'])).toBe('foo=1,bar=2,rojo=1,baz=3');
    expect(checkedTraceState(['foo=1', 'foo=2'])).toBe('foo=1');
    expect(checkedTraceState(['foo=1', 'B=2'])).toBe('');
    expect(checkedTraceState([members(20).join(), 'x=1,'.repeat(13)])).toBe('');
  });

  it('changes by moving the member to the left, as a new list', () => {
    const before = TraceState.parse('a=1,b=2,c=3');
    expect(String(before.set('b', '9'))).toBe('b=9,a=1,c=3');
    expect(String(before.set('d', '4'))).toBe('d=4,a=1,b=2,c=3');
    expect(String(before.delete('b'))).toBe('a=1,c=3');
    expect(before.delete('z')).toBe(before);
    expect(String(before)).toBe('a=1,b=2,c=3');
    expect([before.size, before.get('c'), before.get('z'), [...before.entries()].length]).toEqual([3, '3', undefined, 3]);
  });

  it('loses its rightmost member when one is added to 32, and stays as it is for one that is invalid', () => {
    const full = TraceState.parse(members(32).join());
    const more = full.set('new', '1');
    expect([more.size, more.get('bar32'), more.get('bar31')]).toEqual([32, undefined, '30']);
    expect(full.set('bar32', 'x').size).toBe(32);
    for (const [key, value] of [
      ['A', '1'],
      ['', '1'],
      ['a', ''],
      ['a', 'x,y'],
      ['a', 'x '],
      ['a', 7 as never],
      [undefined as never, '1'],
    ] as const) {
      expect(full.set(key, value)).toBe(full);
    }
  });
});

describe('the tracestate that is sent', () => {
  it('is what was received, up to 512 characters', () => {
    const exact = `a=${'v'.repeat(250)},b=${'w'.repeat(257)}`.slice(0, 512);
    expect(exact).toHaveLength(512);
    expect(sentTraceState(exact)).toBe(exact);
  });

  it('loses members of more than 128 characters first, then others from the right, and never a part of one', () => {
    const long = (key: string): string => `${key}=${'v'.repeat(200)}`;
    const short = Array.from({ length: 20 }, (_, index) => `s${index}=${'x'.repeat(16)}`);
    expect(sentTraceState([long('a'), ...short.slice(0, 10), long('b'), ...short.slice(10)].join())).toBe(short.join());
    // The rightmost of the long ones is enough here.
    expect(sentTraceState([long('a'), ...short.slice(0, 3), long('b'), ...short.slice(3, 6)].join())).toBe(
      [long('a'), ...short.slice(0, 6)].join(),
    );
    const many = Array.from({ length: 32 }, (_, index) => `k${index}=${'y'.repeat(30)}`);
    const fewer = sentTraceState(many.join());
    expect(many.join().startsWith(`${fewer},`)).toBe(true);
    expect(fewer.length).toBeGreaterThan(512 - 36);
    // Exactly 128 is not long.
    const edge = `e=${'z'.repeat(126)}`;
    const over = `f=${'z'.repeat(127)}`;
    expect(sentTraceState([edge, over, ...many.slice(0, 9)].join())).toBe([edge, ...many.slice(0, 9)].join());
  });
});
