// prom-client 15's aggregation over the workers of `node:cluster`: the primary asks over IPC and adds up the answers. App threads.
import type { Worker } from 'cluster';
import { perThread } from '../../binding/per-thread.js';
import { ownMetrics, setRegistries } from './aggregated-registries.js';
import { type AggregatedMetric, aggregated } from './aggregators.js';
import clusterModule from './cluster-module.cjs';
import { Registry } from './registry.js';

const REQUEST = 'prom-client:getMetricsReq';
const RESPONSE = 'prom-client:getMetricsRes';
const TIMEOUT_MS = 5000;

interface Message {
  readonly type: string;
  readonly requestId: number;
  readonly metrics?: AggregatedMetric[][];
  readonly error?: string;
}

interface Pending {
  readonly lists: AggregatedMetric[][];
  missing: number;
  settle(error: Error | undefined, text?: string | Promise<string>): void;
}

const pending = new Map<number, Pending>();
let nextRequest = 0;
let listening = false;

/** A registry that can also ask the workers of a cluster. To be made in the primary and in each worker. */
export class AggregatorRegistry extends Registry {
  constructor(contentType: string = Registry.PROMETHEUS_CONTENT_TYPE) {
    super(contentType);
    listen();
  }

  override get contentType(): string {
    return super.contentType;
  }

  /**
   * The metrics of all workers as one text; `''` without workers. The primary's own are not among them.
   * Rejects after 5 s without all the answers, or with the first error of a worker.
   */
  clusterMetrics(): Promise<string> {
    const requestId = nextRequest++;
    return new Promise((resolve, reject) => {
      const timeout = setTimeout(() => request.settle(new Error('Operation timed out.')), TIMEOUT_MS);
      const request: Pending = {
        lists: [],
        missing: 0,
        settle(error, text = '') {
          clearTimeout(timeout);
          pending.delete(requestId);
          if (error) reject(error);
          else resolve(text);
        },
      };
      pending.set(requestId, request);
      // One that ended abruptly may still be in the list.
      for (const worker of Object.values(clusterModule.cluster().workers ?? {})) {
        if (!worker?.isConnected()) continue;
        // One that is dying may be connected still: without a callback its broken pipe would end the primary.
        worker.send({ type: REQUEST, requestId }, (error) => {
          if (error && pending.get(requestId) === request) answered(request);
        });
        request.missing++;
      }
      if (request.missing === 0) {
        clearTimeout(timeout);
        process.nextTick(() => request.settle(undefined));
      }
    });
  }

  /**
   * A registry of the aggregated metrics of several results of `getMetricsAsJSON()`.
   * @throws Error for an aggregator that does not exist.
   */
  static override aggregate(metrics: AggregatedMetric[][], contentType: string = Registry.PROMETHEUS_CONTENT_TYPE): Registry {
    const registry = new Registry();
    registry.setContentType(contentType);
    for (const metric of aggregated(metrics)) registry.registerMetric(metric);
    return registry;
  }

  /** Which registries this worker reports; the global one without this. @throws TypeError for anything that is no Registry. */
  static setRegistries(registries: Registry | readonly Registry[]): void {
    setRegistries(registries);
  }
}

/** In the primary: an answer of a worker. */
function onResponse(_worker: Worker, message: Message): void {
  if (message?.type !== RESPONSE) return;
  const request = pending.get(message.requestId);
  if (request === undefined) return; // Timed out, or failed by another worker's answer.
  if (message.error) {
    request.settle(new Error(message.error));
    return;
  }
  request.lists.push(...(message.metrics ?? []));
  answered(request);
}

/** One worker less is waited for; the last one settles the request. */
function answered(request: Pending): void {
  if (--request.missing > 0) return;
  // Aggregated with the default content type, whatever this registry's.
  try {
    request.settle(undefined, AggregatorRegistry.aggregate(request.lists).metrics());
  } catch (error) {
    request.settle(error as Error);
  }
}

/** In a worker: a question of the primary. */
function onRequest(message: Message): void {
  if (message?.type !== REQUEST) return;
  const { requestId } = message;
  ownMetrics().then(
    (metrics) => process.send?.({ type: RESPONSE, requestId, metrics }),
    (error: Error) => process.send?.({ type: RESPONSE, requestId, error: error.message }),
  );
}

/** Attaches this copy once. One that a test runner loaded before it and dropped is detached, so that listeners do not pile up. */
function listen(): void {
  if (listening) return;
  listening = true;
  const attached = perThread<{ detach?: () => void }>('aggregator-registry', () => ({}));
  attached.detach?.();
  const cluster = clusterModule.cluster();
  if (cluster.isMaster) cluster.on('message', onResponse);
  if (cluster.isWorker) process.on('message', onRequest);
  attached.detach = () => {
    cluster.off('message', onResponse);
    process.off('message', onRequest);
  };
}
