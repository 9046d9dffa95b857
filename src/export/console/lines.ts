// Lines that a person reads: a span, a message that was sent, a call of a model or a tool. Pure functions; any thread.
import { SemanticAttributes as S } from '../../traces/semantic-attributes.js';
import type { SpanData } from '../../traces/span-data.js';
import { inLine } from './logger.js';

/** What the lines need of a span. */
export type LineSpan = Pick<SpanData, 'name' | 'startTime' | 'endTime' | 'attributes' | 'status' | 'errorMessage'>;

/** What a line about a message needs of it. */
export interface LineMessage {
  readonly sender?: unknown;
  readonly recipient?: unknown;
  readonly type?: unknown;
}

/** `[span] <name>  <ms>ms`, with the error of a failed span behind it. */
export function formatSpanLine(span: LineSpan): string {
  const failed = span.status !== 'ok';
  const reason = failed ? `  ERROR: ${inLine(span.errorMessage ?? (span.status === 'timeout' ? 'timeout' : 'failed'))}` : '';
  return `[span] ${inLine(span.name)}  ${milliseconds(span).toFixed(1)}ms${reason}`;
}

/** `[HH:MM:SS.mmm] <sender> -> <recipient>: <type>`: when the span started, in local time, milliseconds cut off. */
export function formatSendLine(span: LineSpan, message: LineMessage = messageOf(span)): string {
  const { sender = '?', recipient = '?', type = '?' } = message;
  return `[${clock(span.startTime)}] ${inLine(sender)} -> ${inLine(recipient)}: ${inLine(type)}`;
}

/** `  [llm] <model>: <in>in/<out>out $<cost> <ms>ms` */
export function formatLlmLine(span: LineSpan): string {
  const { attributes } = span;
  const tokens = (key: string): string => inLine(attributes[key] ?? 0);
  const cost = numberOf(attributes[S.LLM_COST_USD]) ?? 0;
  const ms = numberOf(attributes[S.LLM_LATENCY_MS]) ?? milliseconds(span);
  const model = inLine(attributes[S.LLM_MODEL] ?? '?');
  return `  [llm] ${model}: ${tokens(S.LLM_TOKENS_IN)}in/${tokens(S.LLM_TOKENS_OUT)}out $${cost.toFixed(4)} ${ms.toFixed(0)}ms`;
}

/** `  [tool] <name>: <status> <ms>ms` */
export function formatToolLine(span: LineSpan): string {
  const { attributes } = span;
  const ms = numberOf(attributes[S.TOOL_LATENCY_MS]) ?? milliseconds(span);
  const status = inLine(attributes[S.TOOL_RESULT_STATUS] ?? span.status);
  return `  [tool] ${inLine(attributes[S.TOOL_NAME] ?? '?')}: ${status} ${ms.toFixed(0)}ms`;
}

/** The line for a span that is a send, a model's call or a tool's; undefined for any other. */
export function formatDebugLine(span: LineSpan): string | undefined {
  if (span.name.startsWith('llm.chat ')) return formatLlmLine(span);
  if (span.name.startsWith('tool.execute ')) return formatToolLine(span);
  if (span.name.startsWith('send ')) return formatSendLine(span);
  return undefined;
}

function messageOf({ attributes }: LineSpan): LineMessage {
  return { sender: attributes[S.CIVITAS_SENDER], recipient: attributes[S.CIVITAS_RECIPIENT], type: attributes[S.CIVITAS_MESSAGE_TYPE] };
}

function milliseconds({ startTime, endTime }: LineSpan): number {
  return Math.max(0, endTime - startTime) * 1_000;
}

function numberOf(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

function clock(seconds: number): string {
  const date = new Date(Math.floor(seconds * 1_000));
  const two = (value: number): string => String(value).padStart(2, '0');
  const ms = String(date.getMilliseconds()).padStart(3, '0');
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${ms}`;
}
