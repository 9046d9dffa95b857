// The end of a private key in PEM: the twin of native/core/src/logs/scrub/pem.rs. App threads; linear.
import { Buffer } from 'node:buffer';

/** What follows `-----BEGIN `. */
const LABEL = /[A-Z0-9 ]{0,64}/y;
const KEY = /PRIVATE KEY(?: BLOCK)?$/;
const DASHES = '-----';
const END = '-----END';
/** Base64, headers, line ends, also escaped ones. */
const BODY = new Uint8Array(128);
for (const unit of Buffer.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=:,.-_ \t\r\n\\%', 'latin1'))
  BODY[unit] = 1;
const DASH = 45;

/** The end of the block whose `-----BEGIN ` ends at `label`; -1 when it is no private key. */
export function endOfKey(text: string, label: number): number {
  const name = words(text, label);
  const from = label + name.length;
  if (!KEY.test(name) || !text.startsWith(DASHES, from)) return -1;
  let at = from + DASHES.length;
  for (; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (BODY[unit] !== 1) return at;
    if (unit === DASH && text.startsWith(END, at)) return endOfBlock(text, at + END.length);
  }
  return at;
}

/** Behind the dashes that end the last line, when they are there. */
function endOfBlock(text: string, label: number): number {
  const end = label + words(text, label).length;
  return text.startsWith(DASHES, end) ? end + DASHES.length : end;
}

function words(text: string, at: number): string {
  LABEL.lastIndex = at;
  return LABEL.exec(text)?.[0] ?? '';
}
