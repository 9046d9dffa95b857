// prom-client 0.16's aggregation over the processes of `node:cluster`: workers announce themselves, the primary asks those it knows,
// reports its own metrics as well, and keeps the sums of workers that said goodbye. App threads.
import type { Worker } from 'cluster';
import { perThread } from '../../binding/per-thread.js';
import { ownMetrics, setRegistries } from './aggregated-registries.js';
import type { AggregatedMetric } from './aggregators.js';
import clusterModule from './cluster-module.cjs';
import { ACK, ANNOUNCEMENT, Gathering, GOODBYE, type Message, REQUEST, RESPONSE, TIMEOUT_MS } from './gathering.js';
import { Registry } from './registry.js';

const PRIMARY = 0;
/** In the primary by the number of a worker, in a worker {@link PRIMARY}. */
const gathering = new Gathering<number>();
const workers = new Map<number, Worker>();
/** What workers that said goodbye had counted. */
let historic: AggregatedMetric[] = [];
let listening = false;

/** A registry that can also ask the processes of a cluster. To be made in the primary and in each worker. */
export class ClusterRegistry extends Registry {
  constructor(contentType: string = Registry.PROMETHEUS_CONTENT_TYPE) {
    super(contentType);
    listen();
  }

  override get contentType(): string {
    return super.contentType;
  }

  /** The metrics of the primary, of all workers and of those that said goodbye, as one text. Rejects after 5 s without all the answers. */
  async clusterMetrics(): Promise<string> {
    const asked = [...workers.values()].filter((worker) => worker.isConnected()).sort((a, b) => a.id - b.id);
    const before = historic;
    return gathering.of(
      asked.map(({ id }) => id),
      (requestId) => {
        for (const worker of asked) {
          // One that is dying may be connected still: without a callback its broken pipe would end the primary.
          worker.send({ type: REQUEST, requestId }, (error) => {
            if (error) gathering.answer(requestId, worker.id, {});
          });
        }
      },
      async (answers) => Registry.aggregate([before, ...(await ownMetrics()), ...answers], this.contentType).metrics(),
    );
  }

  /**
   * To be awaited before `process.exit()`. Waits for open requests; a worker without any hands its sums to the primary, which goes on
   * reporting them. Rejects with `Timeout` when the primary does not acknowledge them.
   * @param timeoutMs default 5000.
   */
  async shutdown(timeoutMs: number = TIMEOUT_MS): Promise<void> {
    const open = gathering.outstanding();
    if (open !== undefined) await open;
    else if (!clusterModule.cluster().isPrimary) {
      const metrics = await ownMetrics('sum');
      await gathering.acknowledgement(PRIMARY, (requestId) => tellPrimary({ type: GOODBYE, requestId, metrics }), timeoutMs);
    }
  }

  /** A registry of the aggregated metrics of several results of `getMetricsAsJSON()`. @throws Error for an aggregator that does not exist. */
  static override aggregate(metrics: AggregatedMetric[][], contentType: string = Registry.PROMETHEUS_CONTENT_TYPE): Registry {
    return Registry.aggregate(metrics, contentType);
  }

  /** Which registries this process reports; the global one without this. @throws TypeError for anything that is no Registry. */
  static setRegistries(registries: Registry | readonly Registry[]): void {
    setRegistries(registries);
  }
}

/** Sends to the primary, unless it is gone or this process has none. */
function tellPrimary(message: Partial<Message>): void {
  if (process.connected) process.send?.(message);
}

async function answerPrimary(message: Message): Promise<void> {
  if (message?.type === ANNOUNCEMENT) tellPrimary({ type: ANNOUNCEMENT });
  else if (message?.type === ACK) gathering.answer(message.requestId, PRIMARY, {});
  else if (message?.type === REQUEST) {
    const { requestId } = message;
    try {
      tellPrimary({ type: RESPONSE, requestId, metrics: await ownMetrics() });
    } catch (error) {
      tellPrimary({ type: RESPONSE, requestId, error: (error as Error).message });
    }
  }
}

function onWorkerMessage(worker: Worker, message: Message): void {
  if (message?.type === ANNOUNCEMENT) workers.set(worker.id, workers.get(worker.id) ?? worker);
  else if (message?.type === RESPONSE) gathering.answer(message.requestId, worker.id, message);
  else if (message?.type === GOODBYE && workers.delete(worker.id)) {
    worker.send({ type: ACK, requestId: message.requestId }, ignoreClosed);
    historic = Registry.aggregate([historic, ...(message.metrics ?? [])]).getMetricsAsArray() as unknown as AggregatedMetric[];
  }
}

function onDisconnect(worker: Worker): void {
  workers.delete(worker.id);
}

/** Attaches this copy once. One that a test runner loaded before it and dropped is detached, so that listeners do not pile up. */
function listen(): void {
  if (listening) return;
  listening = true;
  const attached = perThread<{ detach?: () => void }>('cluster-registry', () => ({}));
  attached.detach?.();
  const cluster = clusterModule.cluster();
  attached.detach = () => {
    cluster.off('message', onWorkerMessage);
    cluster.off('disconnect', onDisconnect);
    process.off('message', answerPrimary);
  };
  if (!cluster.isPrimary) {
    process.on('message', answerPrimary);
    tellPrimary({ type: ANNOUNCEMENT });
    return;
  }
  cluster.on('message', onWorkerMessage);
  cluster.on('disconnect', onDisconnect);
  for (const worker of Object.values(cluster.workers ?? {})) if (worker?.isConnected()) worker.send({ type: ANNOUNCEMENT }, ignoreClosed);
}

/** A worker that ended meanwhile needs no word any more. */
function ignoreClosed(): void {}
