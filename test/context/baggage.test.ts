// Baggage: its header in both directions, and its limits.
import { describe, expect, it } from 'vitest';
import { Baggage } from '../../src/context/baggage.js';

const values = (baggage: Baggage): Record<string, string> =>
  Object.fromEntries([...baggage.entries()].map(([key, entry]) => [key, entry.value]));

describe('baggage', () => {
  it('is read with white space, percent-encoding and properties', () => {
    const baggage = Baggage.parse(' k1 = v1 ;p1;p2=x , k2=a%20b%2Cc,k3=%D0%B4=1;ttl=30,k4=%7e%25');
    expect(values(baggage)).toEqual({ k1: 'v1', k2: 'a b,c', k3: '\u0434=1', k4: '~%' });
    expect(baggage.get('k1')).toEqual({ value: 'v1', metadata: 'p1;p2=x' });
    expect(baggage.get('k2')).toEqual({ value: 'a b,c' });
    expect(baggage.size).toBe(4);
  });

  it('keeps empty values and keys as they are, and replaces what is no UTF-8', () => {
    expect(values(Baggage.parse('k1=,k%20=2,k3=%FF,k4=%C3%28,k5=%zz%,k6=\u00e9'))).toEqual({
      k1: '',
      'k%20': '2',
      k3: '\ufffd',
      k4: '\ufffd(',
      k5: '%zz%',
      k6: '\u00e9',
    });
  });

  it('leaves out members that are none, and the last of equal keys counts', () => {
    expect(values(Baggage.parse('a=1,novalue,=2,sp ace=3,b(=4,,c=5,a=6'))).toEqual({ c: '5', a: '6' });
    expect(values(Baggage.parse(['a=1,b=2', 'b=3']))).toEqual({ a: '1', b: '3' });
  });

  it('is written so that it reads the same', () => {
    const baggage = new Baggage([
      ['plain', { value: "!#$&'()*+-./09:<=>?@AZ[]^_`az{|}~" }],
      ['odd', { value: 'a b,c;d"e\\f%g\u0434\u{1f600}\u0000' }],
      ['half', { value: 'x\ud83d' }],
      ['empty', { value: '' }],
      ['more', { value: 'v', metadata: 'ttl=30;x' }],
      ['bad key', { value: 'v' }],
      ['badMeta', { value: 'v', metadata: 'a,b' }],
    ]);
    const header = String(baggage);
    expect(header).toMatch(/^[\x21-\x7e]+$/);
    expect(header).toContain("plain=!#$&'()*+-./09:<=>?@AZ[]^_`az{|}~,");
    expect(header).toContain('more=v;ttl=30;x');
    const read = Baggage.parse(header);
    expect(read.get('odd')?.value).toBe('a b,c;d"e\\f%g\u0434\u{1f600}\u0000');
    expect(read.get('half')?.value).toBe('x\ufffd');
    expect(read.get('empty')?.value).toBe('');
    expect(read.get('badMeta')).toEqual({ value: 'v' });
    expect(read.size).toBe(6);
  });

  it('carries 64 members and 8,192 characters, and never a part of one', () => {
    const many = Array.from({ length: 70 }, (_, index) => `k${index}=v`);
    expect(Baggage.parse(many.join()).size).toBe(64);
    expect(Baggage.parse([many.slice(0, 40).join(), many.slice(40).join()]).size).toBe(64);
    const long = (length: number): string => `k=${'v'.repeat(length - 2)}`;
    expect(Baggage.parse(long(8_192)).size).toBe(1);
    expect(String(Baggage.parse(long(8_192)))).toHaveLength(8_192);
    expect(Baggage.parse(long(8_193)).size).toBe(0);
    expect(values(Baggage.parse(`a=1,${long(8_190)}`))).toEqual({ a: '1' });
    const wide = new Baggage([
      ['a', { value: '1' }],
      ['b', { value: 'x'.repeat(9_000) }],
      ['c', { value: ' '.repeat(2_731) }], // 8,193 characters as %20.
      ['d', { value: '4' }],
      ...Array.from({ length: 100 }, (_, index): [string, { value: string }] => [`n${index}`, { value: '' }]),
    ]);
    expect(String(wide).split(',')).toHaveLength(64);
    expect(String(wide)).toMatch(/^a=1,d=4,n0=,/);
  });

  it('is immutable', () => {
    const before = Baggage.parse('a=1');
    const after = before.set('b', '2').set('a', { value: '3', metadata: 'm' }).delete('zz');
    expect([values(before), values(after), values(after.delete('a'))]).toEqual([{ a: '1' }, { a: '3', b: '2' }, { b: '2' }]);
    expect(String(new Baggage())).toBe('');
    expect(new Baggage([['k', { value: 7 as never }]]).size).toBe(0);
  });
});
