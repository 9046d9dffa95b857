// How applications and frameworks tell the route of a request, and an exception that they answered. App threads.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Exchange, exchangeOf } from './http-exchange.js';

/** Longer is no template that anybody wrote. */
const ROUTE_MAX = 1_000;

function requestOf(message: IncomingMessage | ServerResponse): IncomingMessage {
  return 'req' in message && message.req !== undefined ? (message.req as IncomingMessage) : (message as IncomingMessage);
}

/**
 * Tells the template of a request's path, such as `/users/:id`: `http.route` of its span and its metrics, and the span's name with the
 * method. Never the path itself, of which there are as many as users. Without effect when the answer is complete or the request is not
 * traced; the last call counts. A few ns, never throws.
 */
export function setHttpRoute(message: IncomingMessage | ServerResponse, template: string): void {
  const exchange = exchangeOf(requestOf(message));
  if (exchange !== undefined && typeof template === 'string' && template.length <= ROUTE_MAX) exchange.route = template;
}

/** The template that was told so far; empty for none. */
export function httpRouteOf(message: IncomingMessage | ServerResponse): string {
  return exchangeOf(requestOf(message))?.route ?? '';
}

/** Has `routeOf` asked when the answer is complete, unless somebody told the route until then. @internal */
export function tellRouteAtEnd(request: IncomingMessage, routeOf: (request: IncomingMessage) => string): void {
  const exchange = exchangeOf(request);
  if (exchange !== undefined) exchange.routeAtEnd = routeOf;
}

/** The route at the end of the exchange. @internal */
export function finalRoute(exchange: Exchange, request: IncomingMessage): string {
  if (exchange.route !== '' || exchange.routeAtEnd === undefined) return exchange.route;
  try {
    return exchange.routeAtEnd(request).slice(0, ROUTE_MAX);
  } catch {
    return ''; // The framework's request was not what it should be.
  }
}

/**
 * Records an exception in the span of the request; when the answer's status is 500 or more, its class is `error.type`. One that carries
 * a status below 500 (`status`, `statusCode`) is an answer and no failure: it is not recorded. The same one is recorded once.
 */
export function recordHttpException(message: IncomingMessage | ServerResponse, error: unknown): void {
  const exchange = exchangeOf(requestOf(message));
  if (exchange === undefined || exchange.exception === error || isAnswer(error)) return;
  exchange.exception = error;
  exchange.errorType = errorTypeOf(error);
  exchange.span?.recordException(error);
}

/** True for an error that a framework answers with a status below 500. */
function isAnswer(error: unknown): boolean {
  if (typeof error !== 'object' || error === null) return false;
  try {
    const { statusCode, status } = error as { statusCode?: unknown; status?: unknown };
    const given = statusCode ?? status;
    return typeof given === 'number' && given >= 100 && given < 500;
  } catch {
    return false; // A getter threw.
  }
}

/** What `error.type` says of a thrown value: its code if it has one of Node's form, else its class. */
export function errorTypeOf(error: unknown): string {
  try {
    if (typeof error !== 'object' || error === null) return typeof error;
    const { code, name } = error as { code?: unknown; name?: unknown };
    if (typeof code === 'string' && /^[A-Z][A-Z0-9_]{1,60}$/.test(code)) return code;
    const own = (error as object).constructor?.name;
    if (error instanceof Error && own !== undefined && own !== '' && name === 'Error') return own;
    return typeof name === 'string' && name !== '' ? name.slice(0, 100) : 'Error';
  } catch {
    return 'Error'; // A getter threw.
  }
}
