// Middleware that tells the routes and the errors of Express 4 and 5, whose requests the instrumentation of `node:http` traces. App
// threads.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { recordHttpException, tellRouteAtEnd } from './http-route.js';

/** Express's request, as far as it is needed. */
interface ExpressRequest extends IncomingMessage {
  readonly route?: { readonly path?: unknown };
  readonly baseUrl?: string;
  readonly originalUrl?: string;
}

/** Options of {@link expressMiddleware}. */
export interface ExpressOptions {
  /**
   * Templates of the paths with parameters at which routers are mounted, such as `/tenants/:tenant` for `app.use('/tenants/:tenant',
   * router)`: Express tells nobody, and shows the path itself. Without them, a segment that looks like an id becomes `:id`.
   */
  readonly mounts?: readonly string[];
}

type Next = (error?: unknown) => void;

/** The middleware that tells the route; it comes first: `app.use(expressMiddleware())`. */
export function expressMiddleware(options: ExpressOptions = {}): (request: IncomingMessage, response: ServerResponse, next: Next) => void {
  const mounts = (options.mounts ?? []).map((template) => template.split('/'));
  const routeOf = (request: IncomingMessage): string => expressRoute(request as ExpressRequest, mounts);
  return (request, _response, next) => {
    tellRouteAtEnd(request, routeOf);
    next();
  };
}

/** The middleware that records what handlers threw; it comes last: `app.use(expressErrorMiddleware())`, before one that answers. */
export function expressErrorMiddleware(): (error: unknown, request: IncomingMessage, response: ServerResponse, next: Next) => void {
  return (error, _request, response, next) => {
    recordHttpException(response, error);
    next(error);
  };
}

/** Mount path and route of the handler that answered; empty for none. */
function expressRoute(request: ExpressRequest, mounts: readonly (readonly string[])[]): string {
  const { route } = request;
  if (route === undefined) return '';
  const { path } = route;
  const own = typeof path === 'string' ? path : Array.isArray(path) ? path.map(String).join('|') : String(path);
  const prefix = request.baseUrl || mountOf(request.originalUrl ?? '', own);
  if (prefix === '') return own;
  const mounted = mountTemplate(prefix, mounts);
  return own === '/' ? mounted : mounted + own;
}

/**
 * The part of `url` before what `template` matched: Express has forgotten it when an error has left the router. Empty where the
 * template does not say how many segments it takes.
 */
function mountOf(url: string, template: string): string {
  if (!template.startsWith('/') || /[*?+(){}|]/.test(template)) return '';
  const path = url.split('?', 1)[0] as string;
  const segments = path.replace(/\/$/, '').split('/');
  const count = template === '/' ? 0 : template.replace(/\/$/, '').split('/').length - 1;
  return segments.slice(0, segments.length - count).join('/');
}

/** `prefix` with its parameters named. */
function mountTemplate(prefix: string, mounts: readonly (readonly string[])[]): string {
  const segments = prefix.split('/');
  const known = mounts.find(
    (template) => template.length <= segments.length && template.every((part, at) => part.startsWith(':') || part === segments[at]),
  );
  return segments.map((segment, at) => known?.[at] ?? (isId(segment) ? ':id' : segment)).join('/');
}

/** True for a segment that nobody types by hand: numbers, UUIDs, hashes, what is escaped or an address. */
function isId(segment: string): boolean {
  return (
    segment.length > 32 || /^\d+$|[@%]/.test(segment) || (/\d/.test(segment) && (segment.length >= 16 || /^[0-9a-f-]{8,}$/i.test(segment)))
  );
}
