// Templates of lines in the three styles of Python's logging, as pieces for native. Any thread; cold.
import type { NativeLogPiece } from '../../binding/native-log-format.js';
import { KymoError } from '../../core/errors.js';

/** How a template names its parts: `%(message)s`, `{message}` or `${message}`. */
export type TemplateStyle = '%' | '{' | '$';

type Slot = Extract<NativeLogPiece, { readonly slot: string }>['slot'];

/** Parts by the names that they have in Python and here; any other name is that of a field. */
const SLOTS = new Map<string, Slot>([
  ['asctime', 'time'],
  ['time', 'time'],
  ['timestamp', 'time'],
  ['ts', 'time'],
  ['levelname', 'level'],
  ['level', 'level'],
  ['levelno', 'levelNumber'],
  ['name', 'logger'],
  ['logger', 'logger'],
  ['message', 'message'],
  ['msg', 'message'],
]);

/** Of each style, what may stand at its sign: an escaped sign, or a part with its width. What is left of signs means nothing. */
const SYNTAX: Readonly<Record<TemplateStyle, { readonly part: RegExp; readonly sign: RegExp }>> = {
  '%': { part: /%(?:(?<escaped>%)|\((?<name>[\w.]+)\)(?<side>[-+ #0]*)(?<width>\d*)(?:\.\d+)?[a-zA-Z])/g, sign: /%/ },
  '{': {
    part: /(?<escaped>\{\{|\}\})|\{(?<name>[\w.]+)(?:![rsa])?(?::(?<side>[<>]?)(?<width>\d*)s?)?\}/g,
    sign: /[{}]/,
  },
  $: { part: /\$(?:(?<escaped>\$)|\{(?<name>[\w.]+)\}|(?<plain>\w+))/g, sign: /\$/ },
};

function refuse(template: string, problem: string): never {
  throw new KymoError('KYMO_LOG_FORMAT', { reason: `the template ${JSON.stringify(template)} ${problem}` });
}

/** Spaces are put before a part at a positive width, behind it at a negative one. Python pads to the right with `{` unless told. */
function widthOf(style: TemplateStyle, side: string, digits: string): number {
  const isBehind = style === '%' ? side.includes('-') : side !== '>';
  return isBehind && digits !== '' ? -Number(digits) : Number(digits);
}

/**
 * The pieces of a template. Without `isValidated`, one that is malformed or has no part stands as it is.
 * @throws KymoError `KYMO_LOG_FORMAT` for a malformed template, or one without a part
 */
export function templatePieces(template: string, style: TemplateStyle = '%', isValidated = true): NativeLogPiece[] {
  if (!Object.hasOwn(SYNTAX, style)) refuse(String(template), `has the style ${JSON.stringify(style)}, expected %, { or $`);
  if (typeof template !== 'string') refuse(String(template), 'is no text');
  const { part, sign } = SYNTAX[style];
  const pieces: NativeLogPiece[] = [];
  let literal = '';
  let isMalformed = false;
  let at = 0;
  const take = (end: number): void => {
    const plain = template.slice(at, end);
    isMalformed ||= sign.test(plain);
    literal += plain;
  };
  for (const match of template.matchAll(part)) {
    take(match.index);
    at = match.index + match[0].length;
    const { escaped, name, plain, side = '', width = '' } = match.groups as Partial<Record<string, string>>;
    if (escaped !== undefined) {
      literal += escaped.slice(0, 1);
      continue;
    }
    if (literal !== '') pieces.push({ text: literal });
    literal = '';
    const key = (name ?? plain) as string;
    const slot = SLOTS.get(key) ?? 'field';
    pieces.push({ slot, ...(slot === 'field' ? { field: key } : {}), width: widthOf(style, side, width) });
  }
  take(template.length);
  const hasPart = pieces.some((piece) => 'slot' in piece);
  if (literal !== '') pieces.push({ text: literal });
  if (!isMalformed && hasPart) return pieces;
  if (!isValidated) return isMalformed ? [{ text: template }] : pieces;
  return refuse(template, isMalformed ? `has a ${style} that means nothing` : 'has no part');
}
