// Enters the context of a request that Node calls listeners for, and leaves it after them. App threads; one request of a connection at a
// time, so that what was entered is remembered there.
import type { IncomingMessage } from 'node:http';
import type { Context } from '../context/context.js';
import { enterContext } from '../context/enter.js';
import { type Connection, connectionOf } from './http-exchange.js';

/** Makes `context`, that of `request`, the active one. */
export function enterRequest(request: IncomingMessage, connection: Connection, context: Context): void {
  connection.entered = context;
  connection.enteredFor = request;
  enterContext(context);
}

/** Puts back what was active before {@link enterRequest}, if that was the last one of the connection and for this request. */
export function leaveRequest(request: IncomingMessage): void {
  const connection = connectionOf(request.socket);
  if (connection === undefined || connection.enteredFor !== request) return;
  connection.entered = undefined;
  connection.enteredFor = undefined;
  enterContext(connection.outer);
}
