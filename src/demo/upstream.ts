// The service behind the gateway: answers each route of the table as its row says, late, large or not at all. Entry of a
// worker thread, so that a blocked gateway does not block it; it counts in the same registry as the main thread.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { metrics, setHttpRoute } from '../index.js';
import { matchRoute, type Route } from './routes.js';
import { live } from './thread.js';
import { traceRequests } from './traces.js';

/** What the thread says when it is up. */
export interface UpstreamReady {
  readonly port: number;
}

/** Longer than any block of the gateway's loop, so that no connection it holds goes stale meanwhile. */
const KEEP_ALIVE_MS = 600_000;

const handled = metrics.counter({
  name: 'demo_upstream_handled_total',
  help: 'Requests that reached the demo upstream, counted in its own thread',
  labelNames: ['route'],
});

/** A label with as many values as there are users: what should not be done, and what the cap makes of it. */
const byUser = metrics.counter({
  name: 'demo_user_requests_total',
  help: 'Requests by user: more values than a label should have, so that all users beyond the first 50 share one series',
  labelNames: ['user'],
  maxSeries: 50,
});

const BODIES = new Map<number, Buffer>();

function bodyOf(sizeBytes: number): Buffer {
  const body = BODIES.get(sizeBytes) ?? Buffer.alloc(sizeBytes, '0123456789abcdef');
  BODIES.set(sizeBytes, body);
  return body;
}

function handle(request: IncomingMessage, response: ServerResponse): void {
  const path = (request.url ?? '').split('?', 1)[0];
  const { route } = matchRoute(request.method ?? '', path);
  request.resume();
  if (route === undefined) {
    response.writeHead(404).end();
    return;
  }
  setHttpRoute(request, route.template);
  handled.inc({ route: route.template });
  if (route.template === '/users/:id') byUser.inc({ user: path.slice('/users/'.length) });
  const luck = Math.random();
  if (luck < route.dropRatio) request.socket.destroy();
  else if (luck >= route.dropRatio + route.hangRatio) setTimeout(() => answer(route, response), latencyMs(route));
}

/** Half to one and a half times the row's latency, five times as much once in fifty. */
function latencyMs(route: Route): number {
  return route.latencyMs * (0.5 + Math.random()) * (Math.random() < 0.02 ? 5 : 1);
}

function answer(route: Route, response: ServerResponse): void {
  const failed = Math.random() < route.errorRatio;
  const body = failed ? Buffer.from('{"error":"the demo upstream fails here now and then"}') : bodyOf(route.sizeBytes);
  const status = failed ? 500 : route.method === 'POST' ? 201 : 200;
  response.writeHead(status, { 'content-type': failed ? 'application/json' : 'application/octet-stream', 'content-length': body.length });
  response.end(body);
}

const traces = await traceRequests('kymo-demo-upstream');
const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, handle);
server.listen(0, '127.0.0.1', () => {
  live<UpstreamReady, null>({ port: (server.address() as AddressInfo).port }, async () => {
    server.close();
    server.closeAllConnections();
    await traces.close();
    return null;
  });
});
