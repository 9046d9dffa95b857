// Options of OTLP exporters: types, defaults, checks, and what the sending thread gets of them. Any thread, when one is declared.
import { readFileSync } from 'node:fs';
import { validateHeaderName, validateHeaderValue } from 'node:http';
import { type OpenTelemetryEnvironment, readOpenTelemetry } from '../../config/opentelemetry.js';
import { type BatchOptions, type BatchSettings, checkBatchOptions, refusedOption, wholeOption, wordOption } from '../batch-options.js';
import { OTLP_PROTOCOLS, type OtlpProtocol, type OtlpSignal, resolveEndpoint } from './endpoint.js';

/** How request bodies are packed. */
export const OTLP_COMPRESSIONS = Object.freeze(['none', 'gzip', 'zstd'] as const);
export type OtlpCompression = (typeof OTLP_COMPRESSIONS)[number];

/** Options of a target, whatever is sent there. */
export interface OtlpTargetOptions {
  /** Base URL of the collector: over HTTP, `v1/` and the signal are added to its path. Default `http://localhost:4318`, for gRPC port 4317. */
  readonly endpoint?: string;
  /** Default: `grpc` for port 4317, else `http/protobuf`. */
  readonly protocol?: OtlpProtocol;
  /** Headers of each request, added to those of the environment. They cannot change how a body is framed. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Default `none`; `zstd` over HTTP only. */
  readonly compression?: OtlpCompression;
  /** Longest time for one request, in [1, 2147483647] ms; default 10,000. */
  readonly timeoutMs?: number;
  /** File with the PEM certificates that the server is verified with; default those of Node. Read again for each connection. */
  readonly certificate?: string;
  /** File with the client's private key, PEM. */
  readonly clientKey?: string;
  /** File with the client's certificate chain, PEM. */
  readonly clientCertificate?: string;
  /** No TLS where the endpoint names no scheme; default false. */
  readonly insecure?: boolean;
  /** Name in metrics and warnings; default `otlp`. */
  readonly name?: string;
}

/** Options of `otlpExporter`. What is left out comes from the `OTEL_EXPORTER_OTLP_*` and `OTEL_BSP_*` variables, then from the defaults. */
export interface OtlpExporterOptions extends OtlpTargetOptions, BatchOptions {
  /** URL that is used as it is; goes before `endpoint`. */
  readonly tracesEndpoint?: string;
}

/** What the sending thread needs to know: plain data, checked. */
export interface OtlpTarget {
  readonly protocol: OtlpProtocol;
  readonly url: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly compression: OtlpCompression;
  readonly certificate: string | undefined;
  readonly clientKey: string | undefined;
  readonly clientCertificate: string | undefined;
}

/** An OTLP exporter, checked. */
export interface OtlpSettings {
  readonly label: string;
  readonly target: OtlpTarget;
  readonly timeoutMs: number;
  readonly batch: BatchSettings;
}

/** Headers that belong to the framing of a request. */
const FRAMING = new Set([
  'connection',
  'content-encoding',
  'content-length',
  'content-type',
  'expect',
  'te',
  'transfer-encoding',
  'upgrade',
]);

type Environment = Partial<OpenTelemetryEnvironment>;

/** What the environment says of the target of one signal. */
export interface TargetEnvironment {
  readonly endpoint?: string | undefined;
  readonly signalEndpoint?: string | undefined;
  readonly protocol?: OtlpProtocol | undefined;
  /** For all signals, then for this one. */
  readonly headers: readonly (readonly [string, string])[];
  readonly compression?: OtlpCompression | undefined;
  readonly timeoutMs?: number | undefined;
  readonly certificate?: string | undefined;
  readonly clientKey?: string | undefined;
  readonly clientCertificate?: string | undefined;
  readonly insecure?: boolean | undefined;
}

/** A target with the options that go before the environment's. */
type TargetInput = OtlpTargetOptions & { readonly signalEndpoint?: string | undefined };

/**
 * Checks and completes options.
 * @throws KymoError `KYMO_EXPORT_OPTION` names the first one that cannot be used; values of headers are never shown.
 */
export function checkOtlpOptions(options: OtlpExporterOptions = {}, env: Environment = readOpenTelemetry().values): OtlpSettings {
  const { tracesEndpoint: signalEndpoint, ...target } = options;
  const environment = { ...env, signalEndpoint: env.tracesEndpoint, headers: [...(env.headers ?? []), ...(env.tracesHeaders ?? [])] };
  return {
    ...checkOtlpTarget('traces', { ...target, signalEndpoint }, environment),
    batch: checkBatchOptions(options, env),
  };
}

/**
 * The target of a signal, checked and completed.
 * @throws KymoError `KYMO_EXPORT_OPTION` names the first option that cannot be used
 */
export function checkOtlpTarget(signal: OtlpSignal, options: TargetInput, env: TargetEnvironment): Omit<OtlpSettings, 'batch'> {
  const { name = 'otlp' } = options;
  if (typeof name !== 'string' || !/^[\w.:/ -]{1,100}$/.test(name)) throw refusedOption('name', name, 'a short name');
  const { protocol, url, user } = checkEndpoint(signal, options, env);
  const headers = checkHeaders(options, env);
  if (user !== '') headers.authorization ??= `Basic ${Buffer.from(user).toString('base64')}`;
  return {
    label: name,
    target: {
      protocol,
      url: url.href,
      headers,
      compression: checkCompression(options, env, protocol),
      certificate: checkFile('certificate', options, env),
      clientKey: checkFile('clientKey', options, env),
      clientCertificate: checkFile('clientCertificate', options, env),
    },
    timeoutMs: wholeOption('timeoutMs', options.timeoutMs ?? env.timeoutMs ?? 10_000, [1, 2 ** 31 - 1]),
  };
}

/** A word for the packing of requests. @throws KymoError `KYMO_EXPORT_OPTION` for any other value. */
export function validateCompression(value: unknown): OtlpCompression {
  return wordOption('compression', value, OTLP_COMPRESSIONS);
}

function checkEndpoint(signal: OtlpSignal, options: TargetInput, env: TargetEnvironment) {
  const named = { endpoint: options.endpoint, [`${signal}Endpoint`]: options.signalEndpoint };
  for (const [key, value] of Object.entries(named)) {
    if (value !== undefined && typeof value !== 'string') throw refusedOption(key, value, 'a URL');
  }
  const given = options.signalEndpoint || options.endpoint ? options : env;
  const protocol = options.protocol ?? env.protocol;
  const endpoint = resolveEndpoint({
    signal,
    endpoint: given.endpoint,
    signalEndpoint: given.signalEndpoint,
    protocol: protocol === undefined ? undefined : wordOption('protocol', protocol, OTLP_PROTOCOLS),
    insecure: options.insecure ?? env.insecure,
  });
  if (endpoint === undefined) {
    // A password may stand in it.
    const text = String(given.signalEndpoint || given.endpoint).replace(/\/\/[^/@]*@/, '//');
    throw refusedOption('endpoint', text, 'a URL of http or https, or host:port');
  }
  return endpoint;
}

function checkHeaders(options: TargetInput, env: TargetEnvironment): Record<string, string> {
  const headers: Record<string, string> = {};
  const pairs = [...env.headers, ...Object.entries(options.headers ?? {})];
  for (const [name, value] of pairs) {
    try {
      validateHeaderName(name);
      validateHeaderValue(name, value);
    } catch {
      throw refusedOption('headers', name, 'names and values that HTTP allows');
    }
    const key = name.toLowerCase();
    if (!FRAMING.has(key)) headers[key] = value;
  }
  return headers;
}

function checkCompression(options: TargetInput, env: TargetEnvironment, protocol: OtlpProtocol): OtlpCompression {
  const compression = validateCompression(options.compression ?? env.compression ?? 'none');
  if (compression === 'zstd' && protocol === 'grpc') throw refusedOption('compression', compression, 'none or gzip with gRPC');
  return compression;
}

function checkFile(
  key: 'certificate' | 'clientKey' | 'clientCertificate',
  options: TargetInput,
  env: TargetEnvironment,
): string | undefined {
  const path = options[key] ?? env[key];
  if (path === undefined || path === '') return undefined;
  try {
    readFileSync(path);
  } catch (error) {
    throw refusedOption(key, path, `a file that can be read (${(error as NodeJS.ErrnoException).code})`);
  }
  return path;
}
