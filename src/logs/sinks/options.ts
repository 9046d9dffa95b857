// Checks of sinks' options. App thread, when a sink is described.
import { resolve } from 'node:path';
import { KymoError } from '../../core/errors.js';

/** Options of every sink that takes lines. */
export interface LineSinkOptions {
  /**
   * Bytes of lines that are kept for this sink while it does not take any and others do, in [65536, 2^30]; default 1 MiB. What does not
   * fit is dropped, and counted by level and reason.
   */
  readonly backlogBytes?: number;
}

/** Options of every sink that connects to somebody. */
export interface ConnectionOptions extends LineSinkOptions {
  /** For one attempt to connect, in [10, 600000] ms; default 5,000. */
  readonly connectTimeoutMs?: number;
  /** Wait after the first failure, in [1, 600000] ms; default 100. It doubles with each further one, and is up to a quarter shorter by chance. */
  readonly retryMinMs?: number;
  /** Longest wait between two attempts, in [retryMinMs, 3600000] ms; default 30,000. */
  readonly retryMaxMs?: number;
}

const MIB = 1_048_576;
const LONGEST_SOCKET_PATH = 100;

/** Says that an option cannot be used. @throws KymoError `KYMO_LOG_SINK` */
export function refuse(sink: string, option: string, value: unknown, expected: string): never {
  throw new KymoError('KYMO_LOG_SINK', { reason: `the option ${option} of ${sink} is ${text(value)}, expected ${expected}` });
}

function text(value: unknown): string {
  try {
    return typeof value === 'string' ? JSON.stringify(value) : String(value);
  } catch {
    return `[${typeof value}]`;
  }
}

/** The options of one sink, asked for one by one. Each method throws `KYMO_LOG_SINK` for what cannot be used. */
export class CheckedOptions<O extends object> {
  readonly #sink: string;
  readonly #options: O;

  /** @param known the names of all options: another one is refused, since it would do nothing */
  constructor(sink: string, options: unknown, known: readonly (keyof O & string)[]) {
    if (typeof options !== 'object' || options === null) {
      throw new KymoError('KYMO_LOG_SINK', { reason: `the options of ${sink} are ${text(options)}, expected an object` });
    }
    this.#sink = sink;
    this.#options = options as O;
    const unknown = Object.keys(options).find((name) => !known.includes(name as never));
    if (unknown !== undefined) refuse(sink, unknown, this.#options[unknown as keyof O], `no such option: there are ${known.join(', ')}`);
  }

  whole<F>(name: keyof O & string, [low, high]: readonly [number, number], fallback: F): number | F {
    const value: unknown = this.#options[name];
    if (value === undefined) return fallback;
    if (!Number.isInteger(value) || (value as number) < low || (value as number) > high) {
      refuse(this.#sink, name, value, `a whole number in [${low}, ${high}]`);
    }
    return value as number;
  }

  flag(name: keyof O & string, fallback: boolean): boolean {
    const value: unknown = this.#options[name] ?? fallback;
    if (typeof value !== 'boolean') refuse(this.#sink, name, value, 'true or false');
    return value;
  }

  word<W extends string>(name: keyof O & string, words: readonly W[], fallback: W): W {
    const value: unknown = this.#options[name] ?? fallback;
    if (!words.includes(value as W)) refuse(this.#sink, name, value, `one of ${words.join(', ')}`);
    return value as W;
  }

  /** Text of 1 to `most` characters without control characters. */
  text<F>(name: keyof O & string, most: number, fallback: F): string | F {
    const value: unknown = this.#options[name];
    if (value === undefined) return fallback;
    if (typeof value !== 'string' || value === '' || value.length > most || /\p{Cc}/u.test(value)) {
      refuse(this.#sink, name, value, `a text of 1 to ${most} characters without control characters`);
    }
    return value;
  }

  /** A path, made absolute. */
  path(name: keyof O & string, fallback?: string): string {
    const value: unknown = this.#options[name] ?? fallback;
    if (typeof value !== 'string' || value === '' || value.includes('\0')) refuse(this.#sink, name, value, 'a path');
    return resolve(value);
  }

  /** A path that a socket can have. */
  socketPath(name: keyof O & string, fallback?: string): string {
    const path = this.path(name, fallback);
    if (Buffer.byteLength(path) > LONGEST_SOCKET_PATH) refuse(this.#sink, name, path, `a path of at most ${LONGEST_SOCKET_PATH} bytes`);
    return path;
  }

  /** A name or an address. */
  host(name: keyof O & string, fallback: string): string {
    const value: unknown = this.#options[name] ?? fallback;
    if (typeof value !== 'string' || !/^[\w.:%-]{1,253}$/.test(value))
      refuse(this.#sink, name, value, 'a name or an address without brackets');
    return value;
  }

  /** Any option that has a check of its own. */
  value<N extends keyof O>(name: N): O[N] {
    return this.#options[name];
  }

  refuse(name: keyof O & string, expected: string): never {
    return refuse(this.#sink, name, this.#options[name], expected);
  }
}

/** Names of {@link LineSinkOptions}. */
export const LINE_OPTIONS = ['backlogBytes'] as const;
/** Names of {@link ConnectionOptions}. */
export const CONNECTION_OPTIONS = [...LINE_OPTIONS, 'connectTimeoutMs', 'retryMinMs', 'retryMaxMs'] as const;

/** Checks {@link LineSinkOptions}. */
export function backlog<O extends LineSinkOptions>(options: CheckedOptions<O>): { readonly backlogBytes?: number } {
  const backlogBytes = options.whole('backlogBytes', [MIB / 16, 1_024 * MIB], undefined);
  return backlogBytes === undefined ? {} : { backlogBytes };
}

/** Checks {@link ConnectionOptions}. */
export function patience<O extends ConnectionOptions>(
  options: CheckedOptions<O>,
): { readonly connectTimeoutMs: number; readonly retryMinMs: number; readonly retryMaxMs: number } {
  const retryMinMs = options.whole('retryMinMs', [1, 600_000], 100);
  return {
    connectTimeoutMs: options.whole('connectTimeoutMs', [10, 600_000], 5_000),
    retryMinMs,
    retryMaxMs: options.whole('retryMaxMs', [retryMinMs, 3_600_000], Math.max(30_000, retryMinMs)),
  };
}
