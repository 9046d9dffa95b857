// `pino.stdSerializers`: what of an error, a request or a response goes into a line. App threads, while a line is written.
//
// Results, their order and what is left out are pino's. Where pino's own throw into the application (a frozen error, a getter that throws,
// an aggregate that holds itself, no request at all), these return what there is.

/** An error as it is logged. */
export interface SerializedError {
  /** Name of the constructor. */
  type: string;
  message: string;
  stack: string;
  /** The error itself; not enumerable, so no part of the line. */
  raw: Error;
  cause?: never;
  // biome-ignore lint/suspicious/noExplicitAny: own properties of an error have any type, and pino's type says so.
  [key: string]: any;
}

/** A request as it is logged. */
export interface SerializedRequest {
  id: string | undefined;
  method: string;
  url: string;
  headers: Record<string, string>;
  remoteAddress: string;
  remotePort: number;
  params: Record<string, string>;
  query: Record<string, string>;
  /** The request itself; not enumerable. */
  raw: unknown;
}

/** A response as it is logged. */
export interface SerializedResponse {
  statusCode: number;
  headers: Record<string, string>;
  /** The response itself; not enumerable. */
  raw: unknown;
}

type Properties = Record<PropertyKey, unknown>;

/**
 * The prototype of serialized objects of one kind: `defaults`, and `raw`, an accessor to what was serialized, which lies under a symbol
 * so that no line shows it.
 */
function prototypeWithRaw(label: string, defaults: Properties): object {
  const rawSym = Symbol(label);
  const descriptors: PropertyDescriptorMap = {};
  for (const [key, value] of Object.entries(defaults)) descriptors[key] = { value, enumerable: true, writable: true };
  descriptors.raw = {
    enumerable: false,
    get(this: Properties) {
      return this[rawSym];
    },
    set(this: Properties, value: unknown) {
      this[rawSym] = value;
    },
  };
  const prototype = Object.create({}, descriptors);
  Object.defineProperty(prototype, rawSym, { value: {}, writable: true });
  return prototype;
}

const ERROR_PROTOTYPE = prototypeWithRaw('pino-raw-err-ref', {
  type: undefined,
  message: undefined,
  stack: undefined,
  aggregateErrors: undefined,
});
const REQUEST_PROTOTYPE = prototypeWithRaw('pino-raw-req-ref', {
  id: '',
  method: '',
  url: '',
  query: '',
  params: '',
  headers: {},
  remoteAddress: '',
  remotePort: '',
});
const RESPONSE_PROTOTYPE = prototypeWithRaw('pino-raw-res-ref', { statusCode: 0, headers: '' });

/** What an error is to pino: something with a text as `message`. */
interface ErrorLike {
  message: string;
  stack?: unknown;
  cause?: unknown;
  errors?: unknown;
  name?: unknown;
}

/** A property, or what reading it threw as a text. */
function read(of: object, key: string): unknown {
  try {
    return (of as Properties)[key];
  } catch (error) {
    return `[Throws: ${messageOf(error)}]`;
  }
}

function messageOf(error: unknown): string {
  try {
    return String((error as ErrorLike).message);
  } catch {
    return 'unknown';
  }
}

function isErrorLike(value: unknown): value is ErrorLike {
  return Boolean(value) && typeof read(value as object, 'message') === 'string';
}

/** The cause of an error; VError's is a function that returns it. */
function causeOf(error: ErrorLike): ErrorLike | undefined {
  let cause = read(error, 'cause');
  if (typeof cause === 'function') {
    try {
      cause = cause.call(error);
    } catch {
      return undefined;
    }
  }
  return isErrorLike(cause) ? cause : undefined;
}

/** The stacks of an error and of its causes, one below another; that of an error without a cause as it is, text or not. */
function stackWithCauses(error: ErrorLike): unknown {
  const seen = new Set([error]);
  let stacks = read(error, 'stack') || '';
  for (let at = causeOf(error); at !== undefined; at = causeOf(at)) {
    stacks += `\ncaused by: ${read(at, 'stack') || ''}`;
    if (seen.has(at)) return `${stacks}\ncauses have become circular...`;
    seen.add(at);
  }
  return stacks;
}

/** The messages of an error and of its causes in one; a VError's own text ends with its cause's. */
function messageWithCauses(error: ErrorLike): string {
  const seen = new Set<ErrorLike>();
  let text = '';
  let said = false;
  for (let at: ErrorLike | undefined = error; at !== undefined; ) {
    const message = said ? '' : at.message;
    text += message;
    if (seen.has(at)) return `${text}: ...`;
    seen.add(at);
    const cause = causeOf(at);
    if (cause === undefined) return text;
    said = typeof read(at, 'cause') === 'function';
    if (!said) text += ': ';
    at = cause;
  }
  return text;
}

/** Errors whose serialization is under way on this thread, outermost first: what refers back to one of them is left out. */
const underWay: object[] = [];

type ErrorSerializer = (error: unknown) => unknown;

/** The part that both serializers of errors share; `nested` serializes errors that are found in properties. */
function serializeError(error: ErrorLike, stack: unknown, message: string, nested: ErrorSerializer, fullCause: boolean): SerializedError {
  const result = Object.create(ERROR_PROTOTYPE) as Properties;
  const constructed = read(error, 'constructor');
  const isFunction = Object.prototype.toString.call(constructed) === '[object Function]';
  result.type = isFunction ? (constructed as { name: unknown }).name : read(error, 'name');
  result.message = message;
  result.stack = stack;
  underWay.push(error);
  try {
    const { errors, cause } = { errors: read(error, 'errors'), cause: read(error, 'cause') };
    if (Array.isArray(errors)) {
      result.aggregateErrors = errors.map((one) => (underWay.includes(one) ? '[Circular]' : nested(one)));
    }
    if (fullCause && isErrorLike(cause) && !underWay.includes(cause)) result.cause = nested(cause);
    for (const key in error) {
      if (result[key] !== undefined) continue;
      const value = read(error, key);
      if (!isErrorLike(value)) result[key] = value;
      else if ((fullCause || key !== 'cause') && !underWay.includes(value)) result[key] = nested(value);
    }
  } finally {
    underWay.pop();
  }
  result.raw = error;
  return result as unknown as SerializedError;
}

/** Serializes an error; messages and stacks of its causes are joined to its own. Other values are returned as they are. */
export function err(error: Error): SerializedError {
  if (!isErrorLike(error)) return error;
  return serializeError(error, stackWithCauses(error), messageWithCauses(error), err as ErrorSerializer, false);
}

/** Serializes an error, with its causes as objects. Other values are returned as they are. */
export function errWithCause(error: Error): SerializedError {
  if (!isErrorLike(error)) return error;
  return serializeError(error, read(error, 'stack'), error.message, errWithCause as ErrorSerializer, true);
}

interface RequestLike extends Properties {
  info?: { id?: unknown; remoteAddress?: unknown; remotePort?: unknown };
  socket?: { remoteAddress?: unknown; remotePort?: unknown };
  url?: string & { path?: unknown };
}

function urlOf(request: RequestLike): unknown {
  if (request.originalUrl) return request.originalUrl;
  if (typeof request.path === 'string') return request.path;
  return request.url ? request.url.path || request.url : undefined;
}

/** Serializes a request of `node:http` or of a framework. */
export function req(request: unknown): SerializedRequest {
  if (request === null || request === undefined) return request as unknown as SerializedRequest;
  const given = request as RequestLike;
  const connection = given.info || given.socket;
  const result = Object.create(REQUEST_PROTOTYPE) as Properties;
  result.id = typeof given.id === 'function' ? given.id() : given.id || (given.info ? given.info.id : undefined);
  result.method = given.method;
  result.url = urlOf(given);
  if (given.query) result.query = given.query;
  if (given.params) result.params = given.params;
  result.headers = given.headers;
  result.remoteAddress = connection?.remoteAddress;
  result.remotePort = connection?.remotePort;
  result.raw = given.raw || given;
  return result as unknown as SerializedRequest;
}

/** Serializes a response of `node:http` or of a framework; without a status until its headers are sent. */
export function res(response: unknown): SerializedResponse {
  if (response === null || response === undefined) return response as unknown as SerializedResponse;
  const given = response as Properties & { getHeaders?: () => unknown };
  const result = Object.create(RESPONSE_PROTOTYPE) as Properties;
  result.statusCode = given.headersSent ? given.statusCode : null;
  result.headers = given.getHeaders ? given.getHeaders() : given._headers;
  result.raw = given;
  return result as unknown as SerializedResponse;
}

/** `{ req }` of a request. */
export function mapHttpRequest(request: unknown): { req: SerializedRequest } {
  return { req: req(request) };
}

/** `{ res }` of a response. */
export function mapHttpResponse(response: unknown): { res: SerializedResponse } {
  return { res: res(response) };
}

/** A serializer that gives what {@link err} made to `custom`; {@link err} itself stays as it is. */
export function wrapErrorSerializer<T>(custom: (error: SerializedError) => T): (error: Error) => T {
  if ((custom as unknown) === err) return custom as never;
  return (error) => custom(err(error));
}

/** A serializer that gives what {@link req} made to `custom`. */
export function wrapRequestSerializer<T>(custom: (request: SerializedRequest) => T): (request: unknown) => T {
  if ((custom as unknown) === req) return custom as never;
  return (request) => custom(req(request));
}

/** A serializer that gives what {@link res} made to `custom`. */
export function wrapResponseSerializer<T>(custom: (response: SerializedResponse) => T): (response: unknown) => T {
  if ((custom as unknown) === res) return custom as never;
  return (response) => custom(res(response));
}

/** `pino.stdSerializers`. */
export const stdSerializers = {
  err,
  errWithCause,
  mapHttpRequest,
  mapHttpResponse,
  req,
  res,
  wrapErrorSerializer,
  wrapRequestSerializer,
  wrapResponseSerializer,
};
