// Options of the ops server: types, defaults, checks. App thread, when a server is made.
import { KymoError } from '../core/errors.js';
import { MergedRegistries } from '../metrics/merged.js';
import { registryId, type ServedRegistry } from '../metrics/registry-id.js';

/** Options of {@link OpsServer}. */
export interface OpsServerOptions {
  /**
   * What `/metrics` serves, in this order: any `MetricsRegistry`, several merged ones, and any `Registry` of `kymo/prom-client`.
   * Default none: 200 with an empty body.
   */
  readonly registries?: readonly ServedRegistry[];
  /** Whether `/trace` serves the retained traces of the process, with all their attributes; default true. */
  readonly traces?: boolean;
  /** Name or address to listen on; default `127.0.0.1`. */
  readonly host?: string;
  /** In [0, 65535]; default 0, which takes a free one: see `address`. */
  readonly port?: number;
  /** What to do when the port is taken: fail with `KYMO_OPS_PORT_IN_USE` (default), or try up to 20 following ports. */
  readonly onPortInUse?: 'error' | 'next-free';
  /** A unix socket with mode 0600 in place of host and port; at most 100 bytes. The file of a dead server is replaced. */
  readonly socketPath?: string;
  /** At least 16 printable ASCII characters; then every route but `/live` asks for `Authorization: Bearer <token>`. */
  readonly token?: string;
  /** Names accepted in the `Host` header, without port, beside localhost and IP addresses; others get 421. */
  readonly allowedHosts?: readonly string[];
  /** In [1, 4096]; default 64. Further connections are closed at once and counted. */
  readonly maxConnections?: number;
  /** From the first byte of a request to its last, in [1000, 900000] ms; default 10,000. Silence is noticed every 4 s. */
  readonly headerTimeoutMs?: number;
  /** Silence between two requests of a connection, in [1000, 900000] ms; default 75,000. Noticed every 4 s. */
  readonly idleTimeoutMs?: number;
  /** From the first byte of an answer to its last, in [1000, 900000] ms; default 60,000. */
  readonly responseTimeoutMs?: number;
  /** Scrapes from their request to the last byte of their answer, in [1, 4096]; default 32. Further ones get 503 and are counted. */
  readonly maxScrapesInFlight?: number;
  /** For one render, its wait included, in [10, 900000] ms; default 10,000. Later, its scrapes get 503 and are counted. */
  readonly scrapeTimeoutMs?: number;
  /** How long `stop()` waits for requests under way, in [0, 60000] ms; default 2,000. */
  readonly stopTimeoutMs?: number;
  /**
   * In a worker of `node:cluster`: `skip` (default) leaves a fixed port or socket path to the primary and says so in a process
   * warning; `own-port` takes a free port, so that each worker's metrics can be scraped. With port 0 it makes no difference.
   */
  readonly clusterWorkers?: 'skip' | 'own-port';
}

/** All options, checked. */
export type CheckedOptions = Required<Omit<OpsServerOptions, 'socketPath' | 'token' | 'registries'>> & {
  readonly registries: readonly ServedRegistry[];
  readonly socketPath: string | undefined;
  readonly token: string | undefined;
};

const MAX_SOCKET_PATH_BYTES = 100;

function refuse(option: string, value: unknown, expected: string): never {
  throw new KymoError('KYMO_OPS_OPTION', { option, value, expected });
}

function whole(option: string, value: unknown, [low, high]: readonly [number, number]): number {
  if (!Number.isInteger(value) || (value as number) < low || (value as number) > high) {
    refuse(option, value, `a whole number in [${low}, ${high}]`);
  }
  return value as number;
}

/** Checks what {@link OpsServerOptions.registries} of a server, or of a handler, says. */
export function checkRegistries(registries: unknown): readonly ServedRegistry[] {
  if (!Array.isArray(registries)) return refuse('registries', registries, 'a list of registries');
  const each = registries.flatMap((given) => (given instanceof MergedRegistries ? given.registries : [given]));
  if (!each.every((registry) => registryId(registry) !== undefined)) {
    refuse('registries', registries, "a list of MetricsRegistry, or of kymo/prom-client's Registry");
  }
  return each;
}

/** Checks the limits that a server and a handler have in common, and completes them. */
export function checkScrapeLimits(options: Pick<OpsServerOptions, 'maxScrapesInFlight' | 'scrapeTimeoutMs'>): {
  readonly maxScrapesInFlight: number;
  readonly scrapeTimeoutMs: number;
} {
  return {
    maxScrapesInFlight: whole('maxScrapesInFlight', options.maxScrapesInFlight ?? 32, [1, 4_096]),
    scrapeTimeoutMs: whole('scrapeTimeoutMs', options.scrapeTimeoutMs ?? 10_000, [10, 900_000]),
  };
}

function word<W extends string>(option: string, value: unknown, words: readonly W[]): W {
  if (!words.includes(value as W)) refuse(option, value, `one of ${words.join(', ')}`);
  return value as W;
}

/**
 * Checks and completes options.
 * @throws KymoError `KYMO_OPS_OPTION` names the first one that cannot be used; the token is never shown.
 */
export function checkOptions(options: OpsServerOptions): CheckedOptions {
  const { registries = [], host = '127.0.0.1', allowedHosts = [], socketPath, token } = options;
  if (typeof host !== 'string' || !/^[\w.:%-]{1,253}$/.test(host)) refuse('host', host, 'a name or an address without brackets');
  if (socketPath !== undefined && (typeof socketPath !== 'string' || socketPath.includes('\0') || !fits(socketPath))) {
    refuse('socketPath', socketPath, `a path of 1 to ${MAX_SOCKET_PATH_BYTES} bytes`);
  }
  if (token !== undefined && (typeof token !== 'string' || !/^[!-~]{16,}$/.test(token))) {
    refuse('token', `[${typeof token}]`, 'at least 16 printable ASCII characters without spaces');
  }
  if (!Array.isArray(allowedHosts) || !allowedHosts.every((name) => typeof name === 'string' && /^[\w.-]{1,253}$/.test(name))) {
    refuse('allowedHosts', allowedHosts, 'host names without scheme and port');
  }
  const ms = [1_000, 900_000] as const;
  const { traces = true } = options;
  if (typeof traces !== 'boolean') refuse('traces', traces, 'true or false');
  return {
    registries: checkRegistries(registries),
    traces,
    host,
    port: whole('port', options.port ?? 0, [0, 65_535]),
    onPortInUse: word('onPortInUse', options.onPortInUse ?? 'error', ['error', 'next-free']),
    socketPath,
    token,
    allowedHosts: [...allowedHosts],
    maxConnections: whole('maxConnections', options.maxConnections ?? 64, [1, 4_096]),
    headerTimeoutMs: whole('headerTimeoutMs', options.headerTimeoutMs ?? 10_000, ms),
    idleTimeoutMs: whole('idleTimeoutMs', options.idleTimeoutMs ?? 75_000, ms),
    responseTimeoutMs: whole('responseTimeoutMs', options.responseTimeoutMs ?? 60_000, ms),
    ...checkScrapeLimits(options),
    stopTimeoutMs: whole('stopTimeoutMs', options.stopTimeoutMs ?? 2_000, [0, 60_000]),
    clusterWorkers: word('clusterWorkers', options.clusterWorkers ?? 'skip', ['skip', 'own-port']),
  };
}

function fits(path: string): boolean {
  const bytes = Buffer.byteLength(path);
  return bytes >= 1 && bytes <= MAX_SOCKET_PATH_BYTES;
}
