// What is printed of spans, for whom and at which level.
import { afterEach, describe, expect, it, vi } from 'vitest';
import { ConsoleSpanExporter, LogSpanExporter } from '../../src/export/console/console-exporter.js';
import { formatDebugLine, formatLlmLine, formatSendLine, formatSpanLine, formatToolLine } from '../../src/export/console/lines.js';
import { streamLogger } from '../../src/export/console/logger.js';
import { createSpanData } from '../../src/traces/span-data.js';

const span = (name: string, attributes: Record<string, unknown> = {}, fields = {}) =>
  createSpanData({ name, traceId: 't', spanId: 's', startTime: 1_000, endTime: 1_000.1234, attributes, ...fields });

function recorder() {
  const lines: [string, string][] = [];
  const at = (level: string) => (line: string) => void lines.push([level, line]);
  return { lines, logger: { debug: at('debug'), info: at('info'), warn: at('warn') } };
}

afterEach(() => {
  vi.restoreAllMocks();
});

describe('the console exporter [L-037 V-44]', () => {
  it('prints name, duration and the error of a failed span, a line each', () => {
    const { lines, logger } = recorder();
    new ConsoleSpanExporter({ logger }).export([
      span('fine'),
      span('late', {}, { status: 'timeout' }),
      span('bad', {}, { status: 'error', errorMessage: 'no\nway' }),
    ]);
    expect(lines).toEqual([
      ['info', '[span] fine  123.4ms'],
      ['info', '[span] late  123.4ms  ERROR: timeout'],
      ['info', '[span] bad  123.4ms  ERROR: no\\u000away'],
    ]);
  });

  it('prints whole spans as JSON when asked to', () => {
    const { lines, logger } = recorder();
    new ConsoleSpanExporter({ logger, format: 'json' }).export([span('a', { big: 2n ** 60n })]);
    expect(JSON.parse(lines[0]?.[1] as string)).toMatchObject({ name: 'a', attributes: { big: '1152921504606846976' } });
  });

  it('prints to the standard output without a logger', () => {
    const write = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
    new ConsoleSpanExporter().export([span('a')]);
    expect(write.mock.calls).toEqual([['[span] a  123.4ms\n']]);
  });

  it('refuses what is no logger or no format', () => {
    expect(() => new ConsoleSpanExporter({ logger: {} as never })).toThrow(expect.objectContaining({ code: 'KYMO_EXPORT_OPTION' }));
    expect(() => new ConsoleSpanExporter({ format: 'xml' as never })).toThrow(/KYMO_EXPORT_OPTION/);
  });

  it('never lets the text of a span begin a line of its own', () => {
    expect(formatSpanLine(span('a\r\n[span] forged\u2028'))).toBe('[span] a\\u000d\\u000a[span] forged\\u2028  123.4ms');
  });
});

describe('the log exporter [V-10 V-30]', () => {
  const spans = [
    span('send job', { 'civitas.sender': 'a', 'civitas.recipient': 'b', 'civitas.message_type': 'job' }),
    span('recv job'),
    span('llm.chat gpt', { 'llm.model': 'gpt' }),
    span('tool.execute grep', { 'tool.name': 'grep' }),
    span('other'),
  ];

  it('logs sends, model calls and tool calls at level debug, and nothing else', () => {
    const { lines, logger } = recorder();
    new LogSpanExporter({ logger }).export(spans);
    expect(lines.slice(1).map(([level, line]) => [level, line.replace(/\d\d:\d\d:\d\d/, 'time')])).toEqual([
      ['debug', '[time.000] a -> b: job'],
      ['debug', '  [llm] gpt: 0in/0out $0.0000 123ms'],
      ['debug', '  [tool] grep: ok 123ms'],
    ]);
  });

  it('warns once, when it is made, what becomes of spans and what to do [V-11]', () => {
    const { lines, logger } = recorder();
    const exporter = new LogSpanExporter({ logger });
    exporter.export(spans);
    const warnings = lines.filter(([level]) => level === 'warn');
    expect(warnings).toEqual([['warn', expect.stringMatching(/^\[Tracer\] .*OTEL_EXPORTER_OTLP_ENDPOINT/)]]);
  });

  it('prints nothing at level info [V-30]', () => {
    const out = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
    const err = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    new LogSpanExporter({ logger: streamLogger('info') }).export(spans);
    expect(out).not.toHaveBeenCalled();
    expect(err).toHaveBeenCalledOnce();
    new LogSpanExporter({ logger: streamLogger('debug') }).export(spans);
    expect(out).toHaveBeenCalledTimes(3);
    new LogSpanExporter({ logger: streamLogger('none') }).export(spans);
    expect(err).toHaveBeenCalledTimes(2);
  });
});

describe('a line', () => {
  it('of a send has the local time of the start, cut to milliseconds [V-22]', () => {
    const at = new Date(2026, 5, 1, 9, 8, 7).getTime() / 1_000;
    const message = { sender: 'a', recipient: 'b', type: 'job' };
    expect(formatSendLine(span('send job', {}, { startTime: at + 0.042 }), message)).toBe('[09:08:07.042] a -> b: job');
    expect(formatSendLine(span('send job', {}, { startTime: at + 0.9996 }), message)).toBe('[09:08:07.999] a -> b: job');
    expect(formatSendLine(span('send job', {}, { startTime: at }))).toBe('[09:08:07.000] ? -> ?: ?');
    expect(formatDebugLine(span('recv job'))).toBeUndefined();
  });

  it('of a model call has tokens, cost and milliseconds [V-26]', () => {
    const attributes = { 'llm.model': 'm', 'llm.tokens_in': 12, 'llm.tokens_out': 3, 'llm.cost_usd': 0.01236, 'llm.latency_ms': 1_234.56 };
    expect(formatLlmLine(span('llm.chat m', attributes))).toBe('  [llm] m: 12in/3out $0.0124 1235ms');
    expect(formatLlmLine(span('llm.chat m'))).toBe('  [llm] ?: 0in/0out $0.0000 123ms');
  });

  it('of a tool call has status and milliseconds [V-29]', () => {
    const attributes = { 'tool.name': 'grep', 'tool.result_status': 'denied', 'tool.latency_ms': 7.4 };
    expect(formatToolLine(span('tool.execute grep', attributes))).toBe('  [tool] grep: denied 7ms');
    expect(formatToolLine(span('tool.execute x'))).toBe('  [tool] ?: ok 123ms');
  });

  it('never throws, whatever the attributes are', () => {
    const odd = { 'llm.model': Object.create(null), 'llm.tokens_in': Symbol('x'), 'llm.cost_usd': 'much', 'llm.latency_ms': Number.NaN };
    expect(formatLlmLine(span('llm.chat', odd))).toBe('  [llm] [object]: Symbol(x)in/0out $0.0000 123ms');
  });
});
