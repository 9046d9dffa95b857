// What stands around a logger: where its lines go and the serializers that it knows. App threads.
export { type LineStream, type Multistream, multistream } from './multistream.js';
export { stdSerializers } from './std-serializers.js';

/** An object that lines are written to. */
export interface Destination {
  write(line: string): unknown;
}

/** `pino.destination`. */
export function destination(_options?: unknown): Destination {
  return { write: (line) => process.stdout.write(line) };
}

/** `pino.transport`. */
export function transport(_options?: unknown): Destination {
  return destination();
}
