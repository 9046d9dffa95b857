// The ops server of the demo: Kymo's own, on loopback, on the wanted port or the next free one. Main thread; the server itself
// runs on a native thread.
import { collectDefaultMetrics, metrics, OpsServer } from '../index.js';

/** A running ops server. */
export interface Ops {
  readonly host: string;
  readonly port: number;
  close(): Promise<void>;
}

/** Starts the ops server with the default metrics of the process and the runtime. */
export async function startOps(port: number): Promise<Ops> {
  const defaults = collectDefaultMetrics({ registry: metrics });
  const server = new OpsServer({ registries: [metrics], host: '127.0.0.1', port, onPortInUse: 'next-free' });
  await server.start();
  const address = server.address;
  if (address === null) throw new Error('the ops server has no address');
  return {
    ...address,
    close: async () => {
      await server.stop();
      defaults.stop();
    },
  };
}
