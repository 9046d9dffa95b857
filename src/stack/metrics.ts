// Metrics of a process wired up in one call: the registry's configuration, process metrics, the endpoint. App thread.
import { collectDefaultMetrics } from '../metrics/default-metrics.js';
import { type MetricsRegistry, metrics } from '../metrics/registry.js';
import type { RegistryConfig } from '../metrics/registry-options.js';
import type { OpsServerOptions } from '../ops/options.js';
import { OpsServer } from '../ops/server.js';

/** Options of {@link configureMetrics}: those of the registry, and what is started with it. */
export interface MetricsStackOptions extends RegistryConfig {
  /** What is configured; default `metrics`, the registry of the process. */
  readonly registry?: MetricsRegistry;
  /** Adds the metrics of process and runtime; default true. */
  readonly enableDefaultMetrics?: boolean;
  /** Starts an ops server that serves the registry; default none. */
  readonly ops?: Omit<OpsServerOptions, 'registries'>;
}

/** What {@link configureMetrics} started. */
export interface MetricsStack {
  readonly registry: MetricsRegistry;
  /** Undefined where none was asked for, or metrics are switched off. */
  readonly ops: OpsServer | undefined;
  /** Ends the process metrics and the server; the registry keeps what it has. */
  stop(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Configures a registry, adds process metrics to it and serves it. With `enabled: false` it only configures: nothing is started.
 * @throws KymoError as `configure`, `collectDefaultMetrics` and `OpsServer` do; what was started before is stopped again.
 * @example await configureMetrics({ prefix: 'shop_', ops: { port: 9464 } });
 */
export async function configureMetrics(options: MetricsStackOptions = {}): Promise<MetricsStack> {
  const { registry = metrics, enableDefaultMetrics = true, ops: serve, ...config } = options;
  registry.configure(config);
  const serves = serve !== undefined && !registry.disabled();
  const ops = serves ? new OpsServer({ ...serve, registries: [registry] }) : undefined;
  const defaults = enableDefaultMetrics ? collectDefaultMetrics({ registry }) : undefined;
  const stop = async (): Promise<void> => {
    defaults?.stop();
    await ops?.stop();
  };
  try {
    await ops?.start();
  } catch (error) {
    await stop();
    throw error;
  }
  return { registry, ops, stop, [Symbol.asyncDispose]: stop };
}
