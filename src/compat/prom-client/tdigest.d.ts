// The part of the package `tdigest` that prom-client uses; it has no types of its own.
declare module 'tdigest' {
  export class TDigest {
    push(value: number): void;
    percentile(quantile: number): number | undefined;
    compress(): void;
    reset(): void;
    size(): number;
  }
}
