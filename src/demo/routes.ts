// The one table of the demo's routes: what the gateway forwards, how the upstream behaves there and how often the load
// asks for it. Pure data and the matching of a path; any thread.

/** How a route answers and how much of the load it gets. */
export interface Route {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** The path with `:name` for a segment that varies; it is the `route` label, so that ids never become label values. */
  readonly template: string;
  /** Share of the load, relative to the other rows; > 0. */
  readonly weight: number;
  /** What a normal answer takes; one in fifty takes five times as long. */
  readonly latencyMs: number;
  /** Body of a good answer. */
  readonly sizeBytes: number;
  /** Body the load sends; 0 for none. */
  readonly uploadBytes: number;
  /** Share of the requests that the upstream answers with 500; in [0, 1]. */
  readonly errorRatio: number;
  /** Share whose connection the upstream drops without an answer; in [0, 1]. */
  readonly dropRatio: number;
  /** Share that the upstream never answers; in [0, 1]. */
  readonly hangRatio: number;
}

const QUIET = { uploadBytes: 0, errorRatio: 0, dropRatio: 0, hangRatio: 0 } as const;

/** Every route of the demo. The rows differ on purpose: fast and slow, small and large, sound and faulty. */
export const ROUTES: readonly Route[] = [
  { ...QUIET, method: 'GET', template: '/users/:id', weight: 45, latencyMs: 2, sizeBytes: 400, errorRatio: 0.002 },
  { ...QUIET, method: 'GET', template: '/orders', weight: 20, latencyMs: 8, sizeBytes: 4_000, errorRatio: 0.005 },
  { ...QUIET, method: 'POST', template: '/orders', weight: 10, latencyMs: 15, sizeBytes: 120, uploadBytes: 900, errorRatio: 0.01 },
  { ...QUIET, method: 'GET', template: '/search', weight: 12, latencyMs: 30, sizeBytes: 12_000, errorRatio: 0.02 },
  { ...QUIET, method: 'PUT', template: '/files/:name', weight: 4, latencyMs: 20, sizeBytes: 60, uploadBytes: 65_536 },
  { ...QUIET, method: 'GET', template: '/reports/:year', weight: 4, latencyMs: 40, sizeBytes: 262_144 },
  { ...QUIET, method: 'DELETE', template: '/sessions/:id', weight: 3, latencyMs: 4, sizeBytes: 20, dropRatio: 0.2 },
  { ...QUIET, method: 'GET', template: '/recommendations/:user', weight: 2, latencyMs: 25, sizeBytes: 2_000, hangRatio: 0.1 },
];

/** What a path leads to: a route, or the methods that the path does know (empty: no such path). */
export type Match = { readonly route: Route } | { readonly route: undefined; readonly allow: readonly string[] };

const SPLIT = ROUTES.map((route) => ({ route, segments: route.template.split('/') }));

/** Finds the row for a method and a path without query. HEAD is answered by the row of GET. */
export function matchRoute(method: string, path: string): Match {
  const wanted = method === 'HEAD' ? 'GET' : method;
  const segments = path.split('/');
  const allow: string[] = [];
  for (const row of SPLIT) {
    if (!fits(row.segments, segments)) continue;
    if (row.route.method === wanted) return { route: row.route };
    allow.push(row.route.method);
    if (row.route.method === 'GET') allow.push('HEAD');
  }
  return { route: undefined, allow };
}

function fits(template: readonly string[], segments: readonly string[]): boolean {
  if (template.length !== segments.length) return false;
  return template.every((part, i) => (part.startsWith(':') ? segments[i] !== '' : part === segments[i]));
}

/** A path of the route with a fresh value in each varying segment. */
export function samplePath(route: Route): string {
  return route.template.replace(/:\w+/g, () => String(1 + Math.floor(Math.random() * 9_999)));
}
