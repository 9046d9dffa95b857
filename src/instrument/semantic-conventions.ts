// The names of OpenTelemetry's semantic conventions that the instrumentations write: HTTP in its stable form (version 1.23 and
// later). Pure data; any thread.

/** Keys of span attributes. */
export const KEY = Object.freeze({
  clientAddress: 'client.address',
  errorType: 'error.type',
  method: 'http.request.method',
  methodOriginal: 'http.request.method_original',
  resendCount: 'http.request.resend_count',
  status: 'http.response.status_code',
  route: 'http.route',
  peerAddress: 'network.peer.address',
  peerPort: 'network.peer.port',
  protocolVersion: 'network.protocol.version',
  serverAddress: 'server.address',
  serverPort: 'server.port',
  urlFull: 'url.full',
  urlPath: 'url.path',
  urlQuery: 'url.query',
  urlScheme: 'url.scheme',
  userAgent: 'user_agent.original',
} as const);

/** Stands for every method that is not known. */
export const OTHER_METHOD = '_OTHER';

/** The methods of RFC 9110 and PATCH of RFC 5789. */
export const KNOWN_METHODS: readonly string[] = Object.freeze([
  'CONNECT',
  'DELETE',
  'GET',
  'HEAD',
  'OPTIONS',
  'PATCH',
  'POST',
  'PUT',
  'TRACE',
]);

/** Upper bounds of `http.server.request.duration` and `http.client.request.duration`, in seconds. */
export const DURATION_BUCKETS: readonly number[] = Object.freeze([
  0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10,
]);

/** `error.type` of a request whose client left before the answer was complete. */
export const ABORTED = 'aborted';
/** `error.type` of what has no better name. */
export const OTHER_ERROR = '_OTHER';
