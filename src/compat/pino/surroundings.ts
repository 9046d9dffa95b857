// What stands around a logger: where its lines go and the serializers that it knows. App threads.

/** An object that lines are written to. */
export interface Destination {
  write(line: string): unknown;
}

/** `pino.destination`. */
export function destination(): Destination {
  return { write: (line) => process.stdout.write(line) };
}

/** `pino.transport`. */
export function transport(_options?: unknown): Destination {
  return destination();
}

/** `pino.multistream`. */
export function multistream(streams: readonly { stream: Destination }[], _options?: unknown): Destination {
  return {
    write(line) {
      for (const { stream } of streams) stream.write(line);
    },
  };
}

/** `pino.stdSerializers`. */
export const stdSerializers = {
  err: (error: unknown): unknown => error,
  mapHttpRequest: (req: unknown): object => ({ req }),
  mapHttpResponse: (res: unknown): object => ({ res }),
};
