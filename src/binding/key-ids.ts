// Ids of the keys of one ring, with a mark on those that a rule of redaction names. App threads.
import type { NativeRing } from './native-ring.js';

/** Set in an id whose key a rule may be about; the id itself is below. */
export const FLAGGED = 1 << 30;
/** Takes the mark off. */
export const ID_MASK = FLAGGED - 1;

/** Ids by key; every key is a fresh copy made by native, so that it pins no longer string it was cut from. */
export class KeyIds {
  readonly #native: Pick<NativeRing, 'ringDeclare' | 'ringIntern' | 'ringKey'>;
  readonly #ring: number;
  readonly #ids = new Map<string, number>();
  #isFlagged: ((key: string) => boolean) | undefined;
  #askNoMore = false;

  constructor(native: Pick<NativeRing, 'ringDeclare' | 'ringIntern' | 'ringKey'>, ring: number) {
    this.#native = native;
    this.#ring = ring;
  }

  /** Asks `isFlagged` once per key from now on, also about those that are known. */
  flag(isFlagged: ((key: string) => boolean) | undefined): void {
    this.#isFlagged = isFlagged;
    for (const [key, id] of this.#ids) this.#ids.set(key, this.#marked(key, id & ID_MASK));
  }

  /** The id, perhaps {@link FLAGGED}; -1 when the key is written inline. One look-up once the key is known. */
  flagged(key: string): number {
    return this.#ids.get(key) ?? this.#new(key);
  }

  /** The id; negative when the key is written inline. */
  id(key: string): number {
    const id = this.flagged(key);
    return id < 0 ? id : id & ID_MASK;
  }

  /** Gives a key its id before anybody writes it. Cold; negative when it finds no room: it is written inline then. */
  declare(key: string): number {
    const id = this.#native.ringDeclare(this.#ring, key);
    if (id < 0) return id;
    const learnt = this.#learn(key, id);
    return learnt < 0 ? learnt : learnt & ID_MASK;
  }

  #new(key: string): number {
    if (this.#askNoMore) return -1;
    const id = this.#native.ringIntern(this.#ring, key);
    if (id >= 0) return this.#learn(key, id);
    if (id === -2) this.#askNoMore = true;
    return -1;
  }

  /** Keeps native's copy of a key. One with lone surrogates comes back changed, and is written inline for ever. */
  #learn(key: string, id: number): number {
    const copy = this.#native.ringKey(this.#ring, id);
    if (copy !== key) return -1;
    const marked = this.#marked(copy, id);
    this.#ids.set(copy, marked);
    return marked;
  }

  #marked(key: string, id: number): number {
    return this.#isFlagged?.(key) ? id | FLAGGED : id;
  }
}
