// Serves metrics from a server that the application already runs. App thread; rendering and compression happen on a thread of
// the pool, so the event loop pays for the headers and one write.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { native } from '../binding/load.js';
import type { NativeHandledRequest, NativeScraped } from '../binding/native-ops.js';
import { registryId, type ServedRegistry } from '../metrics/registry-id.js';
import { checkRegistries, checkScrapeLimits, type OpsServerOptions } from './options.js';

/** A request handler for `node:http` and for frameworks that pass its objects on. */
export type MetricsHandler = (request: IncomingMessage, response: ServerResponse) => void;

/** Options of {@link metricsHandler}. */
export interface MetricsHandlerOptions extends Pick<OpsServerOptions, 'maxScrapesInFlight' | 'scrapeTimeoutMs'> {
  /** What is served, in this order. */
  readonly registries: readonly ServedRegistry[];
}

const ALLOW = 'GET, HEAD, OPTIONS';

/**
 * Makes a handler that answers every request it is given with the registries' metrics: the format that `Accept` asks for, coded as
 * `Accept-Encoding` asks, only the metrics that `name[]=` in the query lists, if any. Mount it at `/metrics`; who may call it is
 * decided by the server around it. Unlike the ops server it is silent while the event loop is blocked.
 * @throws KymoError `KYMO_OPS_OPTION` for what is no registry of ours, or a limit out of its range.
 * @example http.createServer((request, response) => (request.url === '/metrics' ? handler(request, response) : app(request, response)));
 */
export function metricsHandler(options: MetricsHandlerOptions): MetricsHandler;
export function metricsHandler(...registries: readonly ServedRegistry[]): MetricsHandler;
export function metricsHandler(...given: readonly (ServedRegistry | MetricsHandlerOptions)[]): MetricsHandler {
  const [first] = given;
  const options = given.length === 1 && registryId(first) === undefined ? (first as MetricsHandlerOptions) : { registries: given };
  // The registries themselves are kept, not their ids: one that nobody else holds would be collected, and its metrics with it.
  const registries = checkRegistries(options?.registries);
  const { maxScrapesInFlight, scrapeTimeoutMs } = checkScrapeLimits(options as MetricsHandlerOptions);
  let inFlight = 0;
  return (request, response) => {
    if (response.destroyed || response.writableEnded) return; // Its client is gone, and with it the event that would end it here.
    const { method } = request;
    if (method !== 'GET' && method !== 'HEAD') {
      response.writeHead(method === 'OPTIONS' ? 204 : 405, { allow: ALLOW }).end();
      return;
    }
    if (inFlight >= maxScrapesInFlight) {
      refuse(response, 503);
      return;
    }
    inFlight += 1;
    // Whichever comes: a response of node:http always closes, one that a framework made up may only finish.
    let over = false;
    const leave = (): void => {
      if (!over) inFlight -= 1;
      over = true;
    };
    response.once('close', leave).once('finish', leave);
    const late = setTimeout(() => refuse(response, 503), scrapeTimeoutMs).unref();
    scrape(registries, request)
      .then(
        (scraped) => (scraped === null ? refuse(response, 400) : send(response, scraped, method === 'HEAD')),
        () => refuse(response, 500),
      )
      .finally(() => clearTimeout(late));
  };
}

async function scrape(
  registries: readonly ServedRegistry[],
  { url = '', method, headers }: IncomingMessage,
): Promise<NativeScraped | null> {
  const { accept, 'accept-encoding': acceptEncoding } = headers;
  const asked: NativeHandledRequest = {
    query: /\?([^#]*)/.exec(url)?.[1] ?? '',
    headOnly: method === 'HEAD',
    ...(accept === undefined ? {} : { accept }),
    ...(typeof acceptEncoding === 'string' ? { acceptEncoding } : {}),
  };
  return native.scrapeAsync(
    registries.map((registry) => registryId(registry) as number),
    asked,
  );
}

function send(response: ServerResponse, { contentType, encoding, vary, body }: NativeScraped, headOnly: boolean): void {
  if (response.destroyed || response.headersSent) return;
  response.writeHead(200, {
    'content-type': contentType,
    'content-length': body.byteLength,
    ...(encoding === undefined ? {} : { 'content-encoding': encoding }),
    ...(vary === undefined ? {} : { vary }),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  });
  response.end(headOnly ? undefined : body);
}

function refuse(response: ServerResponse, status: number): void {
  if (response.destroyed || response.headersSent) return;
  response.writeHead(status, status === 503 ? { 'retry-after': '1' } : {}).end();
}
