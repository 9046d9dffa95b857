// Program: a collector that takes every batch of OTLP over HTTP and counts what came.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { answer } from '../runner/program.js';

/** What came so far. */
export interface Collected {
  readonly requests: number;
  readonly bytes: number;
}

let requests = 0;
let bytes = 0;

const server = createServer((request, response) => {
  request.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
  });
  request.on('end', () => {
    requests += 1;
    response.end();
  });
});

answer({
  async listen(): Promise<number> {
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    return (server.address() as AddressInfo).port;
  },
  collected: (): Collected => ({ requests, bytes }),
});
