// The ops server as applications see it. App thread for start and stop only: sockets, rendering and answers belong to the
// native threads `kymo-ops` and `kymo-render`, which never wait for the event loop.
import cluster from 'node:cluster';
import { native } from '../binding/load.js';
import type { NativeOpsStarted } from '../binding/native-ops.js';
import { type ErrorCode, KymoError } from '../core/errors.js';
import { registryId } from '../metrics/registry-id.js';
import { type CheckedOptions, checkOptions, type OpsServerOptions } from './options.js';

/** Where a server listens; for a unix socket, `host` is its path and `port` 0. */
export interface OpsAddress {
  readonly host: string;
  readonly port: number;
}

interface Running {
  readonly id: number;
  readonly address: OpsAddress;
}

const LAST_PORT = 65_535;
const MAX_NEXT_PORTS = 20;

/** Servers that serve: what they serve lives as long as they do, whether or not the application kept the objects. */
const serving = new Set<OpsServer>();

/**
 * Serves `/metrics`, `/trace`, `/live` and `/debug/cardinality` from native threads, also while the event loop is blocked. It keeps no
 * process alive, and ends with the thread that started it.
 * @example const ops = new OpsServer({ registries: [metrics], port: 9464 });
 *   await ops.start();
 * @see src/ops/README.md for routes, limits and what HTTP/1.0 clients get.
 */
export class OpsServer {
  readonly #options: CheckedOptions;
  #running: Running | undefined;
  /** Starts and stops happen one after another, in the order of their calls. */
  #last: Promise<unknown> = Promise.resolve();

  /** @throws KymoError `KYMO_OPS_OPTION` */
  constructor(options: OpsServerOptions = {}) {
    this.#options = checkOptions(options);
  }

  /** Null before the start, after the stop, and where a cluster worker left the port to its primary. */
  get address(): OpsAddress | null {
    return this.#running && native.opsIsRunning(this.#running.id) ? this.#running.address : null;
  }

  /**
   * Binds and begins to serve; does nothing when it serves already.
   * @throws KymoError `KYMO_OPS_PORT_IN_USE` or `KYMO_OPS_BIND`
   */
  start(): Promise<void> {
    return this.#inOrder(async () => {
      if (this.address) return;
      const options = this.#inCluster();
      if (options) this.#running = await bind(options);
      if (this.#running) serving.add(this);
    });
  }

  /**
   * Takes no new connection, waits up to `stopTimeoutMs` for requests under way, closes the rest and frees the port. Does nothing
   * when it does not serve.
   */
  stop(): Promise<void> {
    return this.#inOrder(async () => {
      const running = this.#running;
      this.#running = undefined;
      serving.delete(this);
      if (running) await native.opsStop(running.id, this.#options.stopTimeoutMs);
    });
  }

  /** Same as {@link stop}, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  /** The options as they apply here; undefined where a cluster worker does not start. */
  #inCluster(): CheckedOptions | undefined {
    const options = this.#options;
    if (!cluster.isWorker || (options.port === 0 && options.socketPath === undefined)) return options;
    if (options.clusterWorkers === 'own-port') {
      const id = cluster.worker?.id ?? 0;
      return { ...options, port: 0, socketPath: options.socketPath === undefined ? undefined : `${options.socketPath}.${id}` };
    }
    const place = options.socketPath ?? `${options.host}:${options.port}`;
    const code = 'KYMO_OPS_CLUSTER_WORKER';
    process.emitWarning(new KymoError(code, { address: place }).message, { code });
    return undefined;
  }

  #inOrder(step: () => Promise<void>): Promise<void> {
    const result = this.#last.then(step);
    this.#last = result.catch(() => undefined); // The caller gets the failure; it must not stop the next step.
    return result;
  }
}

async function bind(options: CheckedOptions): Promise<Running> {
  const { host, port, socketPath, onPortInUse } = options;
  const tries = socketPath === undefined && port > 0 && onPortInUse === 'next-free' ? MAX_NEXT_PORTS : 0;
  for (let offset = 0; ; offset += 1) {
    const started = await native.opsStart({
      registries: options.registries.map((registry) => registryId(registry) as number),
      host,
      port: port + offset,
      ...(socketPath === undefined ? {} : { socketPath }),
      ...(options.token === undefined ? {} : { token: options.token }),
      allowedHosts: [...options.allowedHosts],
      maxConnections: options.maxConnections,
      headerTimeoutMs: options.headerTimeoutMs,
      idleTimeoutMs: options.idleTimeoutMs,
      responseTimeoutMs: options.responseTimeoutMs,
      maxScrapesInFlight: options.maxScrapesInFlight,
      scrapeTimeoutMs: options.scrapeTimeoutMs,
      traces: options.traces,
    });
    if (started.code === undefined) return { id: started.id, address: { host: socketPath ?? host, port: started.port } };
    const another = started.code === 'KYMO_OPS_PORT_IN_USE' && offset < tries && port + offset < LAST_PORT;
    if (!another) throw failure(started);
  }
}

function failure({ code, detail }: NativeOpsStarted): KymoError {
  // An option that only native refuses is a limit of the platform; its text names it.
  return new KymoError(code as ErrorCode, { address: detail, option: detail, value: 'refused', expected: 'what this platform takes' });
}
