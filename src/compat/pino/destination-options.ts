// What `pino.destination` may be given, as it is used. App threads; cold.

/** As pino's. */
export interface DestinationOptions {
  /** A path, or the number of a descriptor. */
  readonly dest?: string | number | undefined;
  /** As `dest`, and asked first. */
  readonly fd?: number | string | symbol | undefined;
  /** Has each line in the file when `write` returns. */
  readonly sync?: boolean | undefined;
  /** Lines go out at once here: nothing waits for more. Checked as in pino, and otherwise without effect. */
  readonly minLength?: number | undefined;
  /** Characters that may wait; a line beyond that is dropped, and told to `drop`. 0: what the ring takes. */
  readonly maxLength?: number | undefined;
  /** Checked as in pino, and otherwise without effect: native code writes large pieces. */
  readonly maxWrite?: number | undefined;
  /** Without effect: nothing waits. */
  readonly periodicFlush?: number | undefined;
  /** Also has each flush wait for the device. */
  readonly fsync?: boolean | undefined;
  /** False empties the file first. */
  readonly append?: boolean | undefined;
  /** Permission bits of a new file. */
  readonly mode?: string | number | undefined;
  /** Makes the folder of the file. */
  readonly mkdir?: boolean | undefined;
  readonly contentMode?: 'utf8' | 'buffer' | undefined;
  /** Without effect: a full pipe is waited for by native code, within the ring's bounds. */
  readonly retryEAGAIN?: ((error: Error, writeBufferLength: number, remainingBufferLength: number) => boolean) | undefined;
}

/** Options in full: one of `path` and `fd` says where lines go. */
export interface Place {
  readonly path: string | undefined;
  /** -1 with a path. */
  readonly fd: number;
  readonly sync: boolean;
  readonly minLength: number;
  readonly maxLength: number;
  readonly maxWrite: number;
  readonly fsync: boolean;
  readonly append: boolean;
  readonly mode: string | number | undefined;
  readonly mkdir: boolean;
}

const MAX_WRITE = 16 * 1024;

/** The number that a text stands for, as far as it is one. */
function fdOf(dest: unknown): number | undefined {
  if (typeof dest === 'number' && Number.isInteger(dest) && dest >= 0) return dest;
  return typeof dest === 'string' && dest !== '' && Number.isInteger(Number(dest)) ? Number(dest) : undefined;
}

/**
 * What the argument of `pino.destination` means; standard output without one.
 * @throws {Error} pino's errors, for options that contradict each other and for what is no place
 */
export function placeOf(given: unknown = 1): Place {
  const options = (typeof given === 'object' && given !== null ? given : { dest: given }) as DestinationOptions & { write?: unknown };
  // A stream is none of ours: pino takes its descriptor, and standard output for one without.
  const { fd = options.dest ?? process.stdout.fd ?? 1, contentMode = 'utf8', minLength = 0, maxLength = 0 } = options;
  if (contentMode !== 'utf8' && contentMode !== 'buffer') {
    throw new Error(`SonicBoom supports "utf8" and "buffer", but passed ${contentMode}`);
  }
  const maxWrite = Math.max(options.maxWrite || MAX_WRITE, 1);
  if (minLength >= maxWrite) throw new Error(`minLength should be smaller than maxWrite (${maxWrite})`);
  const number = fdOf(fd);
  if (number === undefined && (typeof fd !== 'string' || fd === '')) throw new Error('SonicBoom supports only file descriptors and files');
  return {
    path: number === undefined ? (fd as string) : undefined,
    fd: number ?? -1,
    sync: Boolean(options.sync),
    minLength,
    maxLength: maxLength || 0,
    maxWrite,
    fsync: Boolean(options.fsync),
    append: options.append !== false,
    mode: options.mode,
    mkdir: Boolean(options.mkdir),
  };
}
