// Program of a worker thread: adds to a counter of the shared registry each time it is told to.
import { parentPort, workerData } from 'node:worker_threads';
import { MetricsRegistry } from 'kymo';

/** What the thread shares with the others. */
export interface Counting {
  readonly registry: string;
  readonly counter: string;
}

const { registry, counter } = workerData as Counting;
const bound = new MetricsRegistry({ name: registry }).counter({ name: counter, help: 'Counted by threads' });

parentPort?.on('message', (increments: number) => {
  for (let k = 0; k < increments; k++) bound.inc();
  parentPort?.postMessage(increments);
});
parentPort?.postMessage('ready');
