// What the value writer asks about fields that must not be written. Implemented in `src/logs/redaction/`. App threads.

/** Answers of {@link Redaction.step} that are no state: write what {@link Redaction.replace} gives. */
export const REDACT_CENSOR = -1;
/** Leave key and value out; an element of an array becomes null. */
export const REDACT_REMOVE = -2;
/** As {@link REDACT_CENSOR}, for rules of the application's own. */
export const REDACT_CUSTOM = -3;

/** Rules about keys, compiled to an automaton: states are numbers, 0 stands for "nothing but flagged keys matters". */
export interface Redaction {
  /** State of the fields of a record. */
  readonly root: number;
  /**
   * True when {@link step} may answer below 0 for this key from some state, or anything but 0 from state 0. Asked once per key that has
   * an id: of a key that is not flagged, only objects and arrays are asked about, and none of them in state 0.
   */
  isFlagged(key: string): boolean;
  /** The state inside of `key`, at least 0, or one of the `REDACT_*` answers. Elements of arrays are asked for by their index, from states above 0. */
  step(state: number, key: string): number;
  /** What is written in the place of a value; `answer` is what {@link step} said. */
  replace(value: unknown, key: string, answer: number): unknown;
  /** True when texts are to be asked about. */
  readonly hasText: boolean;
  /** A text without what value patterns find in it. */
  text(value: string): string;
  /** Where {@link replace} wants to know them: the keys that lead to the value, outermost first. The writer keeps it while it steps. */
  readonly path?: string[] | undefined;
}
