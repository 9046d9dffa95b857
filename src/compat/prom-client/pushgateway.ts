// Sends a registry to a Pushgateway: prom-client's class, over `http` and `https` as they are when a push is made. App threads.

// Without `node:`, and as objects: users' tests mock these modules by these names, or patch their functions.
import http from 'http';
import https from 'https';
import url from 'url';
import { gzipSync } from 'zlib';
import { globalRegistry, Registry } from './registry.js';

/** What a push is about. */
export interface PushParameters {
  /** Label `job` of the group; needed unless `requireJobName` is false. */
  readonly jobName?: string;
  /** Further labels of the group, in the order of the path. */
  readonly groupings?: Readonly<Record<string, string>>;
}

/** Options of `http.request`, and: */
export interface PushgatewayOptions extends http.RequestOptions {
  /** Default true. */
  readonly requireJobName?: boolean;
}

/** The gateway's answer. */
export interface PushResult {
  readonly resp: http.IncomingMessage;
  readonly body: string;
}

/** A Pushgateway at one address. Each call is one request; nothing is kept or repeated. */
export class Pushgateway {
  registry: Registry;
  gatewayUrl: string;
  requireJobName: boolean;
  requestOptions: http.RequestOptions;

  /** In place of the options the registry may be given; without one, the global registry is sent. */
  constructor(gatewayUrl: string, options?: PushgatewayOptions | Registry | null, registry?: Registry) {
    const given = options instanceof Registry ? undefined : options;
    this.registry = (options instanceof Registry ? options : registry) || globalRegistry;
    this.gatewayUrl = gatewayUrl;
    const { requireJobName, ...requestOptions } = { requireJobName: true, ...given };
    this.requireJobName = requireJobName;
    this.requestOptions = requestOptions;
  }

  /** Replaces the group's metrics of the names sent (POST). Rejects for a status from 400 on. */
  pushAdd(params: PushParameters = {}): Promise<PushResult> {
    return this.#send('POST', params);
  }

  /** Replaces all metrics of the group (PUT). Rejects for a status from 400 on. */
  push(params: PushParameters = {}): Promise<PushResult> {
    return this.#send('PUT', params);
  }

  /** Removes the group (DELETE). Rejects for a status from 400 on. */
  delete(params: PushParameters = {}): Promise<PushResult> {
    return this.#send('DELETE', params);
  }

  /** A missing job throws at once; everything later rejects. */
  #send(method: string, { jobName, groupings }: PushParameters): Promise<PushResult> {
    if (this.requireJobName && !jobName) throw new Error('Missing jobName parameter');
    return this.#request(method, jobName, groupings);
  }

  async #request(method: string, job: string | undefined, groupings: PushParameters['groupings']): Promise<PushResult> {
    const { pathname } = url.parse(this.gatewayUrl);
    const below = pathname && pathname !== '/' ? pathname : '';
    const target = url.parse(url.resolve(this.gatewayUrl, `${below}/metrics${job ? groupPath(job, groupings) : ''}`));
    const client = target.href.startsWith('https') ? https : http;
    const options = Object.assign(target as http.RequestOptions, this.requestOptions, { method });
    const headers = options.headers as http.OutgoingHttpHeaders | undefined;
    return new Promise((resolve, reject) => {
      if (method === 'DELETE' && headers) delete headers['Content-Encoding'];
      const request = client.request(options, (resp) => {
        let body = '';
        resp.setEncoding('utf8');
        resp.on('data', (chunk: string) => {
          body += chunk;
        });
        resp.on('end', () => {
          if ((resp.statusCode as number) >= 400) reject(new Error(`push failed with status ${resp.statusCode}, ${body}`));
          else resolve({ resp, body });
        });
      });
      request.on('error', reject);
      request.on('timeout', () => {
        request.destroy(new Error('Pushgateway request timed out'));
      });
      if (method === 'DELETE') {
        request.end();
        return;
      }
      this.registry
        .metrics()
        .then((text) => {
          request.write(headers?.['Content-Encoding'] === 'gzip' ? gzipSync(text) : text);
          request.end();
        })
        .catch(reject);
    });
  }
}

/** `/job/NAME` and the groupings behind it. */
function groupPath(job: string, groupings: PushParameters['groupings']): string {
  const pairs = groupings ? Object.keys(groupings).map((key) => [key, groupings[key] as string]) : [];
  return [['job', job], ...pairs]
    .map(([key, value]) => `/${encodeURIComponent(key as string)}/${encodeURIComponent(value as string)}`)
    .join('');
}
