// Published instrumentations, unchanged, on the drop-in and on OpenTelemetry's own SDK: the same spans and the same counts come out.
import { spawnSync } from 'node:child_process';
import { beforeAll, describe, expect, it } from 'vitest';
import { openTelemetry } from '../opentelemetry.js';

interface Found {
  readonly traces: number;
  readonly spans: readonly { readonly path: string }[];
  readonly metrics: readonly string[];
}

/** What a program prints as JSON. */
function printed(...args: string[]): unknown {
  const { stdout, stderr, status } = spawnSync(process.execPath, ['--no-warnings', ...args], {
    cwd: openTelemetry.folder,
    encoding: 'utf8',
    env: { ...process.env, OTEL_SEMCONV_STABILITY_OPT_IN: 'http' },
  });
  expect([stderr, status]).toEqual(['', 0]);
  return JSON.parse(stdout);
}

/** What comes out of an application; `options` are Node's. */
function run(app: string, which: 'kymo' | 'sdk', form: string, ...options: string[]): Found {
  return printed(...options, 'run-app.cjs', app, which, form) as Found;
}

describe.runIf(openTelemetry.installed)('published packages', () => {
  beforeAll(() => openTelemetry.installOurs());

  it.each([
    ['http', 'commonjs', 8],
    ['http', 'esm', 8],
    ['undici', 'commonjs', 5],
    ['undici', 'esm', 5],
    ['openai', 'commonjs', 5],
    ['openai', 'esm', 5],
    ['openinference', 'commonjs', 4],
  ])('instrumentations of %s in %s: spans, parents, attributes, events, status and metrics are those of the SDK', (app, form, spans) => {
    const ours = run(app, 'kymo', form);
    const theirs = run(app, 'sdk', form);
    expect(ours.spans).toEqual(theirs.spans);
    expect(ours.spans).toHaveLength(spans);
    expect(ours).toEqual(theirs);
  });

  it('processors and exporters of the SDK and of Langfuse send the same: batches in OTLP, the console, masked attributes', () => {
    const ours = printed('run-exporters.cjs', 'kymo') as { otlp: unknown[]; console: unknown[]; langfuse: unknown[] };
    expect(ours).toEqual(printed('run-exporters.cjs', 'sdk'));
    expect([ours.otlp.length, ours.console.length, ours.langfuse.length]).toEqual([1, 3, 3]);
    expect(JSON.stringify(ours.langfuse)).toContain('a ***');
  });

  it('instrumentations work with the oldest version of the API, 1.3', () => {
    const ours = run('http', 'kymo', 'commonjs', '--require', './with-api-1.3.cjs');
    expect(ours).toEqual(run('http', 'sdk', 'commonjs'));
  });
});
