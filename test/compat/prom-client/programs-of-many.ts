// Runs the programs with several processes or threads on a client; the build is what they load.
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CONSUMERS, consumersInstalled } from '../../consumers.js';

const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const installed = (name: string): string | undefined => (consumersInstalled ? join(CONSUMERS, 'node_modules', name) : undefined);

/** Files to require: ours, prom-client 15.1.3, and 0.16.1 where this version of Node can run it. */
export const FILES = {
  ours: here('../../../dist/cjs/compat/prom-client/entry.cjs'),
  original: installed('original'),
  successor: Number(process.versions.node.split('.')[0]) >= 22 ? installed('successor') : undefined,
};

/** What the program printed. Rejects when it fails. */
export function outcomeOf(program: 'cluster-program.cjs' | 'worker-program.cjs', ...args: string[]): Promise<string[]> {
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [here(program), ...args], { encoding: 'utf8' }, (error, stdout, stderr) => {
      if (error) reject(new Error(`${error.message}${stderr}`));
      else resolve(JSON.parse(stdout));
    });
  });
}

const requests = '# HELP requests_total h\n# TYPE requests_total counter\nrequests_total{path="/a"} 6\n';
const buckets = 'seconds_bucket{le="1"} 1\nseconds_bucket{le="2"} 2\nseconds_bucket{le="+Inf"} 3\nseconds_sum 6\nseconds_count 3\n';
const histogram = `# HELP seconds h\n# TYPE seconds histogram\n${buckets}`;
const gauge = (value: number): string => `# HELP highest h\n# TYPE highest gauge\nhighest ${value}\n`;

/** What the workers 1, 2 and 3 of both programs make together. */
export const TEXT_OF_THREE = [requests, gauge(30), histogram].join('\n');
/** The same after 2 and 3 said goodbye: their sums are kept and stand first, the gauge is that of 1. */
export const TEXT_AFTER_GOODBYE = [requests, histogram, gauge(10)].join('\n');
/** What the primary of the cluster adds of its own. */
export const PRIMARY_TEXT = '# HELP primary_only h\n# TYPE primary_only gauge\nprimary_only 1\n';
