// Words to hexadecimal digits and back, without intermediate objects. Any thread.

const DIGITS = '0123456789abcdef';
const CODES = new Uint8Array(Array.from(DIGITS, (digit) => digit.charCodeAt(0)));
const PAIRS: readonly string[] = Array.from({ length: 256 }, (_, byte) => (DIGITS[byte >>> 4] as string) + DIGITS[byte & 15]);

/** Values of characters that are hexadecimal digits, -1 for others. Lower case below 128, either case at 128 and above. */
const VALUES = new Int8Array(256).fill(-1);
for (let digit = 0; digit < 16; digit++) {
  const lower = DIGITS.charCodeAt(digit);
  VALUES[lower] = digit;
  VALUES[128 + lower] = digit;
  VALUES[128 + (DIGITS[digit] as string).toUpperCase().charCodeAt(0)] = digit;
}

/** `word` as 8 lower-case digits. */
export function hexOf(word: number): string {
  return ((PAIRS[word >>> 24] as string) + PAIRS[(word >>> 16) & 255] + PAIRS[(word >>> 8) & 255] + PAIRS[word & 255]) as string;
}

/** Writes the 8 digits of `word` into `bytes`, as ASCII. */
export function writeHex(word: number, bytes: Uint8Array, at: number): void {
  for (let index = 7, rest = word; index >= 0; index--, rest >>>= 4) bytes[at + index] = CODES[rest & 15] as number;
}

/** Negative when a character that {@link hexWord} read since {@link hexFailed} was asked is no digit. */
let faults = 0;

/** The 8 lower-case digits of `text` from `offset` as a signed word. Ask {@link hexFailed} after the last word of a text. */
export function hexWord(text: string, offset: number): number {
  let word = 0;
  let fault = 0;
  for (let index = offset; index < offset + 8; index++) {
    const value = hexDigit(text.charCodeAt(index));
    fault |= value;
    word = (word << 4) | value;
  }
  faults |= fault;
  return word;
}

/** Whether a character was no digit in the words that were read since this was asked last. */
export function hexFailed(): boolean {
  const failed = faults < 0;
  faults = 0;
  return failed;
}

/** The value of the two lower-case digits of `text` at `offset`, in [0, 255]; negative when they are none. */
export function hexByte(text: string, offset: number): number {
  const high = hexDigit(text.charCodeAt(offset));
  const low = hexDigit(text.charCodeAt(offset + 1));
  return high < 0 || low < 0 ? -1 : (high << 4) | low;
}

/** The value of a lower-case digit, in [0, 15]; negative when the character is none. */
export function hexDigit(code: number): number {
  return code < 128 ? (VALUES[code] as number) : -1;
}

/** The value of a digit of either case, in [0, 15]; negative when the character is none. */
export function hexDigitOfAnyCase(code: number): number {
  return code < 128 ? (VALUES[128 + code] as number) : -1;
}
