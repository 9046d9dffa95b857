// The command line of `kymo`: what was asked for, or what is wrong with it. Main thread.
import { parseArgs } from 'node:util';
import type { RecoveredShape, RecoverLogsOptions } from '../logs/recovery.js';

/** What was asked for. */
export type Command =
  | { readonly kind: 'recover'; readonly options: RecoverLogsOptions }
  | { readonly kind: 'help' }
  | { readonly kind: 'version' }
  | { readonly kind: 'usage'; readonly problem: string };

const SHAPES: readonly RecoveredShape[] = ['json', 'text', 'logfmt'];

/** What `--help` prints. */
export const HELP = `kymo recover [options]   write the log lines that crashed processes did not deliver, once

  --service NAME         of which service; default: KYMO_SERVICE_NAME, or the package of this folder
  --dir DIR              where its memory lies; default: KYMO_MEMORY_DIR, or /dev/shm
  --file PATH            append to this file; default: print
  --format FORMAT        json (default), text, logfmt
  --deadline SECONDS     longest wait for the reader; default: 60

kymo --version           print the version
`;

/** Reads the arguments behind `kymo`. Never throws. */
export function parseCommand(args: readonly string[]): Command {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        service: { type: 'string' },
        dir: { type: 'string' },
        file: { type: 'string' },
        format: { type: 'string' },
        deadline: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
        version: { type: 'boolean' },
      },
    });
    if (values.help) return { kind: 'help' };
    if (values.version) return { kind: 'version' };
    if (positionals.length === 0) return { kind: 'usage', problem: 'a command is missing' };
    if (positionals[0] !== 'recover' || positionals.length > 1)
      return { kind: 'usage', problem: `there is no command ${positionals.join(' ')}` };
    const { service, dir, file, format, deadline } = values;
    const shape = SHAPES.find((known) => known === (format ?? 'json'));
    if (shape === undefined) return { kind: 'usage', problem: `--format is ${SHAPES.join(', ')}, not ${format}` };
    const seconds = deadline === undefined ? 60 : Number(deadline);
    if (!(seconds >= 0 && seconds <= 86_400)) return { kind: 'usage', problem: `--deadline is a number of seconds, not ${deadline}` };
    return {
      kind: 'recover',
      options: {
        shape,
        deadlineMs: seconds * 1000,
        ...(service === undefined ? {} : { service }),
        ...(dir === undefined ? {} : { dir }),
        ...(file === undefined ? {} : { file }),
      },
    };
  } catch (error) {
    return { kind: 'usage', problem: (error as Error).message };
  }
}
