// Reads JSON as RFC 8259 has it, and refuses a key that stands twice in an object, which `JSON.parse` takes. Any thread.

/** The value of `text`. @throws Error for what is no JSON, or has a key twice */
export function parseStrictly(text: string): unknown {
  const value: unknown = JSON.parse(text);
  let at = 0;
  const skipString = (): string => {
    const start = at;
    for (at++; text[at] !== '"'; at++) if (text[at] === '\\') at++;
    at++;
    return JSON.parse(text.slice(start, at));
  };
  // `JSON.parse` has said that the text is JSON: what is left to look at is keys.
  const skipValue = (): void => {
    const open = text[at];
    if (open === '"') return void skipString();
    if (open !== '{' && open !== '[') {
      while (at < text.length && !',]}'.includes(text[at] as string)) at++;
      return;
    }
    const keys = new Set<string>();
    at++;
    while (text[at] !== '}' && text[at] !== ']') {
      if (open === '{') {
        const key = skipString();
        if (keys.has(key)) throw new Error(`the key ${JSON.stringify(key)} stands twice`);
        keys.add(key);
        if (text[at] !== ':') throw new Error(`space at ${at}`);
        at++;
      }
      skipValue();
      if (text[at] === ',') at++;
    }
    at++;
  };
  skipValue();
  if (at !== text.length) throw new Error(`something at ${at}, behind the value`);
  return value;
}

/** Numbers in [0, 1) from a seed, the same everywhere (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
