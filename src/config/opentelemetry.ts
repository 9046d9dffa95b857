// The environment variables of OpenTelemetry that Kymo reads: one table, and its reading by the specification's rules (empty
// counts as unset; what cannot be used is ignored, with a warning). Any thread; read when tracing is configured.

interface VariableRow {
  /** Variables that set it: the first one that can be used wins. */
  readonly env: readonly string[];
  readonly type: 'string' | 'boolean' | 'integer' | 'timeout' | 'words' | 'word' | 'pairs';
  /** Words allowed, in lower case. */
  readonly words?: readonly string[];
  /** First and last accepted value of a number. */
  readonly range?: readonly [number, number];
  /** What holds where nothing is set, for the guide; the code that uses the value owns it. */
  readonly fallback: string;
  readonly doc: string;
}

const LIMIT = [0, 2 ** 31 - 1] as const;

/** Variables by the option that they are. */
export const OPENTELEMETRY_VARIABLES = {
  sdkDisabled: {
    env: ['OTEL_SDK_DISABLED'],
    type: 'boolean',
    fallback: 'false',
    doc: '`true` makes `configureTracing` give tracers whose spans do nothing; propagation stays',
  },
  serviceName: {
    env: ['OTEL_SERVICE_NAME'],
    type: 'string',
    fallback: 'from OTEL_RESOURCE_ATTRIBUTES, else KYMO_SERVICE_NAME, else package.json',
    doc: '`service.name` of the resource',
  },
  resourceAttributes: {
    env: ['OTEL_RESOURCE_ATTRIBUTES'],
    type: 'pairs',
    fallback: '-',
    doc: 'resource attributes, `key=value,key=value`, percent-encoded; one bad pair discards all',
  },
  tracesExporters: {
    env: ['OTEL_TRACES_EXPORTER'],
    type: 'words',
    words: ['otlp', 'console', 'none'],
    fallback: 'otlp where an endpoint is set, else none',
    doc: 'where spans go, a list',
  },
  propagators: {
    env: ['OTEL_PROPAGATORS'],
    type: 'string',
    fallback: 'tracecontext,baggage',
    doc: 'headers that are read and written, a list',
  },
  sampler: { env: ['OTEL_TRACES_SAMPLER'], type: 'string', fallback: 'parentbased_always_on', doc: 'name of the sampler' },
  samplerArgument: { env: ['OTEL_TRACES_SAMPLER_ARG'], type: 'string', fallback: '-', doc: 'its argument' },
  tracesEndpoint: {
    env: ['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'],
    type: 'string',
    fallback: '-',
    doc: 'URL that spans are sent to, used as it is',
  },
  endpoint: {
    env: ['OTEL_EXPORTER_OTLP_ENDPOINT'],
    type: 'string',
    fallback: '-',
    doc: 'base URL; over HTTP, `v1/traces` or `v1/logs` is added to its path',
  },
  protocol: {
    env: ['OTEL_EXPORTER_OTLP_TRACES_PROTOCOL', 'OTEL_EXPORTER_OTLP_PROTOCOL'],
    type: 'word',
    words: ['http/protobuf', 'http/json', 'grpc'],
    fallback: 'grpc for port 4317, else http/protobuf',
    doc: 'how spans are sent',
  },
  headers: { env: ['OTEL_EXPORTER_OTLP_HEADERS'], type: 'pairs', fallback: '-', doc: 'headers of each request, percent-encoded' },
  tracesHeaders: {
    env: ['OTEL_EXPORTER_OTLP_TRACES_HEADERS'],
    type: 'pairs',
    fallback: '-',
    doc: 'the same; a name here goes before the same name there',
  },
  timeoutMs: {
    env: ['OTEL_EXPORTER_OTLP_TRACES_TIMEOUT', 'OTEL_EXPORTER_OTLP_TIMEOUT'],
    type: 'timeout',
    fallback: '10000',
    doc: 'longest time for one request, in ms; 0 is no limit',
  },
  compression: {
    env: ['OTEL_EXPORTER_OTLP_TRACES_COMPRESSION', 'OTEL_EXPORTER_OTLP_COMPRESSION'],
    type: 'word',
    words: ['none', 'gzip', 'zstd'],
    fallback: 'none',
    doc: 'packing of request bodies; `zstd` over HTTP only',
  },
  certificate: {
    env: ['OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE', 'OTEL_EXPORTER_OTLP_CERTIFICATE'],
    type: 'string',
    fallback: 'those of Node',
    doc: 'file with the PEM certificates that the server is verified with',
  },
  clientKey: {
    env: ['OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY', 'OTEL_EXPORTER_OTLP_CLIENT_KEY'],
    type: 'string',
    fallback: '-',
    doc: "file with the client's private key, PEM",
  },
  clientCertificate: {
    env: ['OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE', 'OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE'],
    type: 'string',
    fallback: '-',
    doc: "file with the client's certificate chain, PEM",
  },
  insecure: {
    env: ['OTEL_EXPORTER_OTLP_TRACES_INSECURE', 'OTEL_EXPORTER_OTLP_INSECURE'],
    type: 'boolean',
    fallback: 'false',
    doc: 'no TLS where the endpoint names no scheme',
  },
  scheduleDelayMs: {
    env: ['OTEL_BSP_SCHEDULE_DELAY'],
    type: 'integer',
    range: [0, 2 ** 31 - 1],
    fallback: '5000',
    doc: 'longest time that a span waits for its batch to fill, in ms',
  },
  exportTimeoutMs: {
    env: ['OTEL_BSP_EXPORT_TIMEOUT'],
    type: 'timeout',
    fallback: '30000',
    doc: 'longest time for one batch, repetitions included, in ms; 0 is no limit',
  },
  maxQueueSpans: {
    env: ['OTEL_BSP_MAX_QUEUE_SIZE'],
    type: 'integer',
    range: [1, 2 ** 24],
    fallback: '10000',
    doc: 'spans that may wait; the oldest are dropped',
  },
  maxBatchSpans: {
    env: ['OTEL_BSP_MAX_EXPORT_BATCH_SIZE'],
    type: 'integer',
    range: [1, 2 ** 24],
    fallback: '512',
    doc: 'spans of one request; at most the size of the queue',
  },
  attributeValueLength: {
    env: ['OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT', 'OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT'],
    type: 'integer',
    range: LIMIT,
    fallback: 'none',
    doc: 'characters of an attribute value; the first one is for attributes of spans',
  },
  attributeCount: {
    env: ['OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT', 'OTEL_ATTRIBUTE_COUNT_LIMIT'],
    type: 'integer',
    range: LIMIT,
    fallback: '128',
    doc: 'attributes of a span',
  },
  eventCount: { env: ['OTEL_SPAN_EVENT_COUNT_LIMIT'], type: 'integer', range: LIMIT, fallback: '128', doc: 'events of a span' },
  linkCount: { env: ['OTEL_SPAN_LINK_COUNT_LIMIT'], type: 'integer', range: LIMIT, fallback: '128', doc: 'links of a span' },
  eventAttributeCount: {
    env: ['OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT', 'OTEL_ATTRIBUTE_COUNT_LIMIT'],
    type: 'integer',
    range: LIMIT,
    fallback: '128',
    doc: 'attributes of an event',
  },
  linkAttributeCount: {
    env: ['OTEL_LINK_ATTRIBUTE_COUNT_LIMIT', 'OTEL_ATTRIBUTE_COUNT_LIMIT'],
    type: 'integer',
    range: LIMIT,
    fallback: '128',
    doc: 'attributes of a link',
  },
  logsExporters: {
    env: ['OTEL_LOGS_EXPORTER'],
    type: 'words',
    words: ['otlp', 'none'],
    fallback: 'otlp where an endpoint is set, else none',
    doc: 'where log lines go beside the sinks that `configureLogging` is given',
  },
  logsEndpoint: {
    env: ['OTEL_EXPORTER_OTLP_LOGS_ENDPOINT'],
    type: 'string',
    fallback: '-',
    doc: 'URL that log records are sent to, used as it is',
  },
  logsProtocol: {
    env: ['OTEL_EXPORTER_OTLP_LOGS_PROTOCOL', 'OTEL_EXPORTER_OTLP_PROTOCOL'],
    type: 'word',
    words: ['http/protobuf', 'http/json', 'grpc'],
    fallback: 'grpc for port 4317, else http/protobuf',
    doc: 'how log records are sent',
  },
  logsHeaders: {
    env: ['OTEL_EXPORTER_OTLP_LOGS_HEADERS'],
    type: 'pairs',
    fallback: '-',
    doc: 'headers of their requests; a name here goes before the same name in OTEL_EXPORTER_OTLP_HEADERS',
  },
  logsTimeoutMs: {
    env: ['OTEL_EXPORTER_OTLP_LOGS_TIMEOUT', 'OTEL_EXPORTER_OTLP_TIMEOUT'],
    type: 'timeout',
    fallback: '10000',
    doc: 'longest time for one of their requests, in ms; 0 is no limit',
  },
  logsCompression: {
    env: ['OTEL_EXPORTER_OTLP_LOGS_COMPRESSION', 'OTEL_EXPORTER_OTLP_COMPRESSION'],
    type: 'word',
    words: ['none', 'gzip', 'zstd'],
    fallback: 'none',
    doc: 'packing of their request bodies; `zstd` over HTTP only',
  },
  logsCertificate: {
    env: ['OTEL_EXPORTER_OTLP_LOGS_CERTIFICATE', 'OTEL_EXPORTER_OTLP_CERTIFICATE'],
    type: 'string',
    fallback: 'those of Node',
    doc: 'as for spans, for log records',
  },
  logsClientKey: {
    env: ['OTEL_EXPORTER_OTLP_LOGS_CLIENT_KEY', 'OTEL_EXPORTER_OTLP_CLIENT_KEY'],
    type: 'string',
    fallback: '-',
    doc: 'as for spans, for log records',
  },
  logsClientCertificate: {
    env: ['OTEL_EXPORTER_OTLP_LOGS_CLIENT_CERTIFICATE', 'OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE'],
    type: 'string',
    fallback: '-',
    doc: 'as for spans, for log records',
  },
  logsInsecure: {
    env: ['OTEL_EXPORTER_OTLP_LOGS_INSECURE', 'OTEL_EXPORTER_OTLP_INSECURE'],
    type: 'boolean',
    fallback: 'false',
    doc: 'no TLS where the endpoint of log records names no scheme',
  },
  logScheduleDelayMs: {
    env: ['OTEL_BLRP_SCHEDULE_DELAY'],
    type: 'integer',
    range: [0, 2 ** 31 - 1],
    fallback: '1000',
    doc: 'longest time that a log record waits for its batch to fill, in ms',
  },
  logExportTimeoutMs: {
    env: ['OTEL_BLRP_EXPORT_TIMEOUT'],
    type: 'timeout',
    fallback: '30000',
    doc: 'longest time for one batch of log records, repetitions included, in ms; 0 is no limit',
  },
  maxQueueRecords: {
    env: ['OTEL_BLRP_MAX_QUEUE_SIZE'],
    type: 'integer',
    range: [1, 2 ** 24],
    fallback: '10000',
    doc: 'log records that may wait; the oldest are dropped',
  },
  maxBatchRecords: {
    env: ['OTEL_BLRP_MAX_EXPORT_BATCH_SIZE'],
    type: 'integer',
    range: [1, 2 ** 24],
    fallback: '512',
    doc: 'log records of one request; at most the size of the queue',
  },
  logAttributeValueLength: {
    env: ['OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT', 'OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT'],
    type: 'integer',
    range: LIMIT,
    fallback: 'none',
    doc: 'characters of an attribute value of a log record',
  },
  logAttributeCount: {
    env: ['OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT', 'OTEL_ATTRIBUTE_COUNT_LIMIT'],
    type: 'integer',
    range: LIMIT,
    fallback: '128',
    doc: 'attributes of a log record',
  },
  logLevel: {
    env: ['OTEL_LOG_LEVEL'],
    type: 'word',
    words: ['debug', 'info', 'warn', 'error', 'none'],
    fallback: 'info',
    doc: "lowest level of what the console exporter's logger prints",
  },
} as const satisfies Record<string, VariableRow>;

type Row = (typeof OPENTELEMETRY_VARIABLES)[keyof typeof OPENTELEMETRY_VARIABLES];

type ValueOf<R extends Row> = R['type'] extends 'boolean'
  ? boolean
  : R['type'] extends 'integer' | 'timeout'
    ? number
    : R['type'] extends 'pairs'
      ? readonly (readonly [string, string])[]
      : R extends { readonly words: readonly (infer W)[] }
        ? R['type'] extends 'words'
          ? readonly W[]
          : W
        : string;

/** What the environment says; undefined where it says nothing that can be used. */
export type OpenTelemetryEnvironment = {
  readonly [N in keyof typeof OPENTELEMETRY_VARIABLES]: ValueOf<(typeof OPENTELEMETRY_VARIABLES)[N]> | undefined;
};

/** A variable that is set and cannot be used. */
export interface IgnoredVariable {
  readonly variable: string;
  readonly value: string;
  readonly expected: string;
}

/** Milliseconds that stand for "no limit": the longest timer of Node. */
const UNLIMITED_MS = 2 ** 31 - 1;

/** A value that cannot be used, by what was expected. */
class Unusable {
  constructor(readonly expected: string) {}
}

/**
 * Reads the variables of {@link OPENTELEMETRY_VARIABLES} from `env` (default `process.env`). Never throws.
 * @returns the values, and what was ignored: the caller warns.
 */
export function readOpenTelemetry(env: Readonly<Record<string, string | undefined>> = process.env): {
  readonly values: OpenTelemetryEnvironment;
  readonly ignored: readonly IgnoredVariable[];
} {
  const values: Record<string, unknown> = {};
  const ignored: IgnoredVariable[] = [];
  for (const [name, row] of Object.entries<VariableRow>(OPENTELEMETRY_VARIABLES)) {
    for (const variable of row.env) {
      const text = env[variable]?.trim();
      if (text === undefined || text === '') continue;
      const value = parse(text, row);
      if (value instanceof Unusable) {
        ignored.push({ variable, value: row.type === 'pairs' ? '[hidden]' : text, expected: value.expected });
        // A boolean that is no boolean is false by the specification, and so still an answer.
        if (row.type !== 'boolean') continue;
      }
      values[name] = value instanceof Unusable ? false : value;
      break;
    }
  }
  return { values: values as unknown as OpenTelemetryEnvironment, ignored: ignored.filter(firstOfItsVariable) };
}

function firstOfItsVariable(one: IgnoredVariable, index: number, all: readonly IgnoredVariable[]): boolean {
  return all.findIndex((other) => other.variable === one.variable) === index;
}

function parse(text: string, row: VariableRow): unknown {
  switch (row.type) {
    case 'string':
      return text;
    case 'boolean':
      if (/^(true|false)$/i.test(text)) return text.toLowerCase() === 'true';
      return new Unusable('true or false');
    case 'integer':
    case 'timeout':
      return parseNumber(text, row);
    case 'word': {
      const word = text.toLowerCase();
      return row.words?.includes(word) ? word : new Unusable(`one of ${row.words?.join(', ')}`);
    }
    case 'words': {
      const words = text.split(',').map((word) => word.trim().toLowerCase());
      const known = words.filter((word) => row.words?.includes(word));
      return known.length === words.filter((word) => word !== '').length && known.length > 0
        ? [...new Set(known)]
        : new Unusable(`a list of ${row.words?.join(', ')}`);
    }
    case 'pairs':
      return parsePairs(text) ?? new Unusable('key=value,key=value, percent-encoded');
  }
}

function parseNumber(text: string, { type, range = [0, UNLIMITED_MS] }: VariableRow): number | Unusable {
  const value = /^\+?\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= range[0] && value <= range[1])) return new Unusable(`a whole number in [${range[0]}, ${range[1]}]`);
  return type === 'timeout' && value === 0 ? UNLIMITED_MS : value;
}

/** `key=value,key=value` with both sides percent-encoded, spaces around them ignored; undefined when one pair is none. */
export function parsePairs(text: string): readonly (readonly [string, string])[] | undefined {
  const pairs: (readonly [string, string])[] = [];
  for (const member of text.split(',')) {
    if (member.trim() === '') continue;
    const at = member.indexOf('=');
    const key = member.slice(0, at).trim();
    if (at < 0 || key === '') return undefined;
    try {
      pairs.push([decodeURIComponent(key), decodeURIComponent(member.slice(at + 1).trim())]);
    } catch {
      return undefined; // A percent sign that encodes nothing.
    }
  }
  return pairs;
}

/**
 * The environment of an exporter's thread: that of the process without `NODE_OPTIONS`, which may load the program's own set-up of
 * tracing, and that would start a thread like this one again.
 */
export function workerEnvironment(env: Readonly<Record<string, string | undefined>> = process.env): Record<string, string> {
  return Object.fromEntries(Object.entries(env).filter(([name, value]) => name !== 'NODE_OPTIONS' && value !== undefined)) as Record<
    string,
    string
  >;
}
