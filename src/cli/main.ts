#!/usr/bin/env node
// Entry of the command `kymo`: reads the command line, has a domain do the work, prints. Main thread.
import { writeSync } from 'node:fs';
import { KymoError } from '../core/errors.js';
import { VERSION } from '../core/version.js';
import type { RecoverLogsOptions } from '../logs/recovery.js';
import { HELP, parseCommand } from './arguments.js';

const STDERR = 2;

async function recover(options: RecoverLogsOptions): Promise<number> {
  // Only now, since the addon opens the memory of a process.
  const { recoverLogs } = await import('../logs/recovery.js');
  const { runs, lines, lost, isComplete } = await recoverLogs(options);
  const processes = `${runs} ${runs === 1 ? 'process' : 'processes'}`;
  const what = runs === 0 ? 'nothing to recover' : `recovered ${lines} log lines of ${processes}, ${lost} were lost`;
  writeSync(STDERR, `kymo: ${what}${isComplete ? '' : '; not all of them were taken in time, and are kept for another try'}\n`);
  return isComplete ? 0 : 1;
}

async function main(): Promise<number> {
  const command = parseCommand(process.argv.slice(2));
  switch (command.kind) {
    case 'help':
      process.stdout.write(HELP);
      return 0;
    case 'version':
      process.stdout.write(`${VERSION}\n`);
      return 0;
    case 'usage':
      writeSync(STDERR, `kymo: ${command.problem}\n\n${HELP}`);
      return 2;
    case 'recover':
      return recover(command.options);
  }
}

main().then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    writeSync(STDERR, `kymo: ${KymoError.is(error) ? error.message : ((error as Error).stack ?? String(error))}\n`);
    process.exitCode = 1;
  },
);
