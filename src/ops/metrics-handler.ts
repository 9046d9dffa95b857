// Serves metrics from a server that the application already runs. App thread; rendering and compression happen on a thread of
// the pool, so the event loop pays for the headers and one write.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { native } from '../binding/load.js';
import type { MetricsRegistry } from '../metrics/registry.js';

/** A request handler for `node:http` and for frameworks that pass its objects on. */
export type MetricsHandler = (request: IncomingMessage, response: ServerResponse) => void;

const ALLOW = 'GET, HEAD, OPTIONS';

/**
 * Makes a handler that answers every request it is given with the registries' metrics: text 0.0.4 or OpenMetrics 1.0.0 as
 * `Accept` asks, gzip as `Accept-Encoding` asks. Mount it at `/metrics`; who may call it is decided by the server around it.
 * Unlike the ops server it is silent while the event loop is blocked.
 * @example http.createServer((request, response) => (request.url === '/metrics' ? handler(request, response) : app(request, response)));
 */
export function metricsHandler(...registries: readonly MetricsRegistry[]): MetricsHandler {
  return (request, response) => {
    const { method } = request;
    if (method !== 'GET' && method !== 'HEAD') {
      const status = method === 'OPTIONS' ? 204 : 405;
      response.writeHead(status, { allow: ALLOW }).end();
      return;
    }
    const { accept, 'accept-encoding': encoding } = request.headers;
    // The registries themselves are kept, not their ids: one that nobody else holds would be collected, and its metrics with it.
    const ids = registries.map((registry) => registry.id);
    native.scrapeAsync(ids, accept ?? null, typeof encoding === 'string' ? encoding : null).then(
      (scraped) => {
        if (response.destroyed || response.headersSent) return;
        response.writeHead(200, {
          'content-type': scraped.contentType,
          'content-length': scraped.body.byteLength,
          ...(scraped.encoding === undefined ? {} : { 'content-encoding': scraped.encoding }),
          vary: 'Accept, Accept-Encoding',
          'cache-control': 'no-store',
          'x-content-type-options': 'nosniff',
        });
        response.end(method === 'HEAD' ? undefined : scraped.body);
      },
      () => {
        if (!response.destroyed && !response.headersSent) response.writeHead(500).end();
      },
    );
  };
}
