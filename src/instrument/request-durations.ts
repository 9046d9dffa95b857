// The histograms `http.server.request.duration` and `http.client.request.duration`, whose Prometheus names end in `_seconds`. App
// threads; a request whose method, route and status were seen before costs two look-ups and an observation, and allocates nothing.
import type { BoundHistogram, Histogram } from '../metrics/histogram.js';
import type { MetricsRegistry } from '../metrics/registry.js';
import { methodInName } from './http-method.js';
import { DURATION_BUCKETS } from './semantic-conventions.js';

/** Series that are kept at hand per histogram and thread; further ones are looked up by their labels. */
const SERIES_KEPT = 4_096;
/** Status codes are below this in {@link EndpointSeries}. */
const STATUSES = 1_000;

const SERVER_LABELS = [
  'http_request_method',
  'http_response_status_code',
  'http_route',
  'network_protocol_version',
  'url_scheme',
  'error_type',
] as const;

const CLIENT_LABELS = [
  'http_request_method',
  'http_response_status_code',
  'network_protocol_version',
  'server_address',
  'server_port',
  'error_type',
] as const;

/** A method at a route: the name of its spans, and the series of its plain answers. */
export class Endpoint {
  /** `GET /users/:id`, or the method alone where no route is known. */
  readonly name: string;
  readonly method: string;
  readonly route: string;
  /** Keyed by status and what {@link ServerDurations} adds to it. */
  readonly series = new Map<number, BoundHistogram>();

  constructor(method: string, route: string) {
    this.name = route === '' ? methodInName(method) : `${methodInName(method)} ${route}`;
    this.method = method;
    this.route = route;
  }
}

/** Every method at every route, once, so that a span's name is not put together again for each request. */
export class Endpoints {
  readonly #byRoute = new Map<string, Endpoint[]>();
  #count = 0;

  /** The endpoint; beyond a number of them that no application has, a new object each time. */
  of(method: string, route: string): Endpoint {
    let endpoints = this.#byRoute.get(route);
    if (endpoints === undefined) {
      endpoints = [];
      if (this.#count < SERIES_KEPT) this.#byRoute.set(route, endpoints);
    }
    for (const endpoint of endpoints) if (endpoint.method === method) return endpoint;
    const endpoint = new Endpoint(method, route);
    endpoints.push(endpoint);
    this.#count++;
    return endpoint;
  }
}

/** Durations of requests that this process answered. */
export class ServerDurations {
  readonly #histogram: Histogram<(typeof SERVER_LABELS)[number]>;

  /** Declares the histogram, or takes the one that the registry has. @throws KymoError `KYMO_METRICS_CONFLICT`. */
  constructor(registry: MetricsRegistry) {
    this.#histogram = registry.histogram({
      name: 'http_server_request_duration_seconds',
      help: 'Duration of HTTP server requests.',
      labelNames: SERVER_LABELS,
      buckets: DURATION_BUCKETS,
      missingLabels: 'empty',
    });
  }

  /**
   * Counts one request.
   * @param status 0: none was sent.
   * @param errorType empty for none.
   */
  observe(seconds: number, endpoint: Endpoint, status: number, version: string, scheme: string, errorType: string): void {
    if (errorType !== '' && errorType !== String(status)) {
      this.#histogram.observe(this.#labels(endpoint, status, version, scheme, errorType), seconds);
      return;
    }
    // Its error, if it is one, is its status: the key says all.
    const key = status + (version === '1.1' ? 0 : version === '1.0' ? STATUSES : 2 * STATUSES) + (scheme === 'http' ? 0 : 3 * STATUSES);
    let series = endpoint.series.get(key);
    if (series === undefined) {
      series = this.#histogram.labels(this.#labels(endpoint, status, version, scheme, errorType));
      endpoint.series.set(key, series);
    }
    series.observe(seconds);
  }

  #labels(endpoint: Endpoint, status: number, version: string, scheme: string, errorType: string) {
    return {
      http_request_method: endpoint.method,
      http_response_status_code: status === 0 ? '' : String(status),
      http_route: endpoint.route,
      network_protocol_version: version,
      url_scheme: scheme,
      error_type: errorType,
    };
  }
}

/** Durations of requests that this process sent. */
export class ClientDurations {
  readonly #histogram: Histogram<(typeof CLIENT_LABELS)[number]>;

  /** Declares the histogram, or takes the one that the registry has. @throws KymoError `KYMO_METRICS_CONFLICT`. */
  constructor(registry: MetricsRegistry) {
    this.#histogram = registry.histogram({
      name: 'http_client_request_duration_seconds',
      help: 'Duration of HTTP client requests.',
      labelNames: CLIENT_LABELS,
      buckets: DURATION_BUCKETS,
      missingLabels: 'empty',
    });
  }

  /**
   * Counts one request.
   * @param status 0: there was no answer.
   * @param errorType empty for none.
   */
  observe(seconds: number, method: string, host: string, port: number, status: number, version: string, errorType: string): void {
    this.#histogram.observe(
      {
        http_request_method: method,
        http_response_status_code: status === 0 ? '' : status,
        network_protocol_version: version,
        server_address: host,
        server_port: port === 0 ? '' : port,
        error_type: errorType,
      },
      seconds,
    );
  }
}
