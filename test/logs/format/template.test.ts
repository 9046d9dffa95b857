// Templates of lines in the three styles of Python.
import { describe, expect, it } from 'vitest';
import { type TemplateStyle, templatePieces } from '../../../src/logs/format/template.js';

const MESSAGE = { slot: 'message', width: 0 };

describe('a template', () => {
  it.each([
    ['%', '%(asctime)s %(levelname)-8s|%(name)12s|%(levelno)d 100%% %(user.id)s!'],
    ['{', '{asctime} {levelname:8}|{name:>12}|{levelno} 100% {user.id}!'],
  ] as const)('in the style %s has parts by the names of Python, widths, and fields', (style, template) => {
    expect(templatePieces(template, style)).toEqual([
      { slot: 'time', width: 0 },
      { text: ' ' },
      { slot: 'level', width: -8 },
      { text: '|' },
      { slot: 'logger', width: 12 },
      { text: '|' },
      { slot: 'levelNumber', width: 0 },
      { text: ' 100% ' },
      { slot: 'field', field: 'user.id', width: 0 },
      { text: '!' },
    ]);
  });

  it('in the style $ has parts with and without braces', () => {
    expect(templatePieces(['$level', '$$5', '$' + '{message}'].join(' '), '$')).toEqual([
      { slot: 'level', width: 0 },
      { text: ' $5 ' },
      MESSAGE,
    ]);
    expect(templatePieces('{{{message}}}', '{')).toEqual([{ text: '{' }, MESSAGE, { text: '}' }]);
  });

  it.each([
    ['%', 'plain'],
    ['%', '%(message)'],
    ['%', '%(message)s %d'],
    ['{', '{message} }'],
    ['{', '{}'],
    ['$', '$' + '{message'],
    ['$', '$$'],
    ['#', '%(message)s'],
  ] as [TemplateStyle, string][])('in the style %s is refused when it says nothing: %s', (style, template) => {
    expect(() => templatePieces(template, style)).toThrow('KYMO_LOG_FORMAT');
  });

  it('stands as it is when nobody wants it validated', () => {
    expect(templatePieces('100 % of %(message)s', '%', false)).toEqual([{ text: '100 % of %(message)s' }]);
    expect(templatePieces('plain %%', '%', false)).toEqual([{ text: 'plain %' }]);
  });
});
