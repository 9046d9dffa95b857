// A middleware that tells the route and the errors of Koa applications, whose requests the instrumentation of `node:http` traces. App
// threads.
import type { ServerResponse } from 'node:http';
import { recordHttpException, setHttpRoute } from './http-route.js';

/** Koa's context, as far as it is needed; `_matchedRoute` is where the routers of Koa put the template. */
export interface KoaContext {
  readonly res: ServerResponse;
  readonly _matchedRoute?: unknown;
}

/**
 * The middleware; it comes first: `app.use(koaMiddleware())`. Routes are those of `@koa/router`; with another router call
 * `setHttpRoute(ctx.res, template)`.
 */
export function koaMiddleware(): (context: KoaContext, next: () => Promise<unknown>) => Promise<void> {
  return async (context, next) => {
    try {
      await next();
    } catch (error) {
      recordHttpException(context.res, error);
      throw error;
    } finally {
      const route = context._matchedRoute;
      if (typeof route === 'string' || route instanceof RegExp) setHttpRoute(context.res, String(route));
    }
  };
}
