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
  /** Methods that are given a message to send; default `send`, `publish`, `request`. */
  readonly send?: readonly string[];
  /** Methods that take a handler, which is called with messages; default `subscribe`, `on`, `once`, `addListener`. */
  readonly subscribe?: readonly string[];
  /** Methods that are given the same handler to end that; default `unsubscribe`, `off`, `removeListener`. */
  readonly unsubscribe?: readonly string[];
  /** Picks the message from the arguments of a call; default: the first object whose `type` is text. Without one, the call has no span. */
  readonly message?: (args: readonly unknown[]) => unknown;
  /** Whether messages without ids get them (`traceId`, `spanId`, `parentSpanId`), if they can be changed; default true. */
  readonly stamp?: boolean;
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
   * which runs in the message's trace.
   * @returns what makes the bus as it was
   * @throws KymoError `KYMO_CONFIG_VALUE` when it has none of the methods, or cannot be changed
   */
  instrumentBus(bus: object, options: BusOptions = {}): () => void {
    const { stamp = true } = options;
    const sending: Around = (original, _self, args) => {
      const message = messageOf(args, options.message);
      if (message === undefined) return original(...args);
      const fields = readMessage(message);
      return this.#told('send', fields.type, options, this.#messages.sendOptions(fields), (span) => {
        if (stamp && fields.traceId === '') stampMessage(message, span);
        return original(...args);
      });
    };
    const receiving: Around = (original, _self, args) => {
      const message = messageOf(args, options.message);
      if (message === undefined) return original(...args);
      const fields = readMessage(message);
      return this.#told('receive', fields.type, options, this.#messages.receiveOptions(fields), () => original(...args));
    };
    const handlers = new WrappedHandlers(receiving);
    return wrapMethods(bus, {
      ...named(options.send ?? ['send', 'publish', 'request'], sending),
      ...named(options.subscribe ?? ['subscribe', 'on', 'once', 'addListener'], (original, _self, args) =>
        original(...args.map((arg) => handlers.wrapped(arg))),
      ),
      ...named(options.unsubscribe ?? ['unsubscribe', 'off', 'removeListener'], (original, _self, args) =>
        original(...args.map((arg) => handlers.known(arg))),
      ),
    });
  }

  #told(event: TraceEvent['event'], type: string, { onTraceEvent }: BusOptions, options: SpanOptions, run: Run<unknown>): unknown {
    const name = `${event === 'send' ? 'send' : 'recv'} ${type}`;
    if (onTraceEvent === undefined) return this.#tracer.trace(name, options, run);
    let started: Span | undefined;
    return settling(
      () =>
        this.#tracer.trace(name, options, (span) => {
          started = span;
          return run(span);
        }),
      () => started !== undefined && announce(onTraceEvent, event, type, started),
    );
  }

  /** A span `supervisor.restart`, to be ended by the caller. */
  startSupervisorSpan(restart: SupervisorRestart): Span {
    return this.#tracer.startSpan('supervisor.restart', { attributes: restartAttributes(restart) });
  }

  /**
   * Gives each restart of a child its span `supervisor.restart`, which is current while the child starts.
   * @returns what makes the supervisor as it was
   * @throws KymoError `KYMO_CONFIG_VALUE` when it has none of the methods, or cannot be changed
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
   * @throws KymoError `KYMO_CONFIG_VALUE` when it has none of the methods, or cannot be changed
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

/** Handlers of a bus and what was subscribed in their place; what nobody holds any more is forgotten. */
class WrappedHandlers {
  readonly #around: Around;
  readonly #traced = new WeakMap<object, unknown>();
  readonly #ours = new WeakSet<object>();

  constructor(around: Around) {
    this.#around = around;
  }

  /** In place of a function, one that is traced: the same one each time. */
  wrapped(arg: unknown): unknown {
    // What `once` of an emitter makes of one of ours comes by a second time, in `on`.
    if (typeof arg !== 'function' || this.#ours.has(arg) || this.#ours.has((arg as { listener?: object }).listener ?? this)) return arg;
    const known = this.#traced.get(arg);
    if (known !== undefined) return known;
    const around = this.#around;
    const traced = function (this: unknown, ...args: unknown[]): unknown {
      return around((...given) => Reflect.apply(arg, this, given), this, args);
    };
    this.#traced.set(arg, traced);
    this.#ours.add(traced);
    return traced;
  }

  /** What was subscribed in place of a function. */
  known(arg: unknown): unknown {
    return typeof arg === 'function' ? (this.#traced.get(arg) ?? arg) : arg;
  }
}

/** The message among the arguments of a call, if there is one. */
function messageOf(args: readonly unknown[], pick: BusOptions['message']): object | undefined {
  const found = caught(() => (pick === undefined ? args.find(isMessage) : pick(args)));
  return typeof found === 'object' && found !== null ? found : undefined;
}

function isMessage(value: unknown): value is TracedMessage {
  return typeof read(value, 'type') === 'string';
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
  const message = messageOf(args, undefined);
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
