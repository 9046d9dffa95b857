// The access log of the demo: a JSON line for each request, in files that turn by themselves. The main thread writes the lines into memory;
// native threads bring them to the files.
import { randomUUID } from 'node:crypto';
import { createReadStream, existsSync, readdirSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { configureLogging, fileSink, getLogger, type Logger, type LoggingStack } from '../index.js';

/** Where it goes unless told otherwise; the day comes between the name and its ending. */
export const ACCESS_LOG = join(tmpdir(), 'kymo-demo', 'access.log');
/** Bytes of all its files: days of an idle demo, and no full disk after a long one. */
const MOST_BYTES = 256 * 2 ** 20;
/** Longest wait for the files at the end. */
const CLOSE_WITHIN_MS = 5_000;

/** A running log. */
export class AccessLog {
  /** Its lines have `run`, which no other run has. */
  readonly run = randomUUID().slice(0, 8);
  readonly logger: Logger;
  readonly #path: string;
  readonly #logging: LoggingStack;
  readonly #startMs = Date.now();

  /** @param path the files' name without the day */
  constructor(path: string) {
    this.#path = path;
    this.#logging = configureLogging({
      sinks: [fileSink({ path, maxTotalBytes: MOST_BYTES })],
      base: { run: this.run },
    });
    this.logger = getLogger('access');
  }

  /** Lines of an earlier run that was killed, which were still in memory and are in the files now. */
  get recovered(): number {
    return this.#logging.recovered.lines;
  }

  /** The files as a shell finds them. */
  get files(): string {
    return this.#path.replace(/(\.[^./]*)?$/, '-*$1');
  }

  /** Brings everything to the files and ends; gives how many lines this run has in them. */
  async close(): Promise<number> {
    await this.#logging.shutdown(CLOSE_WITHIN_MS);
    const folder = dirname(this.#path);
    const [name] = basename(this.#path).split('.');
    let lines = 0;
    // Without a line there may be no file, and no folder.
    for (const file of existsSync(folder) ? readdirSync(folder) : []) {
      const path = join(folder, file);
      // A second less: clocks of files are coarser than ours.
      if (file.startsWith(`${name}-`) && statSync(path).mtimeMs >= this.#startMs - 1_000)
        lines += await linesWith(path, `"run":"${this.run}"`);
    }
    return lines;
  }
}

/** Lines of a file that hold `text`. */
async function linesWith(path: string, text: string): Promise<number> {
  let lines = 0;
  let rest = '';
  for await (const chunk of createReadStream(path, { encoding: 'utf8' })) {
    const parts = (rest + chunk).split('\n');
    rest = parts.pop() as string;
    lines += parts.filter((line) => line.includes(text)).length;
  }
  return lines;
}
