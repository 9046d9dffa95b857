// What a figure was measured on. Runs once, in the runner's process.
import { execFileSync } from 'node:child_process';
import { cpus, totalmem } from 'node:os';
import { ROOT } from './places.js';

/** The machine and the state of the sources behind a table or a record. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly platform: string;
  readonly node: string;
  /** ISO 8601, UTC. */
  readonly date: string;
  /** Abbreviated commit, with `+` when the tree differs from it; null outside a checkout. */
  readonly commit: string | null;
}

/** Describes this machine. Runs git twice. */
export function thisMachine(): Machine {
  const processors = cpus();
  return {
    cpu: processors[0]?.model.trim() ?? 'unknown',
    cores: processors.length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    platform: `${process.platform}-${process.arch}`,
    node: process.version,
    date: new Date().toISOString(),
    commit: commit(),
  };
}

/** One line for the head of a table. */
export function describeMachine(machine: Machine): string {
  const { cpu, cores, memoryGiB, platform, node, date, commit } = machine;
  return `${cpu}, ${cores} cores, ${memoryGiB} GiB, ${platform}, Node ${node}, ${date.slice(0, 16)}Z, commit ${commit ?? 'unknown'}`;
}

function commit(): string | null {
  const git = (...args: string[]): string =>
    execFileSync('git', args, { cwd: ROOT, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  try {
    return git('rev-parse', '--short', 'HEAD') + (git('status', '--porcelain', '--untracked-files=no') === '' ? '' : '+');
  } catch {
    return null;
  }
}
