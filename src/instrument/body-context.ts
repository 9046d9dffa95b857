// Gives the listeners of a request its context also when its body comes in later packets: Node emits those events on behalf of the
// connection. App threads. Public API of emitters alone, and nothing for requests without a body.
import { EventEmitter } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { activeContext } from '../context/context.js';
import { exchangeOf } from './http-exchange.js';
import { enterRequest, leaveRequest } from './request-context.js';

/** Events of a request that Node emits from the parser of the connection, or from what that has queued. */
const EVENTS: ReadonlySet<string | symbol> = new Set(['data', 'readable', 'end', 'close', 'error', 'aborted']);

/** The methods below those of streams, which begin or end the flow of a body when listeners come and go. */
const { on, prependListener, removeListener } = EventEmitter.prototype;

/** Watches the listeners of a request that announces a body; while it has one for an event, ours stand around it. */
export function followBody(request: IncomingMessage): void {
  request.on('newListener', added).on('removeListener', removed);
}

type Emitter = IncomingMessage & EventEmitter;

function added(this: Emitter, event: string | symbol, listener: unknown): void {
  if (!EVENTS.has(event) || isOurs(listener)) return;
  // It is there in a moment, and before anything is emitted.
  process.nextTick(surround, this, event);
}

function removed(this: Emitter, event: string | symbol, listener: unknown): void {
  if (!EVENTS.has(event) || isOurs(listener)) return;
  // A stream asks how many listeners it has: alone, ours must not count.
  if (this.listenerCount(event) === this.listenerCount(event, enter) + this.listenerCount(event, leave)) takeAway(this, event);
}

function isOurs(listener: unknown): boolean {
  return listener === enter || listener === leave;
}

function surround(request: Emitter, event: string): void {
  takeAway(request, event);
  if (request.listenerCount(event) === 0) return;
  prependListener.call(request, event, enter);
  on.call(request, event, leave);
}

function takeAway(request: Emitter, event: string | symbol): void {
  removeListener.call(request, event, enter);
  removeListener.call(request, event, leave);
}

/** The first listener of an event. Where something else is active than around the connection, that is the caller's, and stays. */
function enter(this: IncomingMessage): void {
  const exchange = exchangeOf(this);
  if (exchange?.span === undefined || activeContext() !== exchange.connection.outer) return;
  enterRequest(this, exchange.connection, exchange.span.context);
}

/** The last one. */
function leave(this: IncomingMessage): void {
  leaveRequest(this);
}
