// What a program writes, gives and throws with one library, so that both can be compared.
import { expect } from 'vitest';
import { original, ours, type Pino } from './original.js';

/** A logger of either library, on which anything may be called: the tests give it what its types refuse. */
// biome-ignore lint/suspicious/noExplicitAny: see above
export type AnyLogger = any;

/** A program: a logger, what has been written so far, and the library. */
export type Program = (logger: AnyLogger, lines: string[], pino: Pino) => unknown;

export interface Told {
  readonly lines: readonly string[];
  readonly given: unknown;
  readonly threw: string | undefined;
}

/** Lines without `pid`, `hostname` and a time, unless the options say so. */
export const BARE: object = { base: null, timestamp: false };

/** Runs a program on a logger of `pino` that has these options. */
export function told(pino: Pino, options: object, program: Program): Told {
  const lines: string[] = [];
  try {
    const logger: AnyLogger = pino({ ...BARE, ...options }, { write: (line: string) => lines.push(line) });
    return { lines, given: program(logger, lines, pino), threw: undefined };
  } catch (error) {
    return { lines, given: undefined, threw: (error as Error).message };
  }
}

/** Expects the same of both. */
export function expectSame(options: object, program: Program): void {
  expect(told(ours, options, program)).toEqual(told(original as Pino, options, program));
}

/** Expects the same of both; where pino throws or writes what is no JSON, lines that are, and no error. */
export function expectSameOrSound(options: object, program: Program): void {
  const theirs = told(original as Pino, options, program);
  const mine = told(ours, options, program);
  if (theirs.threw === undefined && theirs.lines.every(isJson)) expect(mine).toEqual(theirs);
  else expect([mine.threw, mine.lines.filter((line) => !isJson(line))]).toEqual([undefined, []]);
}

/** Whether a line is one JSON text. */
export function isJson(line: string): boolean {
  try {
    JSON.parse(line);
    return true;
  } catch {
    return false;
  }
}

/** An error with the same stack wherever it is made. */
export function still(message: string): Error {
  return Object.assign(new Error(message), { stack: `Error: ${message}\n    at nowhere` });
}

/** A row of a table: its title, options, program. */
export type Row = readonly [title: string, options: object, program: Program];
