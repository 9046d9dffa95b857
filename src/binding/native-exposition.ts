// Declarations of native/binding/src/exposition/collectors.rs. Cold calls.

/** The default metrics that native threads read. */
export interface NativeExposition {
  /**
   * Adds one set of native metrics to a registry: 0 process, 1 event loop, 2 stalls, 3 cgroup; counted, so that each call needs
   * one {@link detachDefaultCollectors}.
   * @param main whether the caller is the main thread, whose loop is watched from then on.
   * @throws `KYMO_METRICS_UNKNOWN` for an id that is no registry or no set.
   */
  attachDefaultCollectors(registry: number, set: number, main: boolean): void;
  /** Takes one call back, the last one takes the set out; false when there was none. */
  detachDefaultCollectors(registry: number, set: number): boolean;
}
