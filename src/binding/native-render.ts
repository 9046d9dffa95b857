// Declarations of native/binding/src/exposition/render.rs: registries as a scraper reads them. Types only.

/**
 * What every call takes behind the registries: the number of the format (native/core/src/metrics/exposition/format.rs),
 * `_created` samples, the number of the escaping scheme (default 1, underscores), names of families (default and empty: all).
 * Each call throws `KYMO_METRICS_UNKNOWN` for an id that is no registry and for a number that is no format or scheme.
 */
export interface NativeRender {
  renderSync(registries: number[], format: number, created: boolean, escaping?: number, names?: string[]): string;
  renderAsync(registries: number[], format: number, created: boolean, escaping?: number, names?: string[]): Promise<string>;
  renderBytesSync(registries: number[], format: number, created: boolean, escaping?: number, names?: string[]): Buffer;
  renderBytes(registries: number[], format: number, created: boolean, escaping?: number, names?: string[]): Promise<Buffer>;
  /** The length in bytes; written only when `target` has room for all of it. */
  renderInto(registries: number[], format: number, created: boolean, target: Uint8Array, escaping?: number, names?: string[]): number;
}
