// Collects the body of a foreign answer up to a limit. Exporter threads.

/** Longest answer that is read: the limit of the OTLP specification for clients. */
export const LARGEST_ANSWER_BYTES = 4 * 1_024 * 1_024;

/** Chunks of an answer; what is beyond the limit is not kept. */
export class BoundedBody {
  #chunks: Buffer[] = [];
  #bytes = 0;

  /** False when the answer is longer than the limit: the caller ends the connection. */
  add(chunk: Buffer): boolean {
    this.#bytes += chunk.length;
    if (this.#bytes > LARGEST_ANSWER_BYTES) {
      this.#chunks = [];
      return false;
    }
    this.#chunks.push(chunk);
    return true;
  }

  bytes(): Buffer {
    return this.#chunks.length === 1 ? (this.#chunks[0] as Buffer) : Buffer.concat(this.#chunks);
  }
}
