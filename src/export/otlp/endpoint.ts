// Where OTLP goes: the rules of the specification for base and signal endpoints, schemes and protocols. Pure functions, any thread.
// https://opentelemetry.io/docs/specs/otel/protocol/exporter/

/** OTLP over HTTP with protobuf or JSON bodies, or over gRPC. */
export const OTLP_PROTOCOLS = Object.freeze(['http/protobuf', 'http/json', 'grpc'] as const);
export type OtlpProtocol = (typeof OTLP_PROTOCOLS)[number];

/** What is sent. */
export type OtlpSignal = 'traces' | 'logs';

/** The path that follows a base endpoint, and the one of the gRPC method. */
const PATHS: Readonly<Record<OtlpSignal, { readonly http: string; readonly grpc: string }>> = Object.freeze({
  traces: { http: 'v1/traces', grpc: '/opentelemetry.proto.collector.trace.v1.TraceService/Export' },
  logs: { http: 'v1/logs', grpc: '/opentelemetry.proto.collector.logs.v1.LogsService/Export' },
});
const GRPC_PORT = '4317';

/** Where a collector on this machine listens. */
export const DEFAULT_ENDPOINTS: Readonly<Record<OtlpProtocol, string>> = Object.freeze({
  'http/protobuf': 'http://localhost:4318',
  'http/json': 'http://localhost:4318',
  grpc: 'http://localhost:4317',
});

/** What decides where a signal goes; an empty text is none. */
export interface EndpointOptions {
  /** Default `traces`. */
  readonly signal?: OtlpSignal;
  /** Base URL: over HTTP, `v1/` and the signal are added to its path. */
  readonly endpoint?: string | undefined;
  /** URL that is used as it is; goes before `endpoint`. */
  readonly signalEndpoint?: string | undefined;
  /** Default: gRPC for port 4317, else protobuf over HTTP. */
  readonly protocol?: OtlpProtocol | undefined;
  /** No TLS where the endpoint names no scheme. */
  readonly insecure?: boolean | undefined;
}

/** The endpoint as it is connected to; without a user in it. */
export interface Endpoint {
  readonly protocol: OtlpProtocol;
  readonly url: URL;
  /** `user:password` of the URL, decoded; empty for none. */
  readonly user: string;
}

/**
 * Finds protocol and URL.
 * @returns undefined for a text that is no URL of http or https
 */
export function resolveEndpoint({
  signal = 'traces',
  endpoint,
  signalEndpoint,
  protocol,
  insecure = false,
}: EndpointOptions): Endpoint | undefined {
  const asItIs = signalEndpoint !== undefined && signalEndpoint.trim() !== '';
  const given = asItIs ? signalEndpoint : endpoint?.trim() ? endpoint : DEFAULT_ENDPOINTS[protocol ?? 'http/protobuf'];
  const url = parse(given.trim(), insecure);
  if (url === undefined) return undefined;
  const spoken = protocol ?? (url.port === GRPC_PORT ? 'grpc' : 'http/protobuf');
  let user = '';
  if (url.username !== '' || url.password !== '') {
    user = `${decoded(url.username)}:${decoded(url.password)}`;
    url.username = '';
    url.password = '';
  }
  url.hash = '';
  if (spoken === 'grpc') {
    url.pathname = PATHS[signal].grpc;
    url.search = '';
  } else if (!asItIs) {
    url.pathname += `${url.pathname.endsWith('/') ? '' : '/'}${PATHS[signal].http}`;
  }
  return { protocol: spoken, url, user };
}

function parse(text: string, insecure: boolean): URL | undefined {
  const withScheme = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `${insecure ? 'http' : 'https'}://${text}`;
  if (!URL.canParse(withScheme)) return undefined;
  const url = new URL(withScheme);
  return (url.protocol === 'http:' || url.protocol === 'https:') && url.hostname !== '' ? url : undefined;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
