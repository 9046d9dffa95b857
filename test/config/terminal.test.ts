// Whether a terminal gets colours.
import { describe, expect, it } from 'vitest';
import { wantsColors } from '../../src/config/terminal.js';

describe('colours', () => {
  it('are for terminals, unless the environment says otherwise', () => {
    const terminal = { isTTY: true };
    expect(wantsColors(terminal, {})).toBe(true);
    expect(wantsColors({}, {})).toBe(false);
    expect(wantsColors(terminal, { NO_COLOR: '1' })).toBe(false);
    expect(wantsColors(terminal, { NO_COLOR: '' })).toBe(true);
    expect(wantsColors(terminal, { TERM: 'dumb' })).toBe(false);
    expect(wantsColors({}, { FORCE_COLOR: '1', NO_COLOR: '1' })).toBe(true);
    expect(wantsColors(terminal, { FORCE_COLOR: '0' })).toBe(false);
  });
});
