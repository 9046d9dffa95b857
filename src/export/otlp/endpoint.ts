// Where OTLP goes: the rules of the specification for base and signal endpoints, schemes and protocols. Pure functions, any thread.
// https://opentelemetry.io/docs/specs/otel/protocol/exporter/

/** OTLP over HTTP with protobuf or JSON bodies, or over gRPC. */
export const OTLP_PROTOCOLS = Object.freeze(['http/protobuf', 'http/json', 'grpc'] as const);
export type OtlpProtocol = (typeof OTLP_PROTOCOLS)[number];

/** The path that follows a base endpoint, and the one of the gRPC method. */
const TRACES_PATH = 'v1/traces';
export const GRPC_PATH = '/opentelemetry.proto.collector.trace.v1.TraceService/Export';
const GRPC_PORT = '4317';

/** Where a collector on this machine listens. */
export const DEFAULT_ENDPOINTS: Readonly<Record<OtlpProtocol, string>> = Object.freeze({
  'http/protobuf': 'http://localhost:4318',
  'http/json': 'http://localhost:4318',
  grpc: 'http://localhost:4317',
});

/** What decides where spans go; an empty text is none. */
export interface EndpointOptions {
  /** Base URL: over HTTP, `v1/traces` is added to its path. */
  readonly endpoint?: string | undefined;
  /** URL that is used as it is; goes before `endpoint`. */
  readonly tracesEndpoint?: string | undefined;
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
export function resolveEndpoint({ endpoint, tracesEndpoint, protocol, insecure = false }: EndpointOptions): Endpoint | undefined {
  const asItIs = tracesEndpoint !== undefined && tracesEndpoint.trim() !== '';
  const given = asItIs ? tracesEndpoint : endpoint?.trim() ? endpoint : DEFAULT_ENDPOINTS[protocol ?? 'http/protobuf'];
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
    url.pathname = GRPC_PATH;
    url.search = '';
  } else if (!asItIs) {
    url.pathname += url.pathname.endsWith('/') ? TRACES_PATH : `/${TRACES_PATH}`;
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
