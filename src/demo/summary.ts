// The closing summary: what the run did, read from the last scrape of its own ops server. Main thread, at the end.
import type { BlockReport } from './block.js';
import { count, counted, share, time } from './figures.js';
import type { Tally } from './load.js';
import type { PathReport } from './prober.js';
import { quantileOf, type Samples } from './samples.js';
import { StatusClasses } from './status-classes.js';

/** What the summary is made of. */
export interface Run {
  readonly seconds: number;
  /** The last scrape. */
  readonly samples: Samples;
  /** The load's own count; undefined without load. */
  readonly tally: Tally | undefined;
  /** Longest time in which the event loop did not turn. */
  readonly longestBlockSeconds: number;
  /** Lines of this run in the access log's files. */
  readonly logLines: number;
}

/** The summary, one string per line. */
export function summary({ seconds, samples, tally, longestBlockSeconds, logLines }: Run): string[] {
  const classes = new StatusClasses(samples);
  const buckets = samples.buckets('http_request_duration_seconds');
  const rows: [string, string][] = [
    ['ran', time(seconds)],
    ['requests', `${count(classes.total)} (${count(classes.total / Math.max(seconds, 0.001))}/s)`],
    [
      'status',
      classes
        .since()
        .map(([name, value, whole]) => `${name} ${count(value)} (${share(value, whole)})`)
        .join('  ') || 'none',
    ],
    ['latency', `p50 ${time(quantileOf(buckets, 0.5))}  p99 ${time(quantileOf(buckets, 0.99))}`],
    ['upstream', upstream(samples)],
    ['load', tally === undefined ? 'none (--no-load)' : load(tally)],
    ['spans', spans(samples)],
    ['log', log(samples, logLines, classes.total)],
    ['scrapes', `${count(samples.sum('kymo_ops_requests_total', { route: '/metrics', code: '200' }))} answered`],
    ['longest block', `${time(longestBlockSeconds)} of the event loop`],
    ['drops', count(samples.sum('kymo_dropped_total'))],
  ];
  return rows.map(([name, value]) => `  ${name.padEnd(14)}${value}`);
}

function upstream(samples: Samples): string {
  const attempts = samples.sumBy('upstream_requests_total', 'outcome');
  const parts = [...attempts].sort(([a], [b]) => a.localeCompare(b)).map(([outcome, value]) => `${outcome} ${count(value)}`);
  return [...parts, `sent again ${count(samples.sum('upstream_retries_total'))}`].join('  ');
}

/** Recorded, sent and lost. */
function spans(samples: Samples): string {
  const exported = samples.sum('kymo_spans_exported_total');
  const dropped = samples.sum('kymo_spans_dropped_total');
  const sent = exported > 0 ? `  sent ${count(exported)}` : '';
  return `${count(samples.sum('kymo_spans_total'))} recorded${sent}${dropped > 0 ? `  lost ${count(dropped)}` : ''}`;
}

/** Lines in the files, against requests that were served. */
function log(samples: Samples, lines: number, served: number): string {
  const dropped = samples.sum('kymo_log_lines_dropped_total');
  const each = lines === served ? ', one for each request' : ` for ${counted(served, 'request')}`;
  return `${counted(lines, 'line')} written${each}, ${count(dropped)} dropped`;
}

function load(tally: Tally): string {
  const answered = Object.values(tally.byStatus).reduce((sum, value) => sum + value, 0);
  const rest = (
    [
      ['broken', tally.broken],
      ['unanswered', tally.open],
      ['held back', tally.held],
    ] as const
  )
    .filter(([, value]) => value > 0)
    .map(([name, value]) => `, ${count(value)} ${name}`);
  return `${count(tally.sent)} sent, ${count(answered)} answered by its own count${rest.join('')}`;
}

/** What a block showed, in one line. */
export function blockLine({ blockedSeconds, live, metrics }: BlockReport): string {
  return `event loop blocked ${blockedSeconds.toFixed(1)} s: ${pathPart('/live', live)}; ${pathPart('/metrics', metrics)}`;
}

function pathPart(path: string, { answers, failures, p99Seconds }: PathReport): string {
  return `${path} answered ${counted(answers, 'time')}, p99 ${time(p99Seconds)}${failures > 0 ? `, ${counted(failures, 'failure')}` : ''}`;
}
