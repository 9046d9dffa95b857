// prom-client 0.16's aggregation over worker threads: threads announce themselves on a broadcast channel, the primary asks those it
// knows, and keeps the sums of threads that said goodbye. App threads.
import { BroadcastChannel, isMainThread, threadId } from 'worker_threads';
import { perThread } from '../../binding/per-thread.js';
import { ownMetrics, setRegistries } from './aggregated-registries.js';
import type { AggregatedMetric } from './aggregators.js';
import { ACK, ANNOUNCEMENT, Gathering, GOODBYE, type Message, REQUEST, RESPONSE, TIMEOUT_MS } from './gathering.js';
import { Registry } from './registry.js';

const ANNOUNCEMENTS = '@prometheus-io/client:announce';
/** The channel of this thread: its answers, and the primary's acknowledgement. */
const OWN_NAME = `@prometheus-io/client:worker:${threadId}`;

interface Peer {
  readonly name: string;
  readonly threadId: number;
  readonly channel: BroadcastChannel;
}

/** By the names of the threads' channels. */
const gathering = new Gathering<string>();
const peers = new Map<string, Peer>();
/** What threads that said goodbye had counted. */
let historic: AggregatedMetric[] = [];
let announcements: BroadcastChannel | undefined;

/** A channel that holds no event loop open. */
function channelOf(name: string, onMessage: (message: Message) => void): BroadcastChannel {
  const channel = new BroadcastChannel(name);
  (channel as unknown as { unref(): void }).unref();
  channel.onmessage = (event) => onMessage((event as { data: Message }).data);
  return channel;
}

/** A registry that can also ask other threads. To be made in the coordinating thread and in each that is to be asked. */
export class WorkerRegistry extends Registry {
  /** True in the thread that asks. */
  readonly primary: boolean;

  constructor(contentType: string = Registry.PROMETHEUS_CONTENT_TYPE, primary: boolean = isMainThread) {
    super(contentType);
    this.primary = primary;
    listen(primary);
  }

  override get contentType(): string {
    return super.contentType;
  }

  /** The metrics of all known threads and of those that said goodbye, as one text; `''` while there are none. Rejects after 5 s. */
  async workerMetrics(): Promise<string> {
    const asked = [...peers.values()].sort((a, b) => a.threadId - b.threadId);
    if (asked.length === 0 && historic.length === 0) return '';
    const before = historic;
    return gathering.of(
      asked.map(({ name }) => name),
      (requestId) => announcements?.postMessage({ type: REQUEST, threadId, requestId }),
      (answers) => Registry.aggregate([before, ...answers], this.contentType).metrics(),
    );
  }

  /**
   * To be awaited before the thread ends. Waits for open requests; a thread without any that is not the primary hands its sums to the
   * primary, which goes on reporting them. Rejects with `Timeout` when the primary does not acknowledge them.
   * @param timeoutMs default 5000.
   */
  async shutdown(timeoutMs: number = TIMEOUT_MS): Promise<void> {
    const open = gathering.outstanding();
    if (open !== undefined) {
      await open;
      return;
    }
    if (this.primary) return;
    // A further channel: one never hears what it said itself.
    const channel = channelOf(OWN_NAME, () => undefined);
    try {
      const metrics = await ownMetrics('sum');
      const tell = (requestId: number): void => channel.postMessage({ type: GOODBYE, requestId, threadId, metrics });
      await gathering.acknowledgement(OWN_NAME, tell, timeoutMs);
    } finally {
      channel.close();
    }
  }

  /** A registry of the aggregated metrics of several results of `getMetricsAsJSON()`. @throws Error for an aggregator that does not exist. */
  static override aggregate(metrics: AggregatedMetric[][], contentType: string = Registry.PROMETHEUS_CONTENT_TYPE): Registry {
    return Registry.aggregate(metrics, contentType);
  }

  /** Threads that the primary knows. */
  static workerCount(): number {
    return peers.size;
  }

  /** Which registries this thread reports; the global one without this. @throws TypeError for anything that is no Registry. */
  static setRegistries(registries: Registry | readonly Registry[]): void {
    setRegistries(registries);
  }
}

/** In the primary: what a thread says on its own channel. */
function onPeerMessage(name: string, message: Message): void {
  if (message.type === RESPONSE) gathering.answer(message.requestId, name, message);
  else if (message.type === GOODBYE) {
    const peer = peers.get(name);
    if (peer === undefined) return;
    peer.channel.postMessage({ type: ACK, requestId: message.requestId, threadId });
    historic = Registry.aggregate([historic, ...(message.metrics ?? [])]).getMetricsAsArray() as unknown as AggregatedMetric[];
    peers.delete(name);
    peer.channel.close();
  }
}

function meet({ name, threadId: id }: Message): void {
  if (name === undefined || peers.has(name)) return;
  peers.set(name, { name, threadId: id ?? 0, channel: channelOf(name, (message) => onPeerMessage(name, message)) });
}

/** Attaches this copy once. One that a test runner loaded before it and dropped is detached. */
function listen(primary: boolean): void {
  if (announcements !== undefined) return;
  const attached = perThread<{ detach?: () => void }>('worker-registry', () => ({}));
  attached.detach?.();
  const own = channelOf(OWN_NAME, (message) => {
    if (message.type === ACK) gathering.answer(message.requestId, OWN_NAME, {});
  });
  const announce = (asPrimary: boolean): void =>
    announcements?.postMessage({ type: ANNOUNCEMENT, name: OWN_NAME, threadId, primary: asPrimary });
  announcements = channelOf(ANNOUNCEMENTS, async (message) => {
    if (message.type === ANNOUNCEMENT) {
      if (primary) meet(message);
      if (message.primary) announce(false);
    } else if (message.type === REQUEST) {
      const { requestId } = message;
      try {
        own.postMessage({ type: RESPONSE, requestId, threadId, metrics: await ownMetrics() });
      } catch (error) {
        own.postMessage({ type: RESPONSE, requestId, threadId, error: (error as Error).message });
      }
    }
  });
  attached.detach = () => {
    own.close();
    announcements?.close();
    for (const { channel } of peers.values()) channel.close();
    peers.clear();
  };
  announce(primary);
}
