// The last record and the comparison with it. Ratios are compared, never times: another machine is not a regression.
import { readFileSync, writeFileSync } from 'node:fs';
import type { Machine } from './machine.js';
import type { Result } from './measure.js';
import { UsageError } from './settings.js';

/** A committed run. */
export interface BenchRecord {
  readonly machine: Machine;
  readonly rows: readonly Result[];
}

/** Ratios may move by this share beyond the quartiles of both runs before a row counts as worse. */
export const MARGIN = 0.1;

/** Reads a record. @throws UsageError when there is none. */
export function readRecord(path: string): BenchRecord {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as BenchRecord;
  } catch (error) {
    throw new UsageError(`no record to compare with (${(error as Error).message}); write one with --record`);
  }
}

/** Writes a record; rows of the last one that were not measured now are kept. */
export function writeRecord(path: string, machine: Machine, rows: readonly Result[], last: BenchRecord | undefined): void {
  const measured = new Map(rows.map((row) => [row.name, row]));
  const kept = (last?.rows ?? []).filter((row) => !measured.has(row.name));
  writeFileSync(path, `${JSON.stringify({ machine, rows: [...kept, ...rows] } satisfies BenchRecord, null, 1)}\n`);
}

/**
 * What got worse since `last`, one sentence each; empty when nothing did.
 * A row is worse when the better quartile of its ratio now is more than {@link MARGIN} worse than the worse quartile then: rounds
 * that merely scatter overlap. A row whose own cost became more than 0 where it was 0 is worse without any margin.
 * @param complete whether all rows were measured, so that one that is missing is gone.
 */
export function worseThan(last: readonly Result[], now: readonly Result[], complete: boolean): string[] {
  const measured = new Map(now.map((row) => [row.name, row]));
  const found: string[] = [];
  for (const then of last) {
    const row = measured.get(then.name);
    if (row === undefined) {
      if (complete) found.push(`${then.name}: no longer measured`);
      continue;
    }
    if (then.ours === 0 && row.ours > 0) {
      found.push(`${row.name}: ${row.ours} ${row.unit}, was 0`);
      continue;
    }
    if (then.low === null || then.high === null || row.low === null || row.high === null || then.speedUp !== row.speedUp) continue;
    const worse = row.speedUp ? row.high < then.low / (1 + MARGIN) : row.low > then.high * (1 + MARGIN);
    if (worse) found.push(`${row.name}: ratio ${shown(row)}, was ${shown(then)}`);
  }
  return found;
}

function shown({ ratio, low, high }: Result): string {
  return `${ratio?.toPrecision(3)} (${low?.toPrecision(3)} to ${high?.toPrecision(3)})`;
}
