// What `kymo/opentelemetry` exports, as the build has it: one module for require and import, beside Kymo's ES modules.
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

/** What a program prints as JSON, run beside the package. */
function printed(code: string, ...options: string[]): unknown {
  return JSON.parse(execFileSync(process.execPath, [...options, '-e', code], { cwd: ROOT, encoding: 'utf8' }));
}

const NAMES = ['KymoContextManager', 'KymoMeterProvider', 'KymoPropagator', 'KymoTracerProvider', 'register'];

describe('kymo/opentelemetry', () => {
  it('is one module for require and import, with plain properties that a test can replace', () => {
    const code = `
      import * as all from 'kymo/opentelemetry';
      import otel from 'kymo/opentelemetry';
      import { createRequire } from 'node:module';
      const required = createRequire(import.meta.url)('kymo/opentelemetry');
      const properties = Object.values(Object.getOwnPropertyDescriptors(required));
      const plain = properties.every(({ writable, enumerable, configurable }) => writable && enumerable && configurable);
      console.log(JSON.stringify([otel === required, Object.keys(all).sort(), plain]));`;
    const [same, names, plain] = printed(code, '--input-type=module') as [boolean, string[], boolean];
    expect([same, plain]).toEqual([true, true]);
    expect(names.filter((name) => !['default', 'module.exports'].includes(name))).toEqual(NAMES);
  });

  it('shares contexts and providers with the ES modules of kymo: spans of both are one trace, metrics one scrape', () => {
    const code = `
      import { metrics as registry, TracerProvider, activeContext } from 'kymo';
      import { register } from 'kymo/opentelemetry';
      import { metrics, trace } from '@opentelemetry/api';
      const provider = new TracerProvider({ serviceName: 'both' });
      register({ provider });
      const kymo = provider.getTracer('kymo');
      const found = [];
      trace.getTracer('api').startActiveSpan('outer', (outer) => {
        kymo.startActiveSpan('native', (native) => {
          found.push(native.parentSpanId === outer.spanContext().spanId);
          found.push(trace.getActiveSpan().spanContext().spanId === native.spanId, trace.getActiveSpan() === trace.getActiveSpan());
          const inner = trace.getTracer('api').startSpan('inner').addEvent('chained').setAttribute('a', 1);
          found.push(inner.spanContext().traceId === native.traceId);
          inner.end();
          native.end();
        });
        outer.end();
      });
      metrics.getMeter('m').createHistogram('http.server.request.duration', { advice: { explicitBucketBoundaries: [1] } }).record(0.5, { 'http.route': '/' });
      const text = await registry.metrics();
      found.push(text.includes('http_server_request_duration_bucket{http_route="/",le="1"} 1'));
      console.log(JSON.stringify(found));
      process.exit();`;
    expect(printed(code, '--input-type=module')).toEqual([true, true, true, true, true]);
  });

  it('does nothing, and fails nowhere, when Kymo is switched off', () => {
    const code = `
      process.env.KYMO_DISABLED = '1';
      const { register } = require('kymo/opentelemetry');
      const { metrics, trace, context, propagation } = require('@opentelemetry/api');
      const registration = register();
      const span = trace.getTracer('t').startSpan('a').setAttribute('a', 1);
      metrics.getMeter('m').createCounter('c').add(1, { a: 'b' });
      metrics.getMeter('m').createHistogram('h').record(1);
      metrics.getMeter('m').createObservableGauge('g').addCallback((result) => result.observe(1));
      const recording = span.isRecording();
      span.end();
      registration.forceFlush().then(() => registration.shutdown()).then(() => console.log(JSON.stringify([recording])));`;
    expect(printed(code)).toEqual([false]);
  });
});
