// Writes records of plain values into a ring of its own, for spools: the producer that the rules of rings (W1-W4) are tested with. Runs
// on the app thread that owns the ring. User code may run while a record is built, see `log-writer.ts`.
import { DROP_NESTED } from './generated/layout.js';
import { KeyIds } from './key-ids.js';
import type { NativeRing, RingAttachment } from './native-ring.js';
import { RecordBuilder } from './record-builder.js';
import { forgetSnapshots, Spill, snapshot } from './snapshot.js';
import { ValueWriter } from './value-writer.js';

interface Spilled {
  readonly kind: number;
  readonly values: readonly [unknown, unknown, unknown, unknown];
}

/** Writes records into one ring. One per ring and copy of the code; views are private and never returned. */
export class RingWriter {
  readonly #builder: RecordBuilder;
  readonly #values: ValueWriter;
  readonly #keys: KeyIds;
  readonly #heal = (): void => this.settle();
  readonly #spill = new Spill<Spilled>();

  constructor(native: NativeRing, attachment: RingAttachment) {
    this.#keys = new KeyIds(native, attachment.ring);
    this.#builder = new RecordBuilder(native, attachment, this.#keys);
    this.#values = new ValueWriter(this.#builder);
  }

  /** Gives keys their ids before anybody writes them. Cold; a key that finds no room is written inline. */
  declare(keys: readonly string[]): void {
    for (const key of keys) this.#keys.declare(key);
  }

  /**
   * Writes one record of up to four values; `undefined` at the end is left out. Never throws.
   *
   * Own enumerable string-keyed properties of objects are written, nested ones to a depth of 8, `toJSON` is called. Flat records with
   * known keys allocate nothing on the heap, but that V8 boxes a fraction which it reads out of an object (16 bytes). When the ring
   * is full, waits at most as long as its policy allows. A call from inside another one's getter is kept and written after it.
   *
   * @param kind in [16, 65535], says how the values are meant.
   * @returns false when the record was dropped, which is counted by reason.
   */
  write(kind: number, a?: unknown, b?: unknown, c?: unknown, d?: unknown): boolean {
    const builder = this.#builder;
    if (builder.isBuilding) return this.#keep(kind, a, b, c, d);
    builder.begin();
    let kept = false;
    try {
      const values = this.#values;
      const count = d !== undefined ? 4 : c !== undefined ? 3 : b !== undefined ? 2 : a !== undefined ? 1 : 0;
      if (count > 0) values.whole(a);
      if (count > 1) values.whole(b);
      if (count > 2) values.whole(c);
      if (count > 3) values.whole(d);
      kept = builder.publish(kind);
    } catch {
      // Our own stack ran out, or a Proxy threw outside of a property. The ring holds nothing of it.
      builder.fail();
    }
    this.#flush();
    return kept;
  }

  /**
   * Writes what nested calls left, and resets what an unwound call left. Runs by itself in a microtask; an exit hook calls
   * it for the turn that never ends. Must not be called from inside a getter.
   */
  settle(): void {
    this.#builder.heal();
    forgetSnapshots();
    this.#flush();
  }

  /** A call from inside another record's building: kept as it is now, written after that one. */
  #keep(kind: number, a: unknown, b: unknown, c: unknown, d: unknown): boolean {
    const kept = this.#spill.keep(() => ({ kind, values: [snapshot(a), snapshot(b), snapshot(c), snapshot(d)] }), this.#heal);
    if (!kept) this.#builder.count(DROP_NESTED, 1);
    return kept;
  }

  #flush(): void {
    if (this.#spill.isEmpty) return;
    for (const { kind, values } of this.#spill.take()) this.write(kind, values[0], values[1], values[2], values[3]);
  }
}
