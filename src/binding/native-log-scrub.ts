// What the addon offers for patterns of secrets: native/binding/src/logs/scrub.rs in TypeScript. App threads; cold.

/** A pattern that comes with Kymo by its name, or a source of the user's. */
export interface NativePatternSource {
  readonly name: string;
  readonly source?: string;
  readonly ignoreCase: boolean;
}

/** A compiled pattern: runs of characters, one after the other. Without steps: the search for card numbers. */
export interface NativePattern {
  readonly name: string;
  readonly steps: readonly {
    /** Four words: bit `c` for the ASCII character `c`. */
    readonly ascii: readonly number[];
    /** It takes all other characters. */
    readonly other: boolean;
    readonly min: number;
    /** 2^32 - 1: any number. */
    readonly max: number;
  }[];
  /** What is hidden begins before this step and ends before the other one. */
  readonly hideFrom: number;
  readonly hideTo: number;
  readonly check: 'none' | 'last-at' | 'basic' | 'pem';
}

/** Part of the addon's exports. */
export interface NativeLogScrub {
  /** What is wrong with a pattern and what to write; null when nothing is. */
  logScrubProblem(source: NativePatternSource): string | null;
  /** The names of the patterns that come with Kymo. */
  logScrubNames(): readonly string[];
  /** The steps of patterns, in the order in which they are tried. */
  logScrubPatterns(sources: readonly NativePatternSource[]): readonly NativePattern[];
  /** Looks for these in all log records of the process from now on; fails with `KYMO_LOG_REDACT_PATTERN`. */
  logScrub(sources: readonly NativePatternSource[], censor: string): void;
  /** The key of the hashes of this process: random bytes that the thread gave which asked first. */
  logHashKey(random: Uint8Array): Uint8Array;
  /** A text as the collector would write it; lone surrogates become U+FFFD. */
  logScrubText(text: string): string;
}
