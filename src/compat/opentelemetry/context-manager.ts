// The context manager: `context.active()`, `with` and `bind` of the OpenTelemetry API in Kymo's one AsyncLocalStorage. App threads.
import { EventEmitter } from 'node:events';
import type { Context, ContextManager } from '@opentelemetry/api';
import { type Attachment, attachContext } from '../../context/attach.js';
import { runInContext } from '../../context/context.js';
import { bindEmitter } from './emitter-binding.js';
import { activeView, contextOf } from './otel-context.js';

type AnyFunction = (this: unknown, ...args: unknown[]) => unknown;

/** What {@link KymoContextManager.attach} gives: `dispose` puts back what was active before. */
export interface ContextToken {
  dispose(): void;
}

/** For `context.setGlobalContextManager`. It has no state: each of them shows the same contexts, which Kymo's own calls show as well. */
export class KymoContextManager implements ContextManager {
  /** The active context; the API's own `ROOT_CONTEXT` where there is none. One AsyncLocalStorage read, nothing allocated. */
  active(): Context {
    return activeView();
  }

  /** Calls `fn` in `context` and returns what it returns. */
  with<A extends unknown[], F extends (...args: A) => ReturnType<F>>(
    context: Context,
    fn: F,
    thisArg?: ThisParameterType<F>,
    ...args: A
  ): ReturnType<F> {
    const own = contextOf(context);
    if (thisArg === undefined || thisArg === null) return runInContext(own, fn, ...args);
    return runInContext(own, () => fn.apply(thisArg, args));
  }

  /** A function that calls `target` in `context`, with its own `this` and length; an emitter whose listeners do, the same object. */
  bind<T>(context: Context, target: T): T {
    if (target instanceof EventEmitter) return bindEmitter(target, (listener) => bound(context, listener)) as T;
    return typeof target === 'function' ? (bound(context, target as unknown as AnyFunction) as unknown as T) : target;
  }

  /** Puts `context` in place until the token is disposed of; see `attachContext` for what that means in async functions. */
  attach(context: Context): ContextToken {
    const attachment: Attachment = attachContext(contextOf(context));
    return { dispose: () => void attachment.detach() };
  }

  enable(): this {
    return this;
  }

  /** Kymo's contexts stay: others use them, too. */
  disable(): this {
    return this;
  }
}

function bound<F extends AnyFunction>(context: Context, target: F): F {
  const own = contextOf(context);
  const inContext = function (this: unknown, ...args: unknown[]): unknown {
    return runInContext(own, () => target.apply(this, args));
  };
  Object.defineProperty(inContext, 'length', { value: target.length, configurable: true });
  return inContext as F;
}
