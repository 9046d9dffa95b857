// Gives every call of a function or method a span. App threads; a call costs what a span costs.
import { KymoError } from '../core/errors.js';
import { defaultTracing } from './default-tracing.js';
import type { SpanOptions } from './span-options.js';
import type { Tracing } from './tracing.js';

/** Options of {@link traced}: those of the span, without what belongs to one call only. */
export interface TracedOptions extends Pick<SpanOptions, 'kind' | 'agentKind' | 'attributes' | 'links'> {
  /** Name of the span; default: `Class.method`, or the name of the function. */
  readonly name?: string;
  /** In front of the default name, with a dot. */
  readonly module?: string;
  /** Default: the one of the module functions, asked at each call. */
  readonly tracing?: Tracing;
}

type AnyFunction = (this: never, ...args: never[]) => unknown;

/** What {@link traced} gives: wraps a function, or decorates a method (standard decorators of ECMAScript). */
export type TracedDecorator = <F extends AnyFunction>(fn: F, context?: ClassMethodDecoratorContext) => F;

/**
 * Makes a function that runs inside a span of its own: current while it runs, ended when it returns, throws, or its promise is settled;
 * errors are recorded and thrown on. A text stands for `{ name }`.
 * @throws KymoError `KYMO_CONFIG_VALUE` for what is neither function nor method
 * @example const load = traced({ name: 'load user' })(async (id: string) => ...);
 *   class Shop { \@traced({ kind: 'client' }) async order() { ... } }
 */
export function traced(options: TracedOptions | string = {}): TracedDecorator {
  const { name, module, tracing, ...span } = typeof options === 'string' ? ({ name: options } as TracedOptions) : options;
  return <F extends AnyFunction>(fn: F, context?: ClassMethodDecoratorContext): F => {
    if (typeof fn !== 'function' || (context !== undefined && context.kind !== 'method')) {
      const value = context?.kind ?? typeof fn;
      throw new KymoError('KYMO_CONFIG_VALUE', { source: 'what is traced', value, expected: 'a function or a method' });
    }
    const own = String(context?.name ?? fn.name) || 'anonymous';
    const nameOf = (self: unknown): string => {
      if (name !== undefined) return name;
      const owner = context === undefined ? '' : `${classOf(self, context.static)}.`;
      return `${module === undefined ? '' : `${module}.`}${owner}${own}`;
    };
    const wrapped = function (this: unknown, ...args: unknown[]): unknown {
      const { tracer } = tracing ?? defaultTracing();
      return tracer.trace(nameOf(this), span, () => Reflect.apply(fn, this, args));
    };
    Object.defineProperty(wrapped, 'name', { value: fn.name, configurable: true });
    Object.defineProperty(wrapped, 'length', { value: fn.length, configurable: true });
    return wrapped as unknown as F;
  };
}

/** Name of the class of `self`, or of `self` when that is the class. */
function classOf(self: unknown, isStatic: boolean): string {
  try {
    const owner: unknown = isStatic ? self : (self as object).constructor;
    return typeof owner === 'function' ? owner.name : 'Object';
  } catch {
    return 'Object';
  }
}
