// Declarations of native/binding/src/exposition.rs. Cold calls.

/** The default metrics that native threads read. */
export interface NativeExposition {
  /**
   * Adds the metrics of the process and of the main thread's event loop to a registry; counted, so that each call needs one
   * {@link detachDefaultCollectors}.
   * @param main whether the caller is the main thread, whose loop is watched from then on.
   * @throws `KYMO_METRICS_UNKNOWN` for an id that is no registry.
   */
  attachDefaultCollectors(registry: number, main: boolean): void;
  /** Takes one call back, the last one takes the metrics out; false when there was none. */
  detachDefaultCollectors(registry: number): boolean;
}
