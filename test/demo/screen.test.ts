// What reaches standard output on a terminal and on a pipe.
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Screen } from '../../src/demo/screen.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function outputOf(terminal: { isTTY: true; columns: number } | object, use: (screen: Screen) => void): string {
  let text = '';
  use(new Screen({ ...terminal, write: (part) => (text += part) }));
  return text;
}

describe('screen', () => {
  it('rewrites the live line in place on a terminal, below what is printed, cut to the width', () => {
    const text = outputOf({ isTTY: true, columns: 8 }, (screen) => {
      let n = 0;
      screen.live(() => `line ${++n} and more`);
      vi.advanceTimersByTime(1_000);
      screen.print('news');
      screen.end();
      screen.print('end');
    });
    expect(text).toBe('\r\u001b[Kline 1 \r\u001b[Kline 2 \r\u001b[Knews\nline 2 \nend\n');
  });

  it('writes a line every two seconds on a pipe, without control characters', () => {
    const text = outputOf({}, (screen) => {
      let n = 0;
      screen.live(() => `line ${++n} and more`);
      vi.advanceTimersByTime(3_999);
      screen.print('news');
      screen.end();
      vi.advanceTimersByTime(10_000);
    });
    expect(text).toBe('line 1 and more\nnews\n');
  });
});
