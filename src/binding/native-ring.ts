// What the addon offers for rings: native/binding/src/ring.rs in TypeScript. Calls on the thread that owns the ring.

/** A ring as native made it for the calling thread. */
export interface RingAttachment {
  /** Number of the ring in this process; the first argument of every call below. */
  readonly ring: number;
  /** The whole segment, header first; absent where the runtime lends no native memory (M5). Never leaves `src/binding/`. */
  readonly buffer?: ArrayBuffer;
  /** Longest record in bytes, header included, that the overflow takes. */
  readonly longestBytes: number;
}

/** What {@link NativeRing.ringOpen} needs. */
export interface RingOptions {
  /** A power of two in [64, 2^30]. */
  readonly sizeBytes: number;
  /** What happens to a record when neither ring nor overflow has room. */
  readonly onFull: 'block' | 'drop-oldest' | 'drop-newest';
  /** Longest wait of `block` per stall, in ms. Default 100. */
  readonly blockBudgetMs?: number;
  /** Label value of its drops in `kymo_ring_dropped_total`. */
  readonly signal: string;
  /** File that the records are appended to as they are, made with mode 0600; not one of another ring. */
  readonly spool: string;
}

/** What became of a ring's records so far. */
export interface RingState {
  /** Records lost, by reason; reasons with none are absent. */
  readonly dropped: Readonly<Record<string, number>>;
  /** Why the last write to the spool failed, while it does. */
  readonly spoolError?: string;
  /** The overflow is there: the collector makes it soon after the ring was opened. */
  readonly overflow: boolean;
}

/** Records as values. */
export interface DecodedRecords {
  readonly records: readonly { readonly kind: number; readonly cut: boolean; readonly values: readonly unknown[] }[];
  /** Interned keys by id, as they stand behind the last record. */
  readonly keys: readonly string[];
  /** Why the reading ended before the last byte. */
  readonly bad?: string;
}

/** Part of the addon's exports. */
export interface NativeRing {
  /** Opens a ring for the calling thread. Cold; fails with `KYMO_RING_OPEN`. */
  ringOpen(options: RingOptions & { readonly threadId: number }): RingAttachment;
  /** Cold; fails with `KYMO_RING_OPEN` when there is no such ring. */
  ringState(ring: number): RingState;
  /** Waits until all rings' sinks have what was there at the call; false at the deadline. Blocks the calling thread. */
  ringFlush(deadlineMs: number): boolean;
  /** Records of a spool; `keys` are those of the bytes before, none at its start. Ends at the first byte that makes no sense. */
  ringDecode(records: Uint8Array, keys: readonly string[]): DecodedRecords;
  /**
   * Completes the spool of a dead process from its segments: every record is in it once afterwards. Once per dead segment,
   * before a ring opens the spool. Returns the records appended; fails with `KYMO_RING_OPEN`.
   */
  ringFinishSpool(ring: Uint8Array, overflow: Uint8Array | undefined, spool: string): number;

  /** Id of a declared key; negative when it is too long or there is no room. */
  ringDeclare(ring: number, key: string): number;
  /** Id of a key, -1: inline, ask again; -2: inline, no new key will get one; -3: inline, too long. */
  ringIntern(ring: number, key: string): number;
  /** A fresh copy of an interned key. */
  ringKey(ring: number, id: number): string | undefined;
  /**
   * Makes room for a record of this many bytes: 1, or 0 when the record is dropped, which is counted. Rings of logs decide and count by
   * the record's level, here and below.
   */
  ringFull(ring: number, lengthBytes: number, level?: number): number;
  /** Appends a record that is too long for its ring: 1, or 0 when it is dropped, which is counted. */
  ringOversized(ring: number, record: Uint8Array, lengthBytes: number, level?: number): number;
  /** Writes a whole record where there is no buffer: 1, or 0 when it is dropped, which is counted. */
  ringPush(ring: number, record: Uint8Array, lengthBytes: number, level?: number): number;
  /** Wakes the collector. */
  ringWake(ring: number): void;
  /** Counts records lost on this side. */
  ringDropped(ring: number, reason: number, records: number, level?: number): void;
}
