// Questions to other processes or threads and the answers that are still missing: what 0.16's two aggregating registries share.
// App threads.
import type { AggregatedMetric } from './aggregators.js';

/** How long the answers may take. */
export const TIMEOUT_MS = 5000;

/** Words of the messages, between threads and between processes alike. */
export const ACK = '@prometheus-io/client:ack';
export const ANNOUNCEMENT = '@prometheus-io/client:announcement';
export const REQUEST = '@prometheus-io/client:getMetricsReq';
export const RESPONSE = '@prometheus-io/client:getMetricsRes';
export const GOODBYE = '@prometheus-io/client:goodbye';

/** Any of the messages. */
export interface Message {
  readonly type: string;
  readonly requestId: number;
  readonly threadId?: number;
  readonly name?: string;
  readonly primary?: boolean;
  readonly metrics?: AggregatedMetric[][];
  readonly error?: string;
}

interface Waiting {
  resolve(metrics: AggregatedMetric[][]): void;
  reject(error: Error): void;
}

/** Rejects with `late()` unless `promise` settles in time; keeps no timer behind. */
async function within<T>(promise: Promise<T>, timeoutMs: number, late: () => Error): Promise<T> {
  let timeout: NodeJS.Timeout | undefined;
  const expired = new Promise<never>((_, reject) => {
    timeout = setTimeout(() => reject(late()), timeoutMs);
  });
  try {
    return await Promise.race([promise, expired]);
  } finally {
    clearTimeout(timeout);
  }
}

/** The questions of one thread; `Peer` is what tells those who answer apart. */
export class Gathering<Peer> {
  #next = 0;
  readonly #questions = new Map<number, { readonly waiting: Map<Peer, Waiting>; readonly outcome: Promise<unknown> }>();

  /**
   * Asks `peers` by one call of `ask`, and gives what `finish` makes of all their answers, in the order of `peers`.
   * Rejects with the first error that a peer answers with, or after 5 s.
   */
  async of(
    peers: readonly Peer[],
    ask: (requestId: number) => void,
    finish: (answers: AggregatedMetric[][]) => Promise<string>,
  ): Promise<string> {
    const late = (missing: number): Error => new Error(`Operation timed out. ${missing} outstanding responses.`);
    return (await this.#ask(peers, ask, async (answers) => finish((await answers).flat()), TIMEOUT_MS, late)) as string;
  }

  /** Asks one peer and waits for its word, at most `timeoutMs`. */
  async acknowledgement(peer: Peer, ask: (requestId: number) => void, timeoutMs: number): Promise<void> {
    await this.#ask(
      [peer],
      ask,
      async (answers) => void (await answers),
      timeoutMs,
      () => new Error('Timeout'),
    );
  }

  /** Hands an answer to the question that waits for it; false when none does. */
  answer(requestId: number, peer: Peer, { metrics = [], error }: Pick<Message, 'metrics' | 'error'>): boolean {
    const waiting = this.#questions.get(requestId)?.waiting;
    const one = waiting?.get(peer);
    if (waiting === undefined || one === undefined) return false;
    waiting.delete(peer);
    if (error) one.reject(new Error(error));
    else one.resolve(metrics);
    return true;
  }

  /** Waits until every open question is settled, well or not; undefined when there is none. */
  outstanding(): Promise<unknown> | undefined {
    const open = [...this.#questions.values()].map(({ outcome }) => outcome);
    return open.length > 0 ? Promise.allSettled(open) : undefined;
  }

  async #ask<T>(
    peers: readonly Peer[],
    ask: (requestId: number) => void,
    finish: (answers: Promise<AggregatedMetric[][][]>) => Promise<T>,
    timeoutMs: number,
    late: (missing: number) => Error,
  ): Promise<T> {
    const requestId = this.#next++;
    const waiting = new Map<Peer, Waiting>();
    const answers = Promise.all(
      peers.map((peer) => new Promise<AggregatedMetric[][]>((resolve, reject) => waiting.set(peer, { resolve, reject }))),
    );
    const outcome = within(finish(answers), timeoutMs, () => late(waiting.size));
    outcome.catch(() => undefined); // Where asking throws, nobody waits for it.
    this.#questions.set(requestId, { waiting, outcome });
    try {
      ask(requestId);
      return await outcome;
    } finally {
      this.#questions.delete(requestId);
    }
  }
}
