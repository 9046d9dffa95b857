// Results as people and programs read them: an aligned table, or rows of JSON.
import { describeGoal } from './goals.js';
import { describeMachine, type Machine } from './machine.js';
import type { Result } from './measure.js';

/** A row of `--json`. */
export interface JsonRow {
  readonly name: string;
  readonly ours: number;
  readonly peer: number | null;
  readonly ratio: number | null;
  readonly goal: string | null;
  readonly met: boolean | null;
  readonly unit: string;
}

/** The row for `--json`. */
export function jsonRow(result: Result): JsonRow {
  const { name, ours, peer, ratio, met, unit } = result;
  return { name, ours, peer, ratio, goal: describeGoal(result.goal ?? undefined, unit), met, unit };
}

/** All results as a table, the machine above it. */
export function table(machine: Machine, results: readonly Result[]): string {
  const head = ['name', 'ours', 'peer', '', 'ratio', 'goal', 'met'];
  const body = results.map((result) => [
    result.name,
    quantity(result.ours, result.unit),
    quantity(result.peer, result.unit),
    result.peerLabel ?? '',
    result.ratio === null ? '-' : `${figures(result.ratio)}x`,
    describeGoal(result.goal ?? undefined, result.unit) ?? '-',
    result.met === null ? '-' : result.met ? 'yes' : 'NO',
  ]);
  const widths = head.map((_, column) => Math.max(...[head, ...body].map((cells) => (cells[column] as string).length)));
  const right = new Set([1, 2, 4]);
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => (right.has(column) ? cell.padStart(widths[column] as number) : cell.padEnd(widths[column] as number)))
      .join('  ')
      .trimEnd();
  const rule = widths.map((width) => '-'.repeat(width)).join('  ');
  return [describeMachine(machine), '', line(head), rule, ...body.map(line), ''].join('\n');
}

function quantity(value: number | null, unit: string): string {
  return value === null ? '-' : `${figures(value)} ${unit}`;
}

/** Three significant figures, thousands grouped; more would claim a precision that no run has. */
function figures(value: number): string {
  if (value === 0) return '0';
  return value >= 100 ? Math.round(value).toLocaleString('en') : value.toPrecision(value < 0.1 ? 2 : 3);
}
