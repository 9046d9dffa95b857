// Where spans are sent, from options and variables.
import { describe, expect, it } from 'vitest';
import { readOpenTelemetry } from '../../src/config/opentelemetry.js';
import { resolveEndpoint } from '../../src/export/otlp/endpoint.js';
import { checkOtlpOptions, validateCompression } from '../../src/export/otlp/options.js';

const at = (options: Parameters<typeof resolveEndpoint>[0]): string | undefined => resolveEndpoint(options)?.url.href;
const fromEnvironment = (env: Record<string, string>) => checkOtlpOptions({}, readOpenTelemetry(env).values);

describe('an endpoint [L-212 V-07]', () => {
  it.each([
    ['http://h:4318', 'http://h:4318/v1/traces'],
    ['http://h:4318/', 'http://h:4318/v1/traces'],
    ['http://h/mine', 'http://h/mine/v1/traces'],
    ['http://h/mine/', 'http://h/mine/v1/traces'],
    ['https://h/?k=v', 'https://h/v1/traces?k=v'],
    ['h:4318', 'https://h:4318/v1/traces'],
    ['127.0.0.1:4318', 'https://127.0.0.1:4318/v1/traces'],
  ])('%s is a base, to which the path of traces is added', (endpoint, url) => {
    expect(at({ endpoint })).toBe(url);
  });

  it('of traces is used as it is, and goes before the base', () => {
    expect(at({ endpoint: 'http://base:4318', signalEndpoint: 'http://h:9/x?y=1' })).toBe('http://h:9/x?y=1');
    expect(at({ signalEndpoint: 'http://h:9' })).toBe('http://h:9/');
    expect(at({ endpoint: 'http://base:4318', signalEndpoint: '' })).toBe('http://base:4318/v1/traces');
  });

  it('says with its port how it is spoken to, unless the protocol is given', () => {
    expect(resolveEndpoint({ endpoint: 'http://h:4317' })?.protocol).toBe('grpc');
    expect(resolveEndpoint({ endpoint: 'http://h:4318' })?.protocol).toBe('http/protobuf');
    expect(resolveEndpoint({ endpoint: 'http://h:4317', protocol: 'http/json' })?.protocol).toBe('http/json');
    expect(at({ endpoint: 'http://h:4317/ignored' })).toBe('http://h:4317/opentelemetry.proto.collector.trace.v1.TraceService/Export');
  });

  it('without a scheme is TLS, or plain when that is asked for; a scheme decides itself [L-214]', () => {
    expect(at({ endpoint: 'h:4317', insecure: true })).toMatch(/^http:\/\/h:4317/);
    expect(at({ endpoint: 'h:4317' })).toMatch(/^https:/);
    expect(at({ endpoint: 'https://h:4317', insecure: true })).toMatch(/^https:/);
  });

  it.each(['ftp://h', 'http://', '://', 'unix:///run/x', 'http://h:99999'])('%s is none', (endpoint) => {
    expect(at({ endpoint })).toBeUndefined();
    expect(() => checkOtlpOptions({ endpoint }, {})).toThrow(expect.objectContaining({ code: 'KYMO_EXPORT_OPTION' }));
  });

  it('is this machine by default, at the port of the protocol', () => {
    expect(checkOtlpOptions({}, {}).target).toMatchObject({ protocol: 'http/protobuf', url: 'http://localhost:4318/v1/traces' });
    expect(checkOtlpOptions({ protocol: 'grpc' }, {}).target.url).toMatch(/^http:\/\/localhost:4317\//);
  });

  it('may name a user, who is sent as a header and never shown', () => {
    const { target } = checkOtlpOptions({ endpoint: 'http://me:p%40ss@h:4318' }, {});
    expect(target.url).toBe('http://h:4318/v1/traces');
    expect(target.headers.authorization).toBe(`Basic ${Buffer.from('me:p@ss').toString('base64')}`);
    expect(() => checkOtlpOptions({ endpoint: 'ftp://me:secret@h' }, {})).toThrow(/^(?!.*secret)/s);
  });
});

describe('the environment', () => {
  it('gives the endpoint; an empty variable is none [V-12]', () => {
    expect(fromEnvironment({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4318' }).target.url).toBe('http://c:4318/v1/traces');
    expect(
      fromEnvironment({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4318', OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://t:1/own' }).target.url,
    ).toBe('http://t:1/own');
    expect(fromEnvironment({ OTEL_EXPORTER_OTLP_ENDPOINT: '' }).target.url).toBe('http://localhost:4318/v1/traces');
  });

  it('gives headers, percent-encoded, those of traces before the others [L-213]', () => {
    const { headers } = fromEnvironment({
      OTEL_EXPORTER_OTLP_HEADERS: 'api-key=a%20b%3D%2C, X-Tenant = one ,both=1',
      OTEL_EXPORTER_OTLP_TRACES_HEADERS: 'both=2,authorization=Basic%20eA==',
    }).target;
    expect(headers).toEqual({ 'api-key': 'a b=,', 'x-tenant': 'one', both: '2', authorization: 'Basic eA==' });
  });

  it('gives protocol, time-out and packing, each with its own variable for traces [L-215 L-216]', () => {
    const general = {
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
      OTEL_EXPORTER_OTLP_TIMEOUT: '1234',
      OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip',
    };
    expect(fromEnvironment(general)).toMatchObject({ timeoutMs: 1_234, target: { protocol: 'http/json', compression: 'gzip' } });
    const own = {
      ...general,
      OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'grpc',
      OTEL_EXPORTER_OTLP_TRACES_TIMEOUT: '0',
      OTEL_EXPORTER_OTLP_TRACES_COMPRESSION: 'none',
    };
    expect(fromEnvironment(own)).toMatchObject({ timeoutMs: 2 ** 31 - 1, target: { protocol: 'grpc', compression: 'none' } });
  });

  it('gives the sizes of queue and batch; a batch beyond its queue is cut [L-218 L-219]', () => {
    const { batch } = fromEnvironment({
      OTEL_BSP_MAX_QUEUE_SIZE: '100',
      OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '200',
      OTEL_BSP_SCHEDULE_DELAY: '250',
      OTEL_BSP_EXPORT_TIMEOUT: '777',
    });
    expect(batch).toMatchObject({ maxQueueItems: 100, maxBatchItems: 100, scheduleDelayMs: 250, exportTimeoutMs: 777 });
    expect(checkOtlpOptions({}, {}).batch).toMatchObject({ maxQueueItems: 10_000, maxBatchItems: 512, scheduleDelayMs: 5_000 });
  });
});

describe('options in code', () => {
  it('go before the environment', () => {
    const env = readOpenTelemetry({
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://t:1/own',
      OTEL_EXPORTER_OTLP_HEADERS: 'a=env,b=env',
      OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip',
      OTEL_BSP_SCHEDULE_DELAY: '1',
    }).values;
    const checked = checkOtlpOptions(
      { endpoint: 'http://code:4318', headers: { B: 'code' }, compression: 'zstd', scheduleDelayMs: 2, timeoutMs: 30_000 },
      env,
    );
    expect(checked).toMatchObject({
      timeoutMs: 30_000,
      target: { url: 'http://code:4318/v1/traces', headers: { a: 'env', b: 'code' }, compression: 'zstd' },
      batch: { scheduleDelayMs: 2 },
    });
  });

  it('know none and gzip, and zstd over HTTP; any other packing is an error [L-216 L-217]', () => {
    expect(['none', 'gzip', 'zstd'].map(validateCompression)).toEqual(['none', 'gzip', 'zstd']);
    for (const value of ['brotli', 'GZIP', '', undefined, 1]) {
      expect(() => validateCompression(value)).toThrow(expect.objectContaining({ code: 'KYMO_EXPORT_OPTION' }));
    }
    expect(() => checkOtlpOptions({ protocol: 'grpc', compression: 'zstd' }, {})).toThrow(/none or gzip/);
    expect(checkOtlpOptions({}, {}).target.compression).toBe('none');
  });

  it.each([
    [{ timeoutMs: 0 }],
    [{ timeoutMs: Number.NaN }],
    [{ maxBatchSpans: 20, maxQueueSpans: 10 }],
    [{ maxBatchBytes: 64 * 2 ** 20 + 1 }],
    [{ protocol: 'http' as never }],
    [{ headers: { 'bad name': 'x' } }],
    [{ headers: { good: 'line\r\nbreak' } }],
    [{ certificate: '/does/not/exist.pem' }],
    [{ endpoint: 5 as never }],
    [{ name: 'a"b' }],
  ])('are refused when they cannot be used: %o', (options) => {
    expect(() => checkOtlpOptions(options, {})).toThrow(expect.objectContaining({ code: 'KYMO_EXPORT_OPTION' }));
  });

  it('cannot change how a body is framed', () => {
    const { headers } = checkOtlpOptions(
      { headers: { 'Content-Type': 'text/plain', 'Content-Length': '1', TE: 'x', Mine: '1' } },
      {},
    ).target;
    expect(headers).toEqual({ mine: '1' });
  });
});
