// Readers of foreign bytes: what they take, and that nothing makes them throw.
import { describe, expect, it } from 'vitest';
import { readAnswer, readRetryInfoMs, readStatusMessage } from '../../src/export/otlp/answer.js';
import { partialSuccess, retryInfoStatus } from './collectors.js';

describe('readAnswer', () => {
  it('takes nothing, unknown fields and unknown keys for success', () => {
    const none = { rejected: 0, message: '' };
    expect(readAnswer(Buffer.alloc(0), undefined)).toEqual(none);
    expect(readAnswer(Buffer.from([0x18, 0x05, 0x25, 1, 2, 3, 4, 0x29, 1, 2, 3, 4, 5, 6, 7, 8]), 'application/x-protobuf')).toEqual(none);
    expect(readAnswer(Buffer.from('{"other":1}'), 'application/json')).toEqual(none);
  });

  it('takes a negative or endless count for none', () => {
    const negative = Buffer.from([0x0a, 11, 0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]);
    expect(readAnswer(negative, undefined)).toMatchObject({ rejected: 0 });
    for (const count of ['-1', '1.5', 'NaN', '1e9']) {
      expect(readAnswer(Buffer.from(`{"partialSuccess":{"rejectedSpans":"${count}"}}`), 'application/json')?.rejected).toBe(0);
    }
  });

  it('gives up on bytes that are none, without throwing', () => {
    let seed = 1;
    const next = (): number => {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fff_ffff;
      return seed;
    };
    for (let round = 0; round < 3_000; round++) {
      const bytes = round % 2 ? Buffer.from(Array.from({ length: next() % 40 }, () => next() % 256)) : Buffer.from(partialSuccess(3, 'm'));
      if (round % 2 === 0) bytes[next() % bytes.length] = next() % 256;
      for (const type of [undefined, 'application/json']) {
        const answer = readAnswer(bytes, type);
        expect(answer === undefined || (Number.isInteger(answer.rejected) && answer.rejected >= 0)).toBe(true);
        expect(typeof readStatusMessage(bytes, type)).toBe('string');
      }
      readRetryInfoMs(bytes);
    }
  });
});

it('readStatusMessage shows what a server said, cut', () => {
  const status = Buffer.concat([Buffer.from([0x08, 3, 0x12, 3]), Buffer.from('bad')]);
  expect(readStatusMessage(status, 'application/x-protobuf')).toBe('bad');
  expect(readStatusMessage(Buffer.from('{"message":"bad"}'), 'application/json')).toBe('bad');
  expect(readStatusMessage(Buffer.from('x'.repeat(9_000)), 'text/plain')).toHaveLength(300);
  expect(readStatusMessage(Buffer.from([1, 2, 3]), 'image/png')).toBe('');
});

it('readRetryInfoMs reads seconds and nanoseconds', () => {
  expect(readRetryInfoMs(retryInfoStatus(2, 1_000_000))).toBe(2_001);
  expect(readRetryInfoMs(Buffer.alloc(0))).toBeUndefined();
});
