// The variables of OpenTelemetry, by the rules of its specification.
import { describe, expect, it } from 'vitest';
import { OPENTELEMETRY_VARIABLES, readOpenTelemetry, workerEnvironment } from '../../src/config/opentelemetry.js';

const ignoredOf = (env: Record<string, string>) => readOpenTelemetry(env).ignored.map(({ variable }) => variable);

describe('readOpenTelemetry', () => {
  it('says nothing where nothing is set, or only empty', () => {
    const empty = Object.fromEntries(Object.values(OPENTELEMETRY_VARIABLES).flatMap(({ env }) => env.map((name) => [name, ' '])));
    for (const env of [{}, empty]) {
      const { values, ignored } = readOpenTelemetry(env);
      expect(Object.values(values).every((value) => value === undefined)).toBe(true);
      expect(ignored).toEqual([]);
    }
  });

  it('takes only "true" as true, in any case, and what is no boolean as false with a warning', () => {
    expect(readOpenTelemetry({ OTEL_SDK_DISABLED: 'TRUE' }).values.sdkDisabled).toBe(true);
    expect(readOpenTelemetry({ OTEL_SDK_DISABLED: 'False' }).values.sdkDisabled).toBe(false);
    const odd = readOpenTelemetry({ OTEL_SDK_DISABLED: '1' });
    expect(odd.values.sdkDisabled).toBe(false);
    expect(odd.ignored).toEqual([{ variable: 'OTEL_SDK_DISABLED', value: '1', expected: 'true or false' }]);
  });

  it('ignores numbers that are none or out of range, and takes the next variable', () => {
    for (const value of ['x', '-1', '1.5', '1e3', '0x10', '99999999999']) {
      const { values, ignored } = readOpenTelemetry({ OTEL_BSP_MAX_QUEUE_SIZE: value });
      expect(values.maxQueueSpans, value).toBeUndefined();
      expect(ignored).toHaveLength(1);
    }
    expect(ignoredOf({ OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '0' })).toEqual(['OTEL_BSP_MAX_EXPORT_BATCH_SIZE']);
    const both = readOpenTelemetry({ OTEL_EXPORTER_OTLP_TRACES_TIMEOUT: 'soon', OTEL_EXPORTER_OTLP_TIMEOUT: '5' });
    expect(both.values.timeoutMs).toBe(5);
    expect(both.ignored.map(({ variable }) => variable)).toEqual(['OTEL_EXPORTER_OTLP_TRACES_TIMEOUT']);
  });

  it('takes a time-out of 0 as none', () => {
    expect(readOpenTelemetry({ OTEL_BSP_EXPORT_TIMEOUT: '0' }).values.exportTimeoutMs).toBe(2 ** 31 - 1);
  });

  it('takes words in any case and warns of unknown ones', () => {
    expect(readOpenTelemetry({ OTEL_EXPORTER_OTLP_PROTOCOL: 'GRPC' }).values.protocol).toBe('grpc');
    expect(ignoredOf({ OTEL_EXPORTER_OTLP_PROTOCOL: 'http' })).toEqual(['OTEL_EXPORTER_OTLP_PROTOCOL']);
    expect(readOpenTelemetry({ OTEL_TRACES_EXPORTER: 'otlp, Console,otlp' }).values.tracesExporters).toEqual(['otlp', 'console']);
    expect(ignoredOf({ OTEL_TRACES_EXPORTER: 'zipkin' })).toEqual(['OTEL_TRACES_EXPORTER']);
  });

  it('decodes pairs, and discards all when one is bad, without showing them', () => {
    expect(readOpenTelemetry({ OTEL_RESOURCE_ATTRIBUTES: 'a=1, b%3D = x%20y ,,c=' }).values.resourceAttributes).toEqual([
      ['a', '1'],
      ['b=', 'x y'],
      ['c', ''],
    ]);
    for (const value of ['a=1,b', '=x', 'a=%zz']) {
      const { values, ignored } = readOpenTelemetry({ OTEL_EXPORTER_OTLP_HEADERS: value });
      expect(values.headers, value).toBeUndefined();
      expect(ignored).toMatchObject([{ variable: 'OTEL_EXPORTER_OTLP_HEADERS', value: '[hidden]' }]);
    }
  });

  it('reads limits of a model before the general ones, and 0 as a limit', () => {
    const { values, ignored } = readOpenTelemetry({
      OTEL_ATTRIBUTE_COUNT_LIMIT: '7',
      OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT: '9',
      OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT: '0',
      OTEL_SPAN_EVENT_COUNT_LIMIT: '1',
      OTEL_SPAN_LINK_COUNT_LIMIT: '2',
      OTEL_LINK_ATTRIBUTE_COUNT_LIMIT: '3',
    });
    expect(values).toMatchObject({
      attributeCount: 9,
      attributeValueLength: 0,
      eventCount: 1,
      linkCount: 2,
      eventAttributeCount: 7,
      linkAttributeCount: 3,
    });
    expect(ignored).toEqual([]);
  });
});

it('keeps from an exporter thread what would load the set-up of the program again', () => {
  expect(workerEnvironment({ NODE_OPTIONS: '--import ./tracing.js', PATH: '/bin', NONE: undefined })).toEqual({ PATH: '/bin' });
});
