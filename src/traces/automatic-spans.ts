// Spans that appear by themselves: a bus, a supervisor or an agent is instrumented once, and those who use it write nothing. App
// threads; only the object that was given is changed, and can be changed back.
import { readMessage, stampMessage, type TracedMessage } from './message-fields.js';
import type { MessageSpans } from './message-spans.js';
import { type Around, wrapMethods } from './method-wrapping.js';
import { SemanticAttributes as A } from './semantic-attributes.js';
import { settling } from './settling.js';
import type { Span } from './span.js';
import type { SpanOptions } from './span-options.js';
import type { Tracer } from './tracer.js';

/** What a bus did with a message. */
export interface TraceEvent {
  readonly event: 'send' | 'receive';
  readonly messageType: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly durationMs: number;
  readonly failed: boolean;
}

/** Options of {@link instrumentBus}; names are those of the bus's methods. */
export interface BusOptions {
  /** Methods that take a message as their first argument that is an object; default `send`, `publish`, `request`. */
  readonly send?: readonly string[];
  /** Methods that take a handler, which is called with messages; default `subscribe`, `on`. */
  readonly subscribe?: readonly string[];
  /** Methods that are given the same handler to end that; default `unsubscribe`, `off`. */
  readonly unsubscribe?: readonly string[];
  /** Called when a message was sent or handled. What it throws is swallowed. */
  readonly onTraceEvent?: (event: TraceEvent) => void;
}

/** A restart of a child by its supervisor. Of what is left out, there is no attribute. */
export interface SupervisorRestart {
  readonly supervisor?: string | undefined;
  readonly child?: string | undefined;
  /** Restarts of that child so far, this one included. */
  readonly restartCount?: number | undefined;
  /** Which children are restarted with it, such as `one_for_one`. */
  readonly strategy?: string | undefined;
  /** Why. */
  readonly error?: unknown;
}

/** Options of {@link instrumentSupervisor}. */
export interface SupervisorOptions {
  /** Methods that restart a child; default `restart`, `restartChild`. */
  readonly methods?: readonly string[];
  /** What a call is about; default: names and counts as far as supervisor, child (first argument) and error (second one) have them. */
  readonly describe?: (supervisor: unknown, args: readonly unknown[]) => SupervisorRestart;
}

/** A moment in the life of an agent. */
export type LifecycleStage = 'start' | 'handle' | 'stop' | 'retry';

/** What is known of it. */
export interface LifecycleDetails {
  /** Name of the agent. */
  readonly agent?: string | undefined;
  readonly messageType?: string | undefined;
  /** From 1 on. */
  readonly attempt?: number | undefined;
}

type Run<R> = (span: Span) => R;

/** Starts automatic spans with one tracer. Everything that reads the application's objects is caught: they work as before. */
export class AutomaticSpans {
  readonly #tracer: Tracer;
  readonly #messages: MessageSpans;

  constructor(tracer: Tracer, messages: MessageSpans) {
    this.#tracer = tracer;
    this.#messages = messages;
  }

  /**
   * Gives every message that `bus` sends or handles its span: `send <type>` around the sending, `recv <type>` around each handler,
   * which runs in the message's trace. A message without ids gets them (`traceId`, `spanId`, `parentSpanId`), if it can be changed.
   * @returns what makes the bus as it was
   */
  instrumentBus(bus: object, options: BusOptions = {}): () => void {
    const { onTraceEvent } = options;
    const handlers = new WeakMap<object, (...args: unknown[]) => unknown>();
    const wrapped = (handler: (...args: unknown[]) => unknown): ((...args: unknown[]) => unknown) => {
      let traced = handlers.get(handler);
      if (traced === undefined) {
        const around = this.#receiving(onTraceEvent);
        traced = function (this: unknown, ...args: unknown[]): unknown {
          return around((...given) => Reflect.apply(handler, this, given), this, args);
        };
        handlers.set(handler, traced);
      }
      return traced;
    };
    const subscribing: Around = (original, _self, args) => original(...args.map((arg) => (isFunction(arg) ? wrapped(arg) : arg)));
    const unsubscribing: Around = (original, _self, args) =>
      original(...args.map((arg) => (isFunction(arg) ? (handlers.get(arg) ?? arg) : arg)));
    return wrapMethods(bus, {
      ...named(options.send ?? ['send', 'publish', 'request'], this.#sending(onTraceEvent)),
      ...named(options.subscribe ?? ['subscribe', 'on'], subscribing),
      ...named(options.unsubscribe ?? ['unsubscribe', 'off'], unsubscribing),
    });
  }

  #sending(tell: BusOptions['onTraceEvent']): Around {
    return (original, _self, args) => {
      const message = args.find(isMessage);
      if (message === undefined) return original(...args);
      const fields = readMessage(message);
      return this.#told('send', fields.type, tell, this.#messages.sendOptions(fields), (span) => {
        if (fields.traceId === '') stampMessage(message, span);
        return original(...args);
      });
    };
  }

  #receiving(tell: BusOptions['onTraceEvent']): Around {
    return (original, _self, args) => {
      const message = args.find(isMessage);
      if (message === undefined) return original(...args);
      const fields = readMessage(message);
      return this.#told('receive', fields.type, tell, this.#messages.receiveOptions(fields), () => original(...args));
    };
  }

  #told(event: TraceEvent['event'], type: string, tell: BusOptions['onTraceEvent'], options: SpanOptions, run: Run<unknown>): unknown {
    let started: Span | undefined;
    const done = (): void => {
      if (started !== undefined && tell !== undefined) announce(tell, event, type, started);
    };
    return settling(
      () =>
        this.#tracer.trace(`${event === 'send' ? 'send' : 'recv'} ${type}`, options, (span) => {
          started = span;
          return run(span);
        }),
      done,
    );
  }

  /** A span `supervisor.restart`, to be ended by the caller. */
  startSupervisorSpan(restart: SupervisorRestart): Span {
    return this.#tracer.startSpan('supervisor.restart', { attributes: restartAttributes(restart) });
  }

  /**
   * Gives each restart of a child its span `supervisor.restart`, which is current while the child starts.
   * @returns what makes the supervisor as it was
   */
  instrumentSupervisor(supervisor: object, options: SupervisorOptions = {}): () => void {
    const { methods = ['restart', 'restartChild'], describe = describeRestart } = options;
    const restarting: Around = (original, self, args) => {
      const attributes = restartAttributes(caught(() => describe(self, args)) ?? {});
      return this.#tracer.trace('supervisor.restart', { attributes }, () => original(...args));
    };
    return wrapMethods(supervisor, named(methods, restarting));
  }

  /** A span `civitas.agent.<stage>`, to be ended by the caller. */
  startLifecycleSpan(stage: LifecycleStage, details: LifecycleDetails = {}): Span {
    return this.#tracer.startSpan(`civitas.agent.${stage}`, lifecycleOptions(details));
  }

  /** Same around `fn`: current while that runs, ended with it; an error is recorded and thrown on. */
  traceLifecycle<R>(stage: LifecycleStage, details: LifecycleDetails, fn: Run<R>): R {
    return this.#tracer.trace(`civitas.agent.${stage}`, lifecycleOptions(details), fn);
  }

  /**
   * Gives the calls of the methods `start`, `handle`, `stop` and `retry` that `agent` has a span each; `methods` names them where they
   * are called otherwise. A message given to `handle` or `retry` says its type, a number its attempt.
   * @returns what makes the agent as it was
   */
  instrumentAgent(agent: object, methods: Partial<Record<LifecycleStage, string>> = {}): () => void {
    const stages: readonly LifecycleStage[] = ['start', 'handle', 'stop', 'retry'];
    const around = stages.map((stage): [string, Around] => {
      const traced: Around = (original, self, args) => {
        const details = caught(() => describeCall(self, args)) ?? {};
        return this.traceLifecycle(stage, details, () => original(...args));
      };
      return [methods[stage] ?? stage, traced];
    });
    return wrapMethods(agent, Object.fromEntries(around));
  }

  /** A client span `llm.chat <model>` of agent kind `llm` around a call of a model; tokens and cost are fields of the span. */
  withLlmSpan<R>(model: string, fn: Run<R>): R {
    return this.#tracer.trace(`llm.chat ${model}`, { kind: 'llm', attributes: { [A.LLM_MODEL]: model } }, fn);
  }

  /** A span `tool.execute <name>` of agent kind `tool` around a run of a tool; says how it went. */
  withToolSpan<R>(name: string, fn: Run<R>): R {
    return this.#tracer.trace(`tool.execute ${name}`, { kind: 'tool', attributes: { [A.TOOL_NAME]: name } }, fn);
  }
}

function named(methods: readonly string[], around: Around): Record<string, Around> {
  return Object.fromEntries(methods.map((name) => [name, around]));
}

function isFunction(value: unknown): value is (...args: unknown[]) => unknown {
  return typeof value === 'function';
}

function isMessage(value: unknown): value is TracedMessage {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function announce(tell: (event: TraceEvent) => void, event: TraceEvent['event'], messageType: string, span: Span): void {
  const { traceId, spanId, durationMs, status } = span;
  const failed = status === 'error' || status === 'timeout';
  caught(() => tell({ event, messageType, traceId, spanId, durationMs, failed }));
}

/** What the application's own code says; undefined when it throws. */
function caught<R>(fn: () => R): R | undefined {
  try {
    return fn();
  } catch {
    return undefined;
  }
}

function restartAttributes({ supervisor, child, restartCount, strategy, error }: SupervisorRestart): Record<string, unknown> {
  return {
    [A.CIVITAS_SUPERVISOR]: supervisor,
    [A.CIVITAS_CHILD]: child,
    [A.CIVITAS_RESTART_COUNT]: restartCount,
    [A.CIVITAS_STRATEGY]: strategy,
    [A.CIVITAS_ERROR]:
      error === undefined || error === null ? undefined : caught(() => (error instanceof Error ? error.message : String(error))),
  };
}

/** What a supervisor, a child and an error usually say of themselves. */
function describeRestart(supervisor: unknown, [child, error]: readonly unknown[]): SupervisorRestart {
  return {
    supervisor: textOf(supervisor, 'name'),
    child: typeof child === 'string' ? child : textOf(child, 'name'),
    restartCount: numberOf(child, 'restartCount') ?? numberOf(supervisor, 'restartCount'),
    strategy: textOf(supervisor, 'strategy'),
    error,
  };
}

function describeCall(agent: unknown, args: readonly unknown[]): LifecycleDetails {
  const message = args.find(isMessage);
  const attempt = args.find((arg) => typeof arg === 'number');
  return {
    agent: textOf(agent, 'name'),
    messageType: message === undefined ? undefined : textOf(message, 'type'),
    attempt: typeof attempt === 'number' ? attempt : undefined,
  };
}

function lifecycleOptions({ agent, messageType, attempt }: LifecycleDetails): SpanOptions {
  return { attributes: { [A.CIVITAS_AGENT_NAME]: agent, [A.CIVITAS_MESSAGE_TYPE]: messageType, [A.CIVITAS_ATTEMPT]: attempt } };
}

function textOf(object: unknown, key: string): string | undefined {
  const value = read(object, key);
  return typeof value === 'string' ? value : undefined;
}

function numberOf(object: unknown, key: string): number | undefined {
  const value = read(object, key);
  return typeof value === 'number' ? value : undefined;
}

function read(object: unknown, key: string): unknown {
  return typeof object === 'object' && object !== null ? (object as Record<string, unknown>)[key] : undefined;
}
